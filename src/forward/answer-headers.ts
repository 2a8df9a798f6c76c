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

/** What is known of a request that ends in an error of our own. */
export function describeFailure({ inbound, trail }: Story): Record<string, string> {
  return { ...earlyHeaders(inbound), "x-hedgerow-attempts": String(trail.count()) };
}

/** What Hedgerow says about an answer, on top of the upstream's own headers. */
export function describeAnswer(
  upstream: Readonly<Record<string, string>>,
  clock: Clock,
  story: Story,
  provider: string,
): Record<string, string> {
  const { inbound, trail, contest, settlement } = story;
  const ttftMs = story.ttftMs ?? clock.monoMs() - inbound.arrivedMs;
  const waitMs = contest?.waitedMs ?? 0;
  const timing = `wait;dur=${waitMs.toFixed(1)}, ttft;dur=${ttftMs.toFixed(1)}`;
  const theirs = upstream["server-timing"];
  return {
    ...upstream,
    ...earlyHeaders(inbound),
    "x-hedgerow-provider": provider,
    "x-hedgerow-attempts": String(trail.count()),
    "x-hedgerow-hedge": contest ? markOf(contest) : "off",
    "x-hedgerow-sticky": settlement?.sticky ?? "off",
    "server-timing": theirs === undefined ? timing : `${theirs}, ${timing}`,
  };
}
