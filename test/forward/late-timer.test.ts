import { beforeEach, describe, expect, test } from "bun:test";
import { type LateTimer, lateTimer } from "../../src/forward/late-timer.ts";
import { type HandClock, handClock } from "../world/clock.ts";

let clock: HandClock;
let late: number[];
let it: LateTimer;
beforeEach(() => {
  clock = handClock();
  late = [];
  it = lateTimer(clock, () => late.push(clock.monoMs()));
});

describe("the timer of a late attempt", () => {
  test("goes off once after the delay, and anew for the next attempt", async () => {
    it.arm(100);
    await clock.advance(50);
    it.arm(200);
    await clock.advance(1_000);
    expect(late).toEqual([250]);
  });

  test("is put off once by half the delay, two seconds at most", async () => {
    it.arm(100);
    await clock.advance(100);
    expect([it.extend(), it.extend()]).toEqual([true, false]);
    await clock.advance(50);
    expect(late).toEqual([100, 150]);
    it.arm(10_000);
    expect(it.extend()).toBe(true);
    await clock.advance(2_000);
    expect(late).toEqual([100, 150, 2_150]);
  });

  test("asks again after an eighth of the delay, no sooner than 50 ms, and is not put off then", async () => {
    it.arm(800);
    await clock.advance(800);
    it.again();
    expect(it.extend()).toBe(false);
    await clock.advance(100);
    expect(late).toEqual([800, 900]);
    it.arm(10);
    await clock.advance(10);
    it.again();
    await clock.advance(50);
    expect(late).toEqual([800, 900, 910, 960]);
  });

  test("never goes off where there is no delay, or when it is cancelled", async () => {
    it.arm(100);
    it.arm(Number.POSITIVE_INFINITY);
    expect(clock.sleepers()).toBe(0);
    it.arm(100);
    it.cancel();
    await clock.advance(1_000);
    expect([late, clock.sleepers()]).toEqual([[], 0]);
  });
});
