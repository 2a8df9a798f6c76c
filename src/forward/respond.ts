import { CLIENT_LEFT_STATUS } from "../core/events.ts";
import { ERROR_STATUS, type OwnError } from "../core/errors.ts";
import type { Ending } from "../session/lease.ts";
import { describeAnswer, describeFailure } from "./answer-headers.ts";
import { clientStream } from "./client-stream.ts";
import type { Flight } from "./flight.ts";
import { ownAnswer } from "./inbound.ts";
import type { Opened } from "./opened.ts";
import { type Failure, stoppedError } from "./own-errors.ts";
import { endingOf, failedEnding, howOf, type StreamOutDeps, streamOut } from "./stream-out.ts";

/** What the client of a request is to be given. */
export type Reply =
  | Readonly<{ kind: "winner"; winner: Opened }>
  | Readonly<{ kind: "failure"; failure: Failure }>
  | Readonly<{ kind: "left" }>;

export type RespondDeps = StreamOutDeps &
  Readonly<{
    /** The upstream's headers as the client may see them. */
    passedHeaders(upstream: Headers): Record<string, string>;
  }>;

/** An answer of our own. `ending`: what the client's own lease ends as; a request that never got under way leaves no trace. */
export function refuse(flight: Flight, error: OwnError, ending: Ending = "reverted"): Response {
  const { inbound, story } = flight;
  const status = ERROR_STATUS[error.code];
  const response = ownAnswer(inbound.protocol, error, inbound.requestId, status);
  for (const [name, value] of Object.entries(describeFailure(story))) response.headers.set(name, value);
  inbound.beforeEnd();
  flight.land({ status, error: error.code, provider: "", usage: null }, ending);
  return response;
}

export function respond(deps: RespondDeps, flight: Flight, reply: Reply): Response {
  if (reply.kind === "left") return left(flight);
  if (reply.kind === "failure") return fail(deps, flight, reply.failure);
  const { winner } = reply;
  const { body, status, provider } = winner;
  const headers = describeAnswer(deps.passedHeaders(winner.headers), deps.clock, flight.story, provider.name);
  if (body.kind === "live") {
    const stream = clientStream(flight.inbound.signal, deps.background, (write) =>
      streamOut(deps, flight, { winner, live: body, write }),
    );
    return new Response(stream, { status, headers });
  }
  const { bytes, usage } = body;
  const response = new Response(bytes, { status, headers });
  winner.record.ended({ outcome: "answered", reason: "", usage });
  deps.background.track("winner", winner.close(howOf(flight)));
  flight.inbound.beforeEnd();
  flight.land({ status, error: "", provider: provider.name, usage }, endingOf(flight, "answered"));
  return response;
}

function fail(deps: RespondDeps, flight: Flight, failure: Failure): Response {
  const { inbound, story } = flight;
  if (failure.kind === "own") return refuse(flight, failure.error, failedEnding(flight));
  const { answer, provider } = failure;
  const headers = describeAnswer(deps.passedHeaders(answer.headers), deps.clock, story, provider);
  const { status, body, retryAfterMs } = answer;
  // All have been tried: a client library's own retries would only do it all again. A retry-after is worth more, also
  // one that stands in the body alone (Google's), where no library looks.
  if (!("retry-after" in headers || "retry-after-ms" in headers)) {
    if (retryAfterMs === null) headers["x-should-retry"] = "false";
    else headers["retry-after"] = String(Math.ceil(retryAfterMs / 1_000));
  }
  const response = new Response(body, { status, headers });
  inbound.beforeEnd();
  flight.land({ status, error: "", provider, usage: null }, "failed");
  return response;
}

function left(flight: Flight): Response {
  const error = stoppedError(flight.stop.stopped());
  if (error) return refuse(flight, error);
  flight.inbound.beforeEnd();
  flight.land({ status: CLIENT_LEFT_STATUS, error: "", provider: "", usage: null }, "reverted");
  return new Response(null, { status: CLIENT_LEFT_STATUS });
}
