import type { Clock } from "../core/clock.ts";

/** When the running attempt counts as late. Owns one timer. */
export type LateTimer = Readonly<{
  /** For an attempt that starts now; Infinity = never. */
  arm(delayMs: number): void;
  /** Puts it off for a sign of life, once per `arm`; false when that was done before. */
  extend(): boolean;
  /** Once more, after a fraction of the delay: what denied a hedge (a slot, the budget) may be there in a moment. */
  again(): void;
  cancel(): void;
}>;

/** The longest that the sign of life "generation has begun" puts a hedge off. */
const EXTENSION_MS_MAX = 2_000;
/** A hedge that was denied is not asked for again sooner than this, however short the delay. */
const AGAIN_MS_MIN = 50;
/** After the whole delay a request that is late already would be twice as late, and these make the slowest percent. */
const AGAIN_SHARE = 1 / 8;

export function lateTimer(clock: Clock, onLate: () => void): LateTimer {
  let delayMs = Number.POSITIVE_INFINITY;
  let extended = false;
  let cancel = () => {};
  function set(ms: number) {
    cancel();
    cancel = Number.isFinite(ms) ? clock.after(ms, onLate) : () => {};
  }
  return {
    arm(ms) {
      delayMs = ms;
      extended = false;
      set(ms);
    },
    extend() {
      if (extended) return false;
      extended = true;
      set(Math.min(delayMs / 2, EXTENSION_MS_MAX));
      return true;
    },
    again() {
      extended = true;
      set(Math.max(delayMs * AGAIN_SHARE, AGAIN_MS_MIN));
    },
    cancel: () => cancel(),
  };
}
