import { describe, expect, test } from "bun:test";
import { pace } from "../../src/forward/pace.ts";
import { handClock } from "../world/clock.ts";

const ended = (it: ReturnType<typeof pace>, wins: number, losses: number) => {
  for (let at = 0; at < losses; at++) it.hedgeEnded(false);
  for (let at = 0; at < wins; at++) it.hedgeEnded(true);
};

describe("a provider's pace", () => {
  test("is slow when the last minute took three times as long as the last hour", async () => {
    const clock = handClock();
    const it = pace(clock);
    for (let at = 0; at < 200; at++) it.saw(1_000, false);
    expect(it.isSlow()).toBe(false);
    await clock.advance(10 * 60_000);
    for (let at = 0; at < 20; at++) it.saw(3_500, false);
    expect(it.isSlow()).toBe(true);
    await clock.advance(10 * 60_000);
    for (let at = 0; at < 20; at++) it.saw(1_000, false);
    expect(it.isSlow()).toBe(false);
  });

  test("is not judged by fewer than ten recent samples", async () => {
    const clock = handClock();
    const it = pace(clock);
    for (let at = 0; at < 200; at++) it.saw(1_000, false);
    await clock.advance(30 * 60_000);
    for (let at = 0; at < 9; at++) it.saw(60_000, false);
    expect(it.isSlow()).toBe(false);
  });

  test("counts those called off as at least so slow", async () => {
    const clock = handClock();
    const it = pace(clock);
    for (let at = 0; at < 200; at++) it.saw(1_000, false);
    await clock.advance(10 * 60_000);
    for (let at = 0; at < 20; at++) it.saw(5_000, true);
    expect(it.isSlow()).toBe(true);
  });
});

describe("hedges away from a provider", () => {
  test("wait twice as long when fewer than 15 % of forty win, eight times at most", () => {
    const it = pace(handClock());
    ended(it, 5, 34);
    expect(it.factor()).toBe(1);
    ended(it, 0, 1);
    expect(it.factor()).toBe(2);
    for (let round = 0; round < 5; round++) ended(it, 0, 40);
    expect(it.factor()).toBe(8);
  });

  test("wait as learned again when more than half win, and as before in between", () => {
    const it = pace(handClock());
    ended(it, 0, 40);
    ended(it, 20, 20);
    expect(it.factor()).toBe(2);
    ended(it, 21, 19);
    expect(it.factor()).toBe(1);
  });
});
