import { CLIENT_LEFT_STATUS } from "../core/events.ts";
import type { OwnError } from "../core/errors.ts";
import { inTime } from "../core/in-time.ts";
import type { Ending } from "../session/lease.ts";
import { earlyHeaders } from "./answer-headers.ts";
import { type Close, clientStream } from "./client-stream.ts";
import type { Flight } from "./flight.ts";
import type { Live, Opened } from "./opened.ts";
import { stoppedError } from "./own-errors.ts";
import type { Write } from "./pouring.ts";
import { type Reply, type RespondDeps, respond } from "./respond.ts";
import { failedEnding, streamOut } from "./stream-out.ts";

/** While nothing else can be sent on a stream, this often something is: proxies and clients give up on silence. */
const KEEP_ALIVE_MS = 15_000;

/**
 * Resolves with the reply; or, where a stream's client has been waiting for too long, with an answer that has begun:
 * signs of life until there is a reply, and from then on every failure as an event. `reply` must not reject. The wait is
 * counted from the take-off and not from the arrival: a client that sends images for 20 s is not waiting yet, and a
 * status of 200 before anybody was asked would turn a failure it could have been told into an event.
 */
export async function respondInTime(deps: RespondDeps, flight: Flight, reply: Promise<Reply>): Promise<Response> {
  const { inbound } = flight;
  const array = inbound.operation.pathStream && !/[?&]alt=sse(&|$)/.test(inbound.search);
  if (!inbound.facts.stream || array) return respond(deps, flight, await reply);
  const leftMs = flight.tookOffMs + KEEP_ALIVE_MS - deps.clock.monoMs();
  const early = await inTime(deps.clock, Math.max(0, leftMs), reply);
  if (early !== null) return respond(deps, flight, early);
  const headers = { ...earlyHeaders(inbound), "content-type": "text/event-stream", "cache-control": "no-cache" };
  const stream = clientStream(inbound.signal, deps.background, async (write) => {
    for (;;) {
      await tell(write, inbound.protocol.keepAlive);
      const late = await inTime(deps.clock, KEEP_ALIVE_MS, reply);
      if (late !== null) return lateReply(deps, flight, late, write);
    }
  });
  return new Response(stream, { status: 200, headers });
}

/** The status has gone out: whatever is no stream of events can only be told as the event that ends one. */
async function lateReply(deps: RespondDeps, flight: Flight, reply: Reply, write: Write): Promise<Close> {
  if (reply.kind === "winner") {
    const { winner } = reply;
    if (isEvents(winner.body)) return streamOut(deps, flight, { winner, live: winner.body, write });
    const error = instead(flight, winner.status, winner.body.kind === "whole" ? winner.body.bytes : null);
    winner.record.ended({ outcome: "answered", reason: "", usage: null });
    deps.background.track("winner", winner.close("answered_aside"));
    const ending = winner.clientError ? "reverted" : "failed";
    return endWith(flight, error, { write, provider: winner.provider.name, ending });
  }
  if (reply.kind === "failure") {
    const { failure } = reply;
    const ending = failedEnding(flight);
    if (failure.kind === "own") return endWith(flight, failure.error, { write, provider: "", ending });
    const { answer, provider } = failure;
    return endWith(flight, instead(flight, answer.status, answer.body), { write, provider, ending });
  }
  const error = stoppedError(flight.stop.stopped());
  if (error) return endWith(flight, error, { write, provider: "", ending: "reverted" });
  flight.land({ status: CLIENT_LEFT_STATUS, error: "", provider: "", usage: null }, "reverted");
  return "end";
}

/** That nobody takes it any more is no fault here: the request's own signal says so, and the reply with it. */
async function tell(write: Write, bytes: Uint8Array) {
  try {
    await write(bytes);
  } catch {
    return;
  }
}

/** The client reads events by now, so only events may follow. */
function isEvents(body: Opened["body"]): body is Live {
  return body.kind === "live" && body.events?.framing === "sse" && !body.source.encoded;
}

async function endWith(
  flight: Flight,
  error: OwnError,
  to: Readonly<{ write: Write; provider: string; ending: Ending }>,
): Promise<Close> {
  const { inbound } = flight;
  const event = inbound.protocol.errorEvent(error, inbound.requestId, { framing: "sse", sequence: -1, first: true });
  // Landed first: what the request holds does not wait for a client that does not read.
  flight.land({ status: 200, error: error.code, provider: to.provider, usage: null }, to.ending);
  await tell(to.write, event);
  inbound.beforeEnd();
  return "end";
}

/** An upstream's answer that cannot be passed on as it is; what it says is wrong, the client should know. */
function instead(flight: Flight, status: number, body: Uint8Array | null): OwnError {
  const client = status >= 400 && status < 500 && status !== 429;
  const said = body === null || status < 400 ? "" : flight.inbound.protocol.readError(status, body).message;
  const message = said === "" ? `The upstream answered with status ${status} and no stream.` : said;
  return { code: client ? "invalid_request" : "attempts_failed", message };
}
