import { describe, expect, test } from "bun:test";
import { histogram } from "../../src/forward/histogram.ts";
import { handClock } from "../world/clock.ts";
import { seeded } from "../world/seeded.ts";

const HALF_LIFE_MS = 600_000;

/** Within a share of what it should be. */
function expectNear(value: number, wanted: number, share: number) {
  expect(Math.abs(value - wanted) / wanted).toBeLessThanOrEqual(share);
}

describe("a histogram", () => {
  test("is empty at first", () => {
    const it = histogram(handClock(), HALF_LIFE_MS);
    expect([it.count(), it.quantile(0.95)]).toEqual([0, 0]);
  });

  test("knows every quantile to one bucket", () => {
    const it = histogram(handClock(), HALF_LIFE_MS);
    const random = seeded(3);
    const samples = Array.from({ length: 5_000 }, () => Math.exp(7 + random() * 3));
    for (const ms of samples) it.add(ms, false);
    samples.sort((a, b) => a - b);
    for (const q of [0.05, 0.5, 0.9, 0.95, 0.99]) {
      expectNear(it.quantile(q), samples[Math.ceil(q * samples.length) - 1] ?? 0, 0.06);
    }
    expect(it.count()).toBeCloseTo(5_000, 6);
  });

  test("gives the low end of a quantile: so many standard errors below it, which more samples make smaller", () => {
    // 6 % of them late: of 100 samples that can be told from 5 % no more than by chance, of 10,000 it can.
    for (const [samples, low] of [
      [100, 100],
      [10_000, 1_000],
    ] as const) {
      const it = histogram(handClock(), HALF_LIFE_MS);
      for (let at = 0; at < samples; at++) it.add(at % 100 < 94 ? 100 : 1_000, false);
      expectNear(it.quantile(0.95), 1_000, 0.06);
      expectNear(it.quantile(0.95, 1), low, 0.06);
    }
    expect(histogram(handClock(), HALF_LIFE_MS).quantile(0.95, 1)).toBe(0);
  });

  test("takes what is under a millisecond and over half an hour", () => {
    const it = histogram(handClock(), HALF_LIFE_MS);
    it.add(0, false);
    expectNear(it.quantile(0.5), 1, 0.06);
    const long = histogram(handClock(), HALF_LIFE_MS);
    long.add(1e9, false);
    expectNear(long.quantile(0.5), 1.7e6, 0.1);
  });

  test("forgets by halves", async () => {
    const clock = handClock();
    const it = histogram(clock, HALF_LIFE_MS);
    for (let at = 0; at < 80; at++) it.add(100, false);
    await clock.advance(HALF_LIFE_MS);
    expect(it.count()).toBeCloseTo(40, 6);
    for (let at = 0; at < 50; at++) it.add(1_000, false);
    expectNear(it.quantile(0.5), 1_000, 0.06);
  });

  test("goes on after a silence however long", async () => {
    const clock = handClock();
    const it = histogram(clock, HALF_LIFE_MS);
    it.add(100, false);
    await clock.advance(HALF_LIFE_MS * 5_000);
    expect(it.count()).toBe(0);
    it.add(1_000, false);
    expect(it.count()).toBeCloseTo(1, 6);
    expectNear(it.quantile(0.05), 1_000, 0.06);
  });

  test("keeps its scale over thousands of half-lives in use", async () => {
    const clock = handClock();
    const it = histogram(clock, 1_000);
    for (let at = 0; at < 3_000; at++) {
      it.add(100, false);
      await clock.advance(500);
    }
    // A sample each half of a half-life: 1 + 2^-½ + 2^-1 + … , seen half a half-life after the last.
    expect(it.count()).toBeCloseTo(1 / (Math.SQRT2 - 1), 3);
  });

  test("takes a sample that was called off for one that would have taken longer", () => {
    const plain = histogram(handClock(), HALF_LIFE_MS);
    const it = histogram(handClock(), HALF_LIFE_MS);
    for (let ms = 100; ms <= 1_000; ms += 100) {
      plain.add(ms, false);
      it.add(ms, false);
    }
    for (let at = 0; at < 10; at++) it.add(350, true);
    expect(it.quantile(0.5)).toBeGreaterThan(plain.quantile(0.5));
    expectNear(it.quantile(0.1), plain.quantile(0.2), 0.06);
  });

  test("estimates as Kaplan and Meier do", () => {
    // Ends at 100, 200, 400; called off at 150 and 300. Surviving 4/5 after 100, 4/5·2/3 after 200, 0 after 400.
    const it = histogram(handClock(), HALF_LIFE_MS);
    for (const ms of [100, 200, 400]) it.add(ms, false);
    for (const ms of [150, 300]) it.add(ms, true);
    expectNear(it.quantile(0.2), 100, 0.06);
    expectNear(it.quantile(0.45), 200, 0.06);
    expectNear(it.quantile(0.5), 400, 0.06);
  });

  test("says at least the longest wait where nobody waited long enough to know", () => {
    const it = histogram(handClock(), HALF_LIFE_MS);
    it.add(100, false);
    for (let at = 0; at < 9; at++) it.add(5_000, true);
    expectNear(it.quantile(0.95), 5_000, 0.06);
  });
});
