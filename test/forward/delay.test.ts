import { beforeEach, describe, expect, test } from "bun:test";
import { type Delays, delays } from "../../src/forward/delay.ts";
import type { HedgeRules } from "../../src/provider/provider.ts";
import { type HandClock, handClock } from "../world/clock.ts";

const AUTO: HedgeRules = { after: "auto", minMs: 1_500, maxMs: 30_000, coldMs: 8_000 };
const small = { provider: "p", model: "m", bodyBytes: 1_000 };
const large = { ...small, bodyBytes: 1_000_000 };

let clock: HandClock;
let it: Delays;
beforeEach(() => {
  clock = handClock();
  it = delays(clock);
});

const saw = (count: number, ms: number, what = small, censored = false) => {
  for (let at = 0; at < count; at++) it.saw(what, ms, censored);
};
const after = (what = small, rules: Partial<HedgeRules> = {}, firstTokenMs = 60_000) =>
  it.hedgeAfterMs(what, { ...AUTO, ...rules }, firstTokenMs);
function expectNear(value: number, wanted: number) {
  expect(Math.abs(value - wanted) / wanted).toBeLessThanOrEqual(0.06);
}

describe("the hedge delay", () => {
  test("is cold until thirty samples are known", () => {
    saw(29, 3_000);
    expect(after()).toBe(8_000);
    saw(1, 3_000);
    expectNear(after(), 3_000);
  });

  test("is a fixed one, or never, where the rules say so", () => {
    saw(30, 3_000);
    expect(after(small, { after: 250 })).toBe(250);
    expect(after(small, { after: "off" })).toBe(Number.POSITIVE_INFINITY);
  });

  test("is the 95th percentile", () => {
    saw(95, 2_000);
    saw(5, 20_000);
    expectNear(after(), 2_000);
    saw(5, 20_000);
    expectNear(after(), 20_000);
  });

  test("keeps within min and max, and within the attempt's own time", () => {
    saw(30, 100);
    expect(after()).toBe(1_500);
    const slow = { ...small, model: "slow" };
    saw(30, 100_000, slow);
    expect(after(slow)).toBe(30_000);
    expect(after(slow, {}, 10_000)).toBe(10_000);
    expect(after(slow, {}, 0)).toBe(30_000);
    expect(after({ ...small, model: "unseen" }, { coldMs: 500 })).toBe(1_500);
  });

  test("is that of prompts of this size where enough are known, else that of all", () => {
    saw(30, 2_000);
    saw(29, 20_000, large);
    expectNear(after(large), 20_000);
    expectNear(after(small), 2_000);
    expectNear(after({ ...small, bodyBytes: 30 }), 20_000);
    saw(30, 4_000, { ...small, bodyBytes: 30 });
    expectNear(after({ ...small, bodyBytes: 20 }), 4_000);
  });

  test("is learned for each provider and model by itself", () => {
    saw(30, 3_000);
    expect(after({ ...small, model: "other" })).toBe(8_000);
    expect(after({ ...small, provider: "q" })).toBe(8_000);
  });

  test("is cold again while the last three of the model were all called off", () => {
    saw(100, 3_000);
    saw(2, 3_000, small, true);
    expectNear(after(), 3_000);
    saw(1, 3_000, large, true);
    expect(after()).toBe(8_000);
    saw(1, 3_000);
    expectNear(after(), 3_000);
  });

  test("is cold again when what was learned has faded", async () => {
    saw(40, 3_000);
    await clock.advance(10 * 60_000);
    expect(after()).toBe(8_000);
  });

  test("doubles while hedges do not pay, the cold one not", () => {
    saw(30, 3_000);
    for (let at = 0; at < 40; at++) it.hedgeEnded("p", false);
    expectNear(after(), 6_000);
    expect(after({ ...small, model: "unseen" })).toBe(8_000);
  });
});

test("what was learned is told by provider", () => {
  saw(50, 2_000);
  expect(it.learned("p")).toEqual([{ model: "m", samples: 50 }]);
  expect([it.learned("q"), it.isSlow("q")]).toEqual([[], false]);
});

test("models that clients invent push out the oldest", () => {
  saw(30, 3_000);
  for (let at = 0; at < 2_000; at++) it.saw({ ...small, model: `invented-${at}` }, 100, false);
  expect(after()).toBe(8_000);
  expect(it.learned("p").length).toBe(2_000);
});
