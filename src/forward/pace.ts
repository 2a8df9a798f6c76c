import type { Clock } from "../core/clock.ts";
import { histogram } from "./histogram.ts";

/** How one provider does as a whole, whatever the model: is it slow just now, and do hedges away from it pay? */
export type Pace = Readonly<{
  saw(ms: number, censored: boolean): void;
  /** The median of the last minute is three times that of the last hour. */
  isSlow(): boolean;
  hedgeEnded(won: boolean): void;
  /** What the learned delay is multiplied by: 1, or more while hedges start too early to win. */
  factor(): number;
}>;

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const SLOW_FACTOR = 3;
/** Medians of fewer samples jump about. */
const SLOW_SAMPLES_MIN = 10;
const HEDGES_JUDGED = 40;
const WIN_RATE_LOW = 0.15;
const WIN_RATE_HIGH = 0.5;
const FACTOR_MAX = 8;

export function pace(clock: Clock): Pace {
  const minute = histogram(clock, MINUTE_MS);
  const hour = histogram(clock, HOUR_MS);
  let hedges = 0;
  let wins = 0;
  let factor = 1;
  return {
    saw(ms, censored) {
      minute.add(ms, censored);
      hour.add(ms, censored);
    },
    isSlow: () => minute.count() >= SLOW_SAMPLES_MIN && minute.quantile(0.5) >= SLOW_FACTOR * hour.quantile(0.5),
    hedgeEnded(won) {
      hedges++;
      if (won) wins++;
      if (hedges < HEDGES_JUDGED) return;
      const rate = wins / hedges;
      // Judged over a whole window each time: the next window then shows what the change did.
      if (rate < WIN_RATE_LOW) factor = Math.min(FACTOR_MAX, factor * 2);
      else if (rate > WIN_RATE_HIGH) factor = 1;
      hedges = 0;
      wins = 0;
    },
    factor: () => factor,
  };
}
