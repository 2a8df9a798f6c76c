import type { Clock } from "../core/clock.ts";

/**
 * A decaying histogram of durations with logarithmic buckets: a quantile is exact to about ±5 %, a sample costs one
 * addition, and the past fades with a half-life. Simpler to reason about than a sketch that merges, which nobody needs here.
 */
export type Histogram = Readonly<{
  /** `censored`: the true value is at least `ms`. */
  add(ms: number, censored: boolean): void;
  /** Weight of all samples after fading; a fresh sample weighs 1. */
  count(): number;
  /** In milliseconds; 0 when empty. `doubt`: so many standard errors of `q` towards the low end of what the samples allow. */
  quantile(q: number, doubt?: number): number;
}>;

/** 1 ms to about 30 minutes in steps of 10 %. */
const GROWTH = 1.1;
const BUCKETS = 152;

export function histogram(clock: Clock, halfLifeMs: number): Histogram {
  const seen = new Float64Array(BUCKETS);
  const censoredAt = new Float64Array(BUCKETS);
  let bornMs = clock.monoMs();

  /** Later samples weigh more, instead of all earlier ones being shrunk at each sample. */
  const weightNow = () => 2 ** ((clock.monoMs() - bornMs) / halfLifeMs);
  function rebase() {
    const weight = weightNow();
    if (weight < 1e6) return;
    for (let at = 0; at < BUCKETS; at++) {
      seen[at] = (seen[at] ?? 0) / weight;
      censoredAt[at] = (censoredAt[at] ?? 0) / weight;
    }
    bornMs = clock.monoMs();
  }
  const total = () => seen.reduce((sum, n) => sum + n, 0) + censoredAt.reduce((sum, n) => sum + n, 0);

  /** The first duration that at most `share` of the samples outlast; 0 when empty. */
  function outlastedBy(share: number): number {
    // Kaplan and Meier 1958: a censored sample belongs to all that were still waiting when it was called off, and says
    // nothing about when it would have ended.
    let atRisk = total();
    if (atRisk === 0) return 0;
    let surviving = 1;
    let last = 0;
    for (let at = 0; at < BUCKETS; at++) {
      const ended = seen[at] ?? 0;
      const calledOff = censoredAt[at] ?? 0;
      if (ended > 0) surviving *= 1 - ended / atRisk;
      if (ended + calledOff > 0) last = at;
      if (surviving <= share + 1e-9) return msOf(at);
      atRisk -= ended + calledOff;
      if (atRisk <= 1e-9) break;
    }
    // Called off before the quantile was reached: it lies at or above the longest that anyone waited.
    return msOf(last);
  }
  const count = () => total() / weightNow();

  return {
    add(ms, censored) {
      rebase();
      const into = censored ? censoredAt : seen;
      const at = bucketOf(ms);
      into[at] = (into[at] ?? 0) + weightNow();
    },
    count,
    // The share of n samples beyond a point is known to about sqrt(q(1-q)/n).
    quantile: (q, doubt = 0) => outlastedBy(1 - q + doubt * Math.sqrt((q * (1 - q)) / Math.max(1, count()))),
  };
}

function bucketOf(ms: number): number {
  return Math.min(BUCKETS - 1, Math.max(0, Math.ceil(Math.log(Math.max(ms, 1)) / Math.log(GROWTH))));
}

function msOf(bucket: number): number {
  return GROWTH ** (bucket - 0.5);
}
