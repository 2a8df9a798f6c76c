import { beforeEach, describe, expect, test } from "bun:test";
import type { ProxyEvent } from "../../src/core/events.ts";
import type { Admission } from "../../src/forward/admission.ts";
import { type HedgeBudget, hedgeBudget } from "../../src/forward/budget.ts";
import { type Delays, delays } from "../../src/forward/delay.ts";
import { type HedgingRequest, hedgeMark, hedging } from "../../src/forward/hedging.ts";
import { provider } from "../provider/world.ts";
import { type HandClock, handClock } from "../world/clock.ts";

const RULES = { after: "auto", minMs: 100, maxMs: 30_000, coldMs: 8_000 } as const;
const group = ["a", "b"].map((name) => provider(name, { hedge: RULES }));
const first = { provider: group[0], upstreamModel: "m" } as Admission;

let clock: HandClock;
let budget: HedgeBudget;
let learned: Delays;
let told: string[];
beforeEach(() => {
  clock = handClock();
  budget = hedgeBudget(clock);
  learned = delays(clock);
  told = [];
});
/** The request is over, its stream included. */
let over = () => {};
const hedges = (more: Partial<HedgingRequest> = {}) =>
  hedging(
    {
      budget,
      delays: learned,
      observe: (event: ProxyEvent) => event.kind === "hedge" && told.push(`${event.provider} ${event.result}`),
    },
    {
      hedgeable: true,
      share: 0.1,
      group,
      timed: () => ({ provider: "a", model: "m", bodyBytes: 10 }),
      whenOver: (leave) => (over = leave),
      ...more,
    },
  );
async function slow(...names: string[]) {
  const saw = (ms: number, count: number, on: readonly string[]) => {
    for (const name of on)
      for (let at = 0; at < count; at++) learned.saw({ provider: name, model: "m", bodyBytes: 10 }, ms, false);
  };
  saw(1_000, 200, ["a", "b", "c"]);
  await clock.advance(10 * 60_000);
  saw(5_000, 20, names);
}

describe("a request's hedging", () => {
  test("takes a ticket, and gives it back when nobody was found", () => {
    const it = hedges();
    it.afterMs(first);
    expect([it.may(), budget.inFlight()]).toEqual([true, { requests: 1, hedges: 1 }]);
    it.refused({ code: "providers_full", backInMs: null });
    expect([budget.inFlight().hedges, told]).toEqual([0, ["a denied_full"]]);
    it[Symbol.dispose]();
    expect(budget.inFlight()).toEqual({ requests: 1, hedges: 0 });
    over();
    expect(budget.inFlight()).toEqual({ requests: 0, hedges: 0 });
  });

  test("gives a ticket back that was never used, because the race was over", () => {
    const it = hedges();
    it.may();
    it[Symbol.dispose]();
    expect(budget.inFlight()).toEqual({ requests: 1, hedges: 0 });
  });

  test("counts in flight until its hedge has ended, also past the race", () => {
    const it = hedges();
    it.may();
    const ended = it.launched();
    it[Symbol.dispose]();
    expect(budget.inFlight()).toEqual({ requests: 1, hedges: 1 });
    ended();
    expect(budget.inFlight().hedges).toBe(0);
  });

  test("tells each reason of a denial once", () => {
    const it = hedges({ share: 0 });
    it.afterMs(first);
    for (let again = 0; again < 5; again++) expect(it.may()).toBe(false);
    expect(told).toEqual(["a denied_budget"]);
    expect(it.story()).toEqual({ hedged: false, hedgeAfterMs: 8_000, hedgeDenied: "budget" });
  });

  test("is never where it is not to be hedged, and costs no budget", () => {
    const it = hedges({ hedgeable: false });
    expect([it.afterMs(first), budget.inFlight().requests, it.story().hedgeAfterMs]).toEqual([Infinity, 0, null]);
  });

  test("tells who won only where a hedge was started", () => {
    learned = { ...learned, hedgeEnded: (provider, won) => told.push(`${provider} ended ${won}`) };
    const [none, hedged] = [hedges(), hedges()];
    none.afterMs(first);
    none.won("first");
    hedged.afterMs(first);
    hedged.launched();
    hedged.won("hedge");
    expect(told).toEqual(["a won", "a ended true"]);
  });
});

describe("when providers are slow at once", () => {
  test("both of two: no hedges, for the cause is not one of them", async () => {
    await slow("a", "b");
    const it = hedges();
    it.afterMs(first);
    expect([it.may(), told, budget.inFlight().hedges]).toEqual([false, ["a denied_health"], 0]);
  });

  test("one of two is what hedging is for", async () => {
    await slow("a");
    expect(hedges().may()).toBe(true);
  });

  test("two of three", async () => {
    await slow("a", "c");
    expect(hedges({ group: [...group, provider("c")] }).may()).toBe(false);
  });
});

test("the client is told off, idle, or how the hedge fared, whoever answered in its stead", () => {
  expect(hedgeMark(false, false, "first")).toBe("off");
  expect(hedgeMark(true, false, "failover")).toBe("idle");
  expect(hedgeMark(true, true, "hedge")).toBe("won");
  expect(hedgeMark(true, true, "first")).toBe("lost");
  expect(hedgeMark(true, true, "failover")).toBe("lost");
  expect(hedgeMark(true, true, null)).toBe("lost");
});
