import { ERROR_STATUS, type OwnError } from "../core/errors.ts";
import type { Client } from "../provider/provider.ts";
import type { HomeStore } from "../session/home.ts";
import { describeAnswer, earlyHeaders } from "./answer-headers.ts";
import { clientStream } from "./client-stream.ts";
import { type DeliverDeps, type Delivered, deliver } from "./deliver.ts";
import { CLIENT_LEFT_STATUS } from "./finish.ts";
import type { Flight } from "./flight.ts";
import { ownAnswer } from "./inbound.ts";
import type { Live, Opened } from "./opened.ts";
import type { Failure } from "./own-errors.ts";
import type { Write } from "./relay.ts";

/** What the client of a request is to be given. */
export type Reply =
  | Readonly<{ kind: "winner"; winner: Opened }>
  | Readonly<{ kind: "failure"; failure: Failure }>
  | Readonly<{ kind: "left" }>;

export type RespondDeps = DeliverDeps &
  Readonly<{
    homes: HomeStore;
    /** The upstream's headers as the client may see them. */
    passedHeaders(upstream: Headers): Headers;
    /** Under which name an upstream object's id is kept as an alias of a session. */
    aliasKey(client: Client, id: string): string;
  }>;

/** While nothing else can be sent on a stream, this often something is: proxies and clients give up on silence. */
const KEEP_ALIVE_MS = 15_000;
/** For so long an answer's id leads back to the account that holds it. */
const ALIAS_TTL_MS = 24 * 60 * 60_000;

/** An answer of our own, before or instead of any attempt. */
export function refuse(flight: Flight, error: OwnError): Response {
  const { inbound } = flight;
  const status = ERROR_STATUS[error.code];
  inbound.beforeEnd();
  flight.land({ status, error: error.code, provider: "", usage: null }, "reverted");
  return ownAnswer(inbound.protocol, error, inbound.requestId, status);
}

export function respond(deps: RespondDeps, flight: Flight, reply: Reply): Response {
  if (reply.kind === "left") return left(flight);
  if (reply.kind === "failure") return fail(deps, flight, reply.failure);
  const { winner } = reply;
  const { body, status, provider } = winner;
  const headers = describeAnswer(deps.passedHeaders(winner.headers), deps.clock, flight.story, provider.name);
  if (body.kind === "live") {
    const stream = clientStream(flight.inbound.signal, (write) => begun(deps, flight, { winner, live: body, write }));
    return new Response(stream, { status, headers });
  }
  const { bytes, usage, aliases } = body;
  winner.record.ended({ outcome: "answered", reason: "", usage });
  deps.background.track("winner", winner.close(howOf(flight)));
  keepAliases(deps, flight, provider.name, aliases);
  flight.inbound.beforeEnd();
  flight.land({ status, error: "", provider: provider.name, usage }, "done");
  return new Response(bytes, { status, headers });
}

/**
 * Resolves with the reply; or, where a stream's client has been waiting for too long, with an answer that has begun:
 * signs of life until there is a reply, and from then on every failure as an event.
 */
export async function respondInTime(deps: RespondDeps, flight: Flight, reply: Promise<Reply>): Promise<Response> {
  const { inbound } = flight;
  const array = inbound.operation.pathStream && !/[?&]alt=sse(&|$)/.test(inbound.search);
  if (!inbound.facts.stream || array) return respond(deps, flight, await reply);
  const early = await within(deps, KEEP_ALIVE_MS - (deps.clock.monoMs() - inbound.arrivedMs), reply);
  if (early !== null) return respond(deps, flight, early);
  const headers = { ...earlyHeaders(inbound), "content-type": "text/event-stream", "cache-control": "no-cache" };
  const stream = clientStream(inbound.signal, async (write) => {
    for (;;) {
      await write(inbound.protocol.keepAlive);
      const late = await within(deps, KEEP_ALIVE_MS, reply);
      if (late !== null) return lateReply(deps, flight, late, write);
    }
  });
  return new Response(stream, { status: 200, headers });
}

/** The reply if it comes within `ms`, else null. */
async function within(deps: RespondDeps, ms: number, reply: Promise<Reply>): Promise<Reply | null> {
  let cancel = () => {};
  const silence = new Promise<null>((resolve) => {
    cancel = deps.clock.after(Math.max(0, ms), () => resolve(null));
  });
  try {
    return await Promise.race([reply, silence]);
  } finally {
    cancel();
  }
}

