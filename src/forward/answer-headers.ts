import type { Clock } from "../core/clock.ts";
import { markOf, type Story } from "./finish.ts";
import type { Inbound } from "./inbound.ts";

/** What is known of an answer from its first moment on. */
export function earlyHeaders(inbound: Inbound): Record<string, string> {
  return {
    "x-hedgerow-request-id": inbound.requestId,
    "x-hedgerow-session-source": inbound.sessionSource,
  };
}

/** Puts what Hedgerow says about an answer on top of the upstream's own headers. */
export function describeAnswer(headers: Headers, clock: Clock, story: Story, provider: string): Headers {
  const { inbound, trail, contest, settlement } = story;
  for (const [name, value] of Object.entries(earlyHeaders(inbound))) headers.set(name, value);
  headers.set("x-hedgerow-provider", provider);
  headers.set("x-hedgerow-attempts", String(trail.count()));
  headers.set("x-hedgerow-hedge", contest ? markOf(contest) : "off");
  headers.set("x-hedgerow-sticky", settlement?.sticky ?? "off");
  const ttftMs = story.ttftMs ?? clock.monoMs() - inbound.arrivedMs;
  const waitMs = contest?.waitedMs ?? 0;
  headers.append("server-timing", `wait;dur=${waitMs.toFixed(1)}, ttft;dur=${ttftMs.toFixed(1)}`);
  return headers;
}
