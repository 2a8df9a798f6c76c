import { describe, expect, test } from "bun:test";
import { explain, type Refusal, type Unadmitted } from "../../src/forward/unadmitted.ts";
import type { LeftOut } from "../../src/provider/rank.ts";
import { provider } from "../provider/world.ts";

const by = (why: Refusal["by"], backInMs: number | null = null, limited = false): Refusal => ({
  kind: "refusal",
  provider: provider("a"),
  by: why,
  backInMs,
  limited,
});
const out = (reason: LeftOut["reason"], backInMs = 0, limited = false): LeftOut => ({
  provider: "b",
  reason,
  backInMs,
  limited,
});

describe("full or down", () => {
  const rows: [string, readonly Refusal[], readonly LeftOut[], Unadmitted][] = [
    ["one is full", [by("sessions")], [], { code: "providers_full", backInMs: 1_000 }],
    [
      "one is full, others down",
      [by("requests"), by("open", 9_000)],
      [out("open", 5_000)],
      { code: "providers_full", backInMs: 1_000 },
    ],
    ["all are open", [by("open", 9_000)], [out("open", 5_000)], { code: "providers_down", backInMs: 5_000 }],
    [
      "all cool down for 429",
      [by("cooling", 9_000, true)],
      [out("cooling", 5_000, true)],
      { code: "providers_full", backInMs: 5_000 },
    ],
    [
      "some cool down for 429",
      [by("cooling", 3_000, true)],
      [out("open", 5_000)],
      { code: "providers_down", backInMs: 3_000 },
    ],
    ["a cool-down for another reason", [by("cooling", 3_000)], [], { code: "providers_down", backInMs: 3_000 }],
    ["a probe is under way", [by("open")], [], { code: "providers_down", backInMs: null }],
    ["the store is away", [by("store"), by("open", 3_000)], [], { code: "store_down", backInMs: null }],
    ["the store is away, one is full", [by("store"), by("sessions")], [], { code: "providers_full", backInMs: 1_000 }],
    [
      "all are outside their hours",
      [],
      [out("hours", 9_000), out("hours", 5_000), out("model")],
      { code: "off_hours", backInMs: 5_000 },
    ],
    [
      "one fails, another is outside its hours",
      [by("open", 9_000)],
      [out("hours", 5_000)],
      { code: "providers_down", backInMs: 5_000 },
    ],
    [
      "one is full, another is outside its hours",
      [by("sessions")],
      [out("hours", 500)],
      {
        code: "providers_full",
        backInMs: 1_000,
      },
    ],
    ["nobody is there", [], [out("model"), out("disabled")], { code: "none_left", backInMs: null }],
  ];
  test.each(rows)("%s", (_, refusals, left, why) => {
    expect(explain(refusals, left)).toEqual(why);
  });
});
