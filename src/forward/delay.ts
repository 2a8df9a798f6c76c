import type { Clock } from "../core/clock.ts";
import type { HedgeRules } from "../provider/provider.ts";
import { type Histogram, histogram } from "./histogram.ts";

/**
 * Learns how long each provider takes to its first content, per upstream model and prompt size, and says after which
 * delay an attempt is late. State is by name and survives a reload.
 */
export type Delays = Readonly<{
  /** Content came after `ms`; or (`censored`) the attempt was called off after `ms` without any: it took at least so long. */
  saw(what: Timed, ms: number, censored: boolean): void;
  /** Milliseconds to wait before a hedge; Infinity = never. `firstTokenMs`: the attempt's own timeout, 0 = none. */
  hedgeAfterMs(what: Timed, rules: HedgeRules, firstTokenMs: number): number;
  /** A hedge started for this provider's lateness has ended: the delay adapts to how often hedges win. */
  hedgeEnded(provider: string, won: boolean): void;
  /** Slow just now: the median of the last minute is three times that of the last hour. */
  isSlow(provider: string): boolean;
  learned(provider: string): readonly Learned[];
  winRate(provider: string): number | null;
}>;

export type Timed = Readonly<{ provider: string; model: string; bodyBytes: number }>;

export type Learned = Readonly<{ model: string; samples: number; p50Ms: number; p95Ms: number }>;

/** Fewer say too little about a 95th percentile. */
const SAMPLES_MIN = 30;
const HALF_LIFE_MS = 10 * 60_000;
/** The last three all censored: what was learned no longer holds. */
const CENSORED_RUN = 3;
const QUANTILE = 0.95;
const HEDGES_REMEMBERED = 40;
const WIN_RATE_LOW = 0.15;
const WIN_RATE_HIGH = 0.5;
const FACTOR_MAX = 8;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const SLOW_FACTOR = 3;
/** Medians of fewer samples jump about. */
const SLOW_SAMPLES_MIN = 10;
/** Histograms kept: models are the client's words and must not fill the memory. */
const KEPT_MAX = 2_000;

type ByModel = { all: Histogram; sizes: Map<number, Histogram>; censoredRun: number };
type ByProvider = { minute: Histogram; hour: Histogram; hedges: boolean[]; factor: number };

export function delays(clock: Clock): Delays {
  const models = new Map<string, ByModel>();
  const providers = new Map<string, ByProvider>();

  const modelKey = (what: Timed) => `${what.provider}\0${what.model}`;
  /** Prompts of one power of two share a bucket. */
  const sizeOf = (what: Timed) => Math.ceil(Math.log2(Math.max(1, what.bodyBytes)));
  const forHedging = () => histogram(clock, HALF_LIFE_MS);

  function ofModel(what: Timed): ByModel {
    const key = modelKey(what);
    let found = models.get(key);
    if (found) return found;
    if (models.size >= KEPT_MAX) dropOldest(models);
    found = { all: forHedging(), sizes: new Map(), censoredRun: 0 };
    models.set(key, found);
    return found;
  }
  function ofProvider(name: string): ByProvider {
    let found = providers.get(name);
    if (found) return found;
    if (providers.size >= KEPT_MAX) dropOldest(providers);
    found = { minute: histogram(clock, MINUTE_MS), hour: histogram(clock, HOUR_MS), hedges: [], factor: 1 };
    providers.set(name, found);
    return found;
  }
  function learnedMs(what: Timed): number | null {
    const model = models.get(modelKey(what));
    if (!model || model.censoredRun >= CENSORED_RUN) return null;
    const size = model.sizes.get(sizeOf(what));
    if (size && size.count() >= SAMPLES_MIN) return size.quantile(QUANTILE);
    return model.all.count() >= SAMPLES_MIN ? model.all.quantile(QUANTILE) : null;
  }
  return {
    saw(what, ms, censored) {
      const model = ofModel(what);
      model.censoredRun = censored ? model.censoredRun + 1 : 0;
      const size = sizeOf(what);
      let sized = model.sizes.get(size);
      if (!sized) {
        sized = forHedging();
        model.sizes.set(size, sized);
      }
      model.all.add(ms, censored);
      sized.add(ms, censored);
      const provider = ofProvider(what.provider);
      provider.minute.add(ms, censored);
      provider.hour.add(ms, censored);
    },
    hedgeAfterMs(what, rules, firstTokenMs) {
      if (rules.after === "off") return Number.POSITIVE_INFINITY;
      if (typeof rules.after === "number") return rules.after;
      const ceilingMs = firstTokenMs > 0 ? Math.min(rules.maxMs, firstTokenMs) : rules.maxMs;
      const factor = providers.get(what.provider)?.factor ?? 1;
      const learned = learnedMs(what);
      return Math.min(Math.max((learned ?? rules.coldMs) * (learned === null ? 1 : factor), rules.minMs), ceilingMs);
    },
    hedgeEnded(name, won) {
      const provider = ofProvider(name);
      provider.hedges.push(won);
      if (provider.hedges.length < HEDGES_REMEMBERED) return;
      const rate = share(provider.hedges);
      // Judged over a whole window each time: the next window then shows what the change did.
      if (rate < WIN_RATE_LOW) provider.factor = Math.min(FACTOR_MAX, provider.factor * 2);
      else if (rate > WIN_RATE_HIGH) provider.factor = 1;
      provider.hedges = [];
    },
    isSlow(name) {
      const provider = providers.get(name);
      if (!provider || provider.minute.count() < SLOW_SAMPLES_MIN) return false;
      return provider.minute.quantile(0.5) >= SLOW_FACTOR * provider.hour.quantile(0.5);
    },
    learned(name) {
      const prefix = `${name}\0`;
      return [...models]
        .filter(([key]) => key.startsWith(prefix))
        .map(([key, { all }]) => ({
          model: key.slice(prefix.length),
          samples: Math.round(all.count()),
          p50Ms: all.quantile(0.5),
          p95Ms: all.quantile(QUANTILE),
        }));
    },
    winRate(name) {
      const hedges = providers.get(name)?.hedges ?? [];
      return hedges.length === 0 ? null : share(hedges);
    },
  };
}

function share(hedges: readonly boolean[]): number {
  return hedges.filter(Boolean).length / hedges.length;
}

function dropOldest(map: Map<string, unknown>) {
  const oldest = map.keys().next();
  if (!oldest.done) map.delete(oldest.value);
}
