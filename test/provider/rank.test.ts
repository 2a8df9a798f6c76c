import { describe, expect, test } from "bun:test";
import type { Provider } from "../../src/provider/provider.ts";
import { type OutReason, rank, type Standing, upstreamModel, type Wish } from "../../src/provider/rank.ts";
import { seeded } from "../world/seeded.ts";
import { provider } from "./world.ts";

const UP: Standing = { kind: "up" };
const NOON = Date.parse("2026-01-15T12:00:00Z");

function wish(more: Partial<Wish> = {}): Wish {
  return {
    protocol: "anthropic",
    model: "claude",
    groups: ["default"],
    session: "session",
    home: null,
    bound: null,
    wallMs: NOON,
    override: () => null,
    standing: () => UP,
    ...more,
  };
}
const names = (providers: readonly Provider[], how: Partial<Wish> = {}, random = seeded(1)) =>
  rank(providers, wish(how), random).order.map((ranked) => ranked.provider.name);
const sessions = Array.from({ length: 4_000 }, (_, at) => `session-${at}`);

describe("who is left out", () => {
  const night = { fromMinute: 0, toMinute: 60, timeZone: "UTC", text: "00:00-01:00" };
  const rows: [OutReason, Partial<Provider>, Partial<Wish>][] = [
    ["protocol", { protocols: ["gemini"] }, {}],
    ["group", { groups: ["staff"] }, {}],
    ["model", { models: ["gpt-*"] }, {}],
    ["disabled", { enabled: false }, {}],
    ["disabled_by_operator", {}, { override: () => false }],
    ["hours", { active: night }, {}],
    ["other_account", {}, { bound: "elsewhere" }],
    ["open", {}, { standing: () => ({ kind: "open", backInMs: 5, limited: false }) }],
    ["cooling", {}, { standing: () => ({ kind: "cooling", backInMs: 7, limited: true }) }],
  ];
  test.each(rows)("for %s, with the reason", (reason, more, how) => {
    const { order, out } = rank([provider("a", more)], wish(how), seeded(1));
    expect(order).toEqual([]);
    expect(out.map((left) => [left.provider, left.reason])).toEqual([["a", reason]]);
  });

  test("says when it will be back, and whether it is full rather than down", () => {
    const standing = (): Standing => ({ kind: "cooling", backInMs: 7, limited: true });
    expect(rank([provider("a")], wish({ standing }), seeded(1)).out[0]).toMatchObject({ backInMs: 7, limited: true });
    const off = rank([provider("a", { active: night })], wish(), seeded(1)).out[0];
    expect(off).toMatchObject({ backInMs: 12 * 3_600_000, limited: false });
  });

  test("names the other account, whatever its hours, where the request is bound to one", () => {
    const { out } = rank([provider("a", { active: night })], wish({ bound: "b" }), seeded(1));
    expect(out.map(({ reason }) => reason)).toEqual(["other_account"]);
  });

  test("nobody whose operator says otherwise", () => {
    expect(names([provider("a", { enabled: false })], { override: () => true })).toEqual(["a"]);
  });

  test("nobody whose pattern or group fits", () => {
    expect(names([provider("a", { models: ["x", "cl?ude"], groups: ["staff", "default"] })])).toEqual(["a"]);
  });
});

describe("the order", () => {
  test("is by priority, the lowest number first, whatever the weight", () => {
    const some = [provider("late", { priority: 2, weight: 1e9 }), provider("soon"), provider("next", { priority: 1 })];
    expect(names(some)).toEqual(["soon", "next", "late"]);
  });

  test("begins with the home, across priorities", () => {
    const some = [provider("a"), provider("b", { priority: 9 })];
    const { order } = rank(some, wish({ home: "b" }), seeded(1));
    expect(order.map((ranked) => [ranked.provider.name, ranked.why])).toEqual([
      ["b", "home"],
      ["a", "rank"],
    ]);
  });

  test("holds only the account that the request is bound to", () => {
    const { order } = rank([provider("a"), provider("b")], wish({ bound: "b" }), seeded(1));
    expect(order.map((ranked) => [ranked.provider.name, ranked.why])).toEqual([["b", "bound"]]);
  });

  test("is the same for one session everywhere, in whatever order the file names the providers", () => {
    const some = ["a", "b", "c", "d"].map((name) => provider(name));
    for (const session of sessions.slice(0, 50)) {
      expect(names(some, { session }, seeded(1))).toEqual(names(some.toReversed(), { session }, seeded(2)));
    }
  });

  const shareOf = (name: string, firsts: readonly (string | undefined)[]) =>
    firsts.filter((first) => first === name).length / firsts.length;

  test("spreads sessions by weight", () => {
    const some = [provider("a", { weight: 3 }), provider("b"), provider("c", { weight: 0 })];
    const firsts = sessions.map((session) => names(some, { session })[0]);
    expect(shareOf("a", firsts)).toBeCloseTo(0.75, 1);
    expect(shareOf("b", firsts)).toBeCloseTo(0.25, 1);
    expect(shareOf("c", firsts)).toBe(0);
  });

  test("spreads requests without a session by weight too, at random", () => {
    const some = [provider("a", { weight: 3 }), provider("b")];
    const random = seeded(7);
    const firsts = sessions.map(() => names(some, { session: null }, random)[0]);
    expect(shareOf("a", firsts)).toBeCloseTo(0.75, 1);
  });

  test("moves only the sessions of a provider that goes", () => {
    const all = ["a", "b", "c", "d"].map((name) => provider(name));
    const without = all.slice(0, 3);
    for (const session of sessions.slice(0, 500)) {
      const [before, second] = names(all, { session });
      expect(names(without, { session })[0]).toBe(before === "d" ? second : before);
    }
  });
});

test("the upstream's name is that of the first mapping that matches", () => {
  const mapped = provider("a", {
    modelMap: [
      { glob: "claude-*", upstream: "first" },
      { glob: "*", upstream: "rest" },
    ],
  });
  expect(["claude-x", "gpt"].map((model) => upstreamModel(mapped, model))).toEqual(["first", "rest"]);
  expect(upstreamModel(provider("b"), "gpt")).toBe("gpt");
});
