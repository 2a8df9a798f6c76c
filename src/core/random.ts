/** Chance comes in through this door only: a number in [0, 1). */
export type Random = () => number;

export const systemRandom: Random = Math.random;

/** `value` moved by up to `share` of itself either way (`share` 0.2 = ±20 %). */
export function jitter(value: number, share: number, random: Random): number {
  return value * (1 + share * (2 * random() - 1));
}
