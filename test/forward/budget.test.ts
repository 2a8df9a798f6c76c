import { beforeEach, describe, expect, test } from "bun:test";
import { type HedgeBudget, hedgeBudget } from "../../src/forward/budget.ts";
import { type HandClock, handClock } from "../world/clock.ts";

let clock: HandClock;
let budget: HedgeBudget;
beforeEach(() => {
  clock = handClock();
  budget = hedgeBudget(clock);
});
const drain = () => {
  for (let spent = budget.take(1); spent; spent = budget.take(1)) spent("over");
};

describe("the hedge budget", () => {
  test("allows a burst of five", () => {
    const many = Array.from({ length: 60 }, () => budget.arrived(0));
    const taken = Array.from({ length: 6 }, () => budget.take(0.1));
    expect(taken.map((ticket) => ticket !== null)).toEqual([true, true, true, true, true, false]);
    for (const over of many) over();
  });

  test("is filled by its share of the requests that could be hedged", () => {
    drain();
    for (let at = 0; at < 9; at++) budget.arrived(0.1)();
    expect(budget.take(0.1)).toBeNull();
    budget.arrived(0.1001)();
    expect(budget.take(0.1)).not.toBeNull();
    expect(budget.take(0.1)).toBeNull();
  });

  test("lets a quiet proxy hedge once a minute", async () => {
    drain();
    await clock.advance(59_000);
    expect(budget.take(0.1)).toBeNull();
    await clock.advance(1_001);
    expect(budget.take(0.1)).not.toBeNull();
  });

  test("saves up no more than the burst", async () => {
    await clock.advance(3_600_000);
    for (let at = 0; at < 500; at++) budget.arrived(0.1);
    expect(Array.from({ length: 6 }, () => budget.take(0.1)).filter(Boolean).length).toBe(5);
  });

  test("caps hedges in flight at their share of the requests in flight, two at least", () => {
    const [first, second] = [budget.take(0.1), budget.take(0.1)];
    expect([first !== null, second !== null, budget.take(0.1)]).toEqual([true, true, null]);
    first?.("over");
    expect(budget.take(0.1)).not.toBeNull();
    const requests = Array.from({ length: 30 }, () => budget.arrived(0.1));
    expect(budget.take(0.1)).not.toBeNull();
    expect(budget.take(0.1)).toBeNull();
    expect(budget.inFlight()).toEqual({ requests: 30, hedges: 3 });
    for (const over of requests) over();
    expect(budget.inFlight().requests).toBe(0);
  });

  test("takes back what was not used", () => {
    for (let at = 0; at < 20; at++) budget.take(0.1)?.("unused");
    expect(budget.take(0.1)).not.toBeNull();
  });

  test("of nothing allows nothing", () => {
    expect(budget.take(0)).toBeNull();
  });
});
