import { beforeEach, describe, expect, test } from "bun:test";
import { type Secret, secret } from "../../src/core/secret.ts";
import { type Cooldowns, cooldowns } from "../../src/provider/cooldown.ts";
import { type HandClock, handClock } from "../world/clock.ts";
import { provider } from "./world.ts";

const one = secret("key-number-one");
const two = secret("key-number-two");
const twoKeys = provider("p", { keys: [one, two] });
const noKey = provider("p");

let clock: HandClock;
let cooling: Cooldowns;
beforeEach(() => {
  clock = handClock();
  cooling = cooldowns(clock);
});

const rest = (what: Readonly<{ key?: Secret; model?: string; ms?: number; limited?: boolean; provider?: string }>) =>
  cooling.rest({
    provider: what.provider ?? "p",
    key: what.key ?? null,
    model: what.model ?? null,
    ms: what.ms ?? 1_000,
    limited: what.limited ?? false,
  });
const taken = (count: number, from = twoKeys, model = "m") =>
  Array.from({ length: count }, () => {
    const choice = cooling.takeKey(from, model);
    return choice.kind === "key" ? (choice.key?.reveal() ?? null) : choice;
  });

describe("keys", () => {
  test("take turns", () => {
    expect(taken(3)).toEqual([one.reveal(), two.reveal(), one.reveal()]);
  });

  test("keep their turn when they are only looked at", () => {
    cooling.peek(twoKeys, "m");
    expect(taken(1)).toEqual([one.reveal()]);
  });

  test("that a provider does not have are the client's own", () => {
    expect(taken(1, noKey)).toEqual([null]);
  });

  test("go on when there are fewer of them after a reload", () => {
    taken(1);
    expect(taken(1, provider("p", { keys: [one] }))).toEqual([one.reveal()]);
  });
});

describe("a rest", () => {
  test("of a key passes the turn to the others until it is over", async () => {
    rest({ key: one });
    expect(taken(2)).toEqual([two.reveal(), two.reveal()]);
    await clock.advance(1_000);
    expect(new Set(taken(2))).toEqual(new Set([one.reveal(), two.reveal()]));
  });

  test("of a key for one model leaves it to the others", () => {
    rest({ key: one, model: "m" });
    expect(taken(1)).toEqual([two.reveal()]);
    expect(taken(1, twoKeys, "other")).toEqual([one.reveal()]);
  });

  test("of a model is for all keys, and for one model", () => {
    rest({ model: "m" });
    expect(cooling.peek(twoKeys, "m")).toEqual({ kind: "cooling", backInMs: 1_000, limited: false });
    expect(cooling.peek(twoKeys, "other").kind).toBe("key");
    expect(cooling.peek(provider("q"), "m").kind).toBe("key");
  });

  test("of all keys ends with the first that is back", () => {
    rest({ key: one, ms: 5_000 });
    rest({ key: two, model: "m", ms: 2_000 });
    expect(cooling.peek(twoKeys, "m")).toMatchObject({ kind: "cooling", backInMs: 2_000 });
  });

  test("counts a key's longest reason", () => {
    rest({ key: one, ms: 5_000 });
    rest({ key: one, model: "m", ms: 2_000, limited: true });
    rest({ key: two, ms: 9_000 });
    expect(cooling.peek(twoKeys, "m")).toEqual({ kind: "cooling", backInMs: 5_000, limited: false });
  });

  test("is a limit's only where every key is limited", () => {
    rest({ key: one, limited: true });
    rest({ key: two, limited: true, ms: 1_500 });
    expect(cooling.peek(twoKeys, "m")).toEqual({ kind: "cooling", backInMs: 1_000, limited: true });
    rest({ key: two, ms: 5_000 });
    expect(cooling.peek(twoKeys, "m")).toEqual({ kind: "cooling", backInMs: 1_000, limited: false });
  });

  test("is not cut short by a shorter one that was told later", () => {
    rest({ model: "m", ms: 5_000 });
    rest({ model: "m", ms: 1_000 });
    expect(cooling.peek(noKey, "m")).toMatchObject({ backInMs: 5_000 });
  });

  test("is listed by the tail of its key, and not when it is over", async () => {
    rest({ key: one, model: "m", limited: true });
    rest({ model: "n", ms: 2_000 });
    expect(cooling.list("p")).toEqual([
      { model: "m", key: "-one", backInMs: 1_000, limited: true },
      { model: "n", key: null, backInMs: 2_000, limited: false },
    ]);
    await clock.advance(1_000);
    expect(cooling.list("p").map(({ model }) => model)).toEqual(["n"]);
  });
});

test("an operator's word ends the rests of one provider, a reload all", () => {
  rest({ model: "m" });
  rest({ model: "m", provider: "q" });
  cooling.clear("p");
  expect([cooling.list("p").length, cooling.list("q").length]).toEqual([0, 1]);
  cooling.clear();
  expect(cooling.list("q")).toEqual([]);
});

test("a client that invents models cannot fill the memory", () => {
  for (let at = 0; at < 10_005; at++) rest({ model: `invented-${at}` });
  expect(cooling.list("p").length).toBe(10_000);
  expect(cooling.peek(noKey, "invented-10004").kind).toBe("cooling");
});
