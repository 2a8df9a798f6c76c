import { describe, expect, test } from "bun:test";
import { settlementOf } from "../../src/forward/homes.ts";
import type { Inbound } from "../../src/forward/inbound.ts";
import type { Loss } from "../../src/forward/attempt.ts";
import type { Opened } from "../../src/forward/opened.ts";
import type { Why } from "../../src/forward/stop.ts";
import type { Homes } from "../../src/session/home.ts";
import { provider } from "../provider/world.ts";

const homeAt = (name: string, races = ""): Homes => [{ model: "m", home: { provider: name, races } }];

type Case = Readonly<{
  homes?: Homes;
  winner: string;
  hedged?: boolean;
  first?: string;
  ranked?: readonly string[];
  refused?: readonly string[];
  losses?: readonly Readonly<{ at: string; stopped?: Why }>[];
  clientError?: boolean;
  kind?: string;
}>;

function settled(one: Case) {
  const { homes = [], winner, hedged = false, first = winner, ranked = ["a", "b"], refused = [], losses = [] } = one;
  const inbound = { session: "s", facts: { model: "m" }, operation: { kind: one.kind ?? "generate" } } as Inbound;
  return settlementOf(inbound, homes, {
    winner: { provider: provider(winner), clientError: one.clientError ?? false } as Opened,
    losses: losses.map(({ at, stopped }) => ({ provider: provider(at), stopped: stopped ?? null }) as Loss),
    hedged,
    first,
    ranked: new Set(ranked),
    refused: new Set(refused),
    aliases: ["resp_1"],
  });
}

describe("an answer", () => {
  test("of a session without a home makes one", () => {
    expect(settled({ winner: "a" })).toMatchObject({
      how: "answered",
      sticky: "miss",
      served: { provider: "a", homeLost: false, race: null, aliases: ["resp_1"] },
    });
  });

  test("of its home leaves it there", () => {
    expect(settled({ homes: homeAt("a"), winner: "a" })).toMatchObject({
      how: "answered",
      sticky: "hit",
      served: { homeLost: false, race: null },
    });
  });

  const moved: [string, Omit<Case, "winner">][] = [
    ["failed", { losses: [{ at: "a" }] }],
    ["timed out", { losses: [{ at: "a", stopped: "first_token_timeout" }] }],
    ["refused for sessions", { refused: ["a"] }],
    ["is no longer to be asked", { ranked: ["b"] }],
  ];
  test.each(moved)("of another, when the home %s, moves it", (_, how) => {
    expect(settled({ homes: homeAt("a"), winner: "b", ...how })).toMatchObject({
      how: "answered",
      sticky: "moved",
      served: { provider: "b", homeLost: true },
    });
  });

  test("of another, when the home only refused for requests, leaves no residence there", () => {
    expect(settled({ homes: homeAt("a"), winner: "b" })).toMatchObject({
      how: "answered_aside",
      sticky: "moved",
      served: { homeLost: false, race: null },
    });
  });

  test("of the home after its other key failed is no loss of the home", () => {
    expect(settled({ homes: homeAt("a"), winner: "a", losses: [{ at: "a" }] })).toMatchObject({
      how: "answered",
      served: { homeLost: false },
    });
  });
});

describe("a race", () => {
  const lost = { winner: "b", hedged: true, first: "a", losses: [{ at: "a", stopped: "lost_race" as const }] };

  test("lost once moves nothing, and the rescuer keeps no residence", () => {
    expect(settled({ homes: homeAt("a", "w"), ...lost })).toMatchObject({
      how: "answered_aside",
      served: { homeLost: false, race: "lost" },
    });
  });

  test("lost for the second time of the last three moves the home, and the session resides there", () => {
    for (const races of ["l", "wl", "lw"])
      expect(settled({ homes: homeAt("a", races), ...lost })).toMatchObject({
        how: "answered",
        served: { race: "lost" },
      });
    expect(settled({ homes: homeAt("a", "wwl"), ...lost })).toMatchObject({ how: "answered_aside" });
  });

  test("won is told as well", () => {
    expect(settled({ homes: homeAt("a", "l"), winner: "a", hedged: true })).toMatchObject({
      how: "answered",
      served: { race: "won" },
    });
  });

  test("that the home did not run in says nothing about it", () => {
    expect(settled({ homes: homeAt("a"), winner: "c", hedged: true, first: "b" }).served?.race).toBeNull();
  });
});

describe("what sets no home", () => {
  test.each(["count", "embed"])("%s", (kind) => {
    expect(settled({ kind, winner: "a" })).toEqual({ how: "answered_aside", served: null, sticky: "off" });
    expect(settled({ kind, homes: homeAt("a"), winner: "a" })).toMatchObject({ served: null, sticky: "hit" });
  });

  test("the client's own error", () => {
    expect(settled({ winner: "a", clientError: true })).toEqual({
      how: "answered_aside",
      served: null,
      sticky: "miss",
    });
  });
});
