/**
 * What happens in a run, drawn from a seed: the same request finds the same luck whatever the proxy does with it, so that
 * two ways of hedging are compared on one and the same day. Times are a tenth of real ones (a median of 1.2 s).
 */
const FIRST_TOKEN_MEDIAN_MS = 120;
/** Spread of the logarithm. */
const SIGMA = 0.45;
/** Attempts that are held up, wherever they go, and the factor by which they are. */
const STRAGGLERS = { share: 0.05, from: 4, to: 12 } as const;

/** The seed of the benchmark through the binary. */
export const SEED = "hedgerow";

/** After the first content: so many pieces, so far apart. */
export const STREAM = { pieces: 8, gapMs: 10 } as const;

export type Chance = Readonly<{
  /** From a request's arrival at a provider to its first content there. */
  firstTokenMs(provider: string, request: string): number;
  /** Milliseconds between one arrival and the next of a Poisson stream. */
  gapMs(request: string, meanMs: number): number;
  /** Who of two is asked first, as a hash of the session would say: 0 or 1. */
  firstOfTwo(request: string): 0 | 1;
}>;

export function chance(seed: string): Chance {
  /** A number in (0, 1) for a name. */
  const unit = (...name: readonly string[]) =>
    (Number(Bun.hash.xxHash64([seed, ...name].join("/")) >> 11n) + 0.5) / 2 ** 53;
  return {
    firstTokenMs(provider, request) {
      // Box and Muller 1958.
      const radius = Math.sqrt(-2 * Math.log(unit(provider, request, "radius")));
      const normal = radius * Math.cos(2 * Math.PI * unit(provider, request, "angle"));
      const { share, from, to } = STRAGGLERS;
      const straggles = unit(provider, request, "straggles") < share;
      const factor = straggles ? from + (to - from) * unit(provider, request, "factor") : 1;
      return FIRST_TOKEN_MEDIAN_MS * Math.exp(SIGMA * normal) * factor;
    },
    gapMs: (request, meanMs) => -Math.log(unit(request, "gap")) * meanMs,
    firstOfTwo: (request) => (unit(request, "first") < 0.5 ? 0 : 1),
  };
}

/** How long a slot is taken by a request that is not hedged, on average. */
export function meanServiceMs(): number {
  const { share, from, to } = STRAGGLERS;
  const meanFactor = 1 - share + share * ((from + to) / 2);
  return FIRST_TOKEN_MEDIAN_MS * Math.exp(SIGMA ** 2 / 2) * meanFactor + STREAM.pieces * STREAM.gapMs;
}
