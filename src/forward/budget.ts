import type { Clock } from "../core/clock.ts";

/**
 * What hedging may cost: a token bucket filled by the requests that could be hedged (Finagle's retry budget; Dean and
 * Barroso, "The Tail at Scale", 2013), plus a cap on hedges in flight, so that a moment in which all providers are slow
 * does not double the load. An exhausted budget stops new hedges only.
 */
export type HedgeBudget = Readonly<{
  /** A hedgeable request has arrived; call the function returned when it is over. */
  arrived(share: number): () => void;
  /** Takes one hedge out; null when there is none to take. Call the function returned once: `unused` puts it back. */
  take(share: number): ((how: "over" | "unused") => void) | null;
  /** What has arrived and not left: nothing, once every request is over. */
  inFlight(): Readonly<{ requests: number; hedges: number }>;
}>;

const BURST = 5;
/** So that a quiet instance can hedge at all. */
const TOKENS_A_MINUTE_MIN = 1;
/** Hedges in flight that are always allowed. */
const IN_FLIGHT_MIN = 2;

export function hedgeBudget(clock: Clock): HedgeBudget {
  let tokens = BURST;
  let filledAtMs = clock.monoMs();
  let requests = 0;
  let hedges = 0;

  function drip() {
    const nowMs = clock.monoMs();
    tokens = Math.min(BURST, tokens + ((nowMs - filledAtMs) / 60_000) * TOKENS_A_MINUTE_MIN);
    filledAtMs = nowMs;
  }
  return {
    arrived(share) {
      drip();
      tokens = Math.min(BURST, tokens + share);
      requests++;
      return () => {
        requests--;
      };
    },
    take(share) {
      drip();
      if (share <= 0 || tokens < 1 || hedges >= Math.max(IN_FLIGHT_MIN, share * requests)) return null;
      tokens -= 1;
      hedges++;
      return (how) => {
        hedges--;
        if (how === "unused") tokens = Math.min(BURST, tokens + 1);
      };
    },
    inFlight: () => ({ requests, hedges }),
  };
}