/** The status has gone out: whatever is no stream of events can only be told as the event that ends one. */
async function lateReply(deps: RespondDeps, flight: Flight, reply: Reply, write: Write) {
  const { inbound } = flight;
  if (reply.kind === "winner" && reply.winner.body.kind === "live" && !reply.winner.body.source.encoded) {
    return begun(deps, flight, { winner: reply.winner, live: reply.winner.body, write });
  }
  if (reply.kind === "left") {
    left(flight);
    return "end";
  }
  const error = errorInstead(reply);
  await write(inbound.protocol.errorEvent(error, inbound.requestId, { framing: "sse", sequence: -1, first: true }));
  inbound.beforeEnd();
  const provider = reply.kind === "winner" ? reply.winner.provider.name : "";
  if (reply.kind === "winner") {
    reply.winner.record.ended({ outcome: "answered", reason: "", usage: null });
    deps.background.track("winner", reply.winner.close("answered_aside"));
  }
  flight.land({ status: 200, error: error.code, provider, usage: null }, "failed");
  return "end";
}

function errorInstead(reply: Exclude<Reply, { kind: "left" }>): OwnError {
  let status = 502;
  if (reply.kind === "winner") status = reply.winner.status;
  else if (reply.failure.kind === "own") return reply.failure.error;
  else status = reply.failure.loss.shown?.status ?? status;
  const code = status >= 400 && status < 500 && status !== 429 ? "invalid_request" : "attempts_failed";
  return { code, message: `The upstream answered with status ${status} and no stream.` };
}

async function begun(
  deps: RespondDeps,
  flight: Flight,
  stream: Readonly<{ winner: Opened; live: Live; write: Write }>,
): Promise<Delivered["close"]> {
  const { winner, live, write } = stream;
  const { inbound } = flight;
  const provider = winner.provider.name;
  keepAliases(deps, flight, provider, live.events?.reader.aliases() ?? []);
  const end = await deliver(deps, inbound, winner, live, { write, how: howOf(flight) });
  keepAliases(deps, flight, provider, end.aliases);
  const status = winner.status;
  flight.land(
    { status, error: end.error, provider, usage: end.usage },
    end.how === "answered" || end.how === "client_left" ? "done" : end.how === "broken" ? "failed" : "reverted",
  );
  return end.close;
}

function fail(deps: RespondDeps, flight: Flight, failure: Failure): Response {
  if (failure.kind === "own") return refuse(flight, failure.error);
  const { inbound } = flight;
  const { loss } = failure;
  const shown = loss.shown;
  if (!shown) return refuse(flight, { code: "attempts_failed", message: "Every attempt failed." });
  const headers = describeAnswer(deps.passedHeaders(shown.headers), deps.clock, flight.story, loss.provider.name);
  // All have been tried: a client library's own retries would only do it all again. A retry-after is worth more.
  if (!headers.has("retry-after") && !headers.has("retry-after-ms")) headers.set("x-should-retry", "false");
  inbound.beforeEnd();
  flight.land({ status: shown.status, error: "", provider: loss.provider.name, usage: null }, "failed");
  return new Response(shown.body, { status: shown.status, headers });
}

function left(flight: Flight): Response {
  const why = flight.stop.stopped();
  if (why === "session_ended")
    return refuse(flight, {
      code: "attempts_failed",
      message: "The session was ended by an operator.",
      exhausted: true,
    });
  if (why === "drain") return refuse(flight, { code: "draining", message: "The proxy is shutting down." });
  if (why === "lease_lost") return refuse(flight, { code: "attempts_failed", message: "The client's lease was lost." });
  flight.inbound.beforeEnd();
  flight.land({ status: CLIENT_LEFT_STATUS, error: "", provider: "", usage: null }, "reverted");
  return new Response(null, { status: CLIENT_LEFT_STATUS });
}

function howOf(flight: Flight) {
  return flight.story.settlement?.how ?? "answered_aside";
}

/** Writing an alias waits for nobody and is worth no failure: without it the next request goes by rank. */
function keepAliases(deps: RespondDeps, flight: Flight, provider: string, ids: readonly string[]) {
  const { inbound } = flight;
  if (!inbound.facts.aliasable) return;
  for (const id of ids) {
    const alias = { session: inbound.session, provider };
    deps.background.track("alias", deps.homes.writeAlias(deps.aliasKey(inbound.client, id), alias, ALIAS_TTL_MS));
  }
}
