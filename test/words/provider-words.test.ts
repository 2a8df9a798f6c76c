import { describe, expect, test } from "bun:test";
import type { CooldownView, ProviderView } from "../../src/http/admin/views.ts";
import { hedgeAfterWords, hedgesWonWords, isFull, ofLimitWords, stateWords } from "../../src/words/provider-words.ts";
import type { Tone } from "../../src/words/tone.ts";
import { providerView } from "../http/admin/world.ts";

const resting = (own: Partial<CooldownView>): CooldownView => ({
  key: null,
  model: null,
  left_ms: 10_000,
  limited: true,
  ...own,
});

describe("the state is what keeps it from being asked, the strongest first", () => {
  const all: Partial<ProviderView> = {
    removed: true,
    enabled: false,
    active: false,
    breaker: { state: "open", probe_in_ms: 3_000 },
    cooldowns: [resting({})],
  };

  test.each<[string, Tone, Partial<ProviderView>]>([
    ["removed", "dim", all],
    ["disabled", "dim", { ...all, removed: false }],
    ["outside its hours", "dim", { ...all, removed: false, enabled: true }],
    ["open, probe in 3s", "bad", { breaker: { state: "open", probe_in_ms: 3_000 }, cooldowns: [resting({})] }],
    ["half open", "warn", { breaker: { state: "half_open", probe_in_ms: 0 } }],
    ["up", "good", {}],
  ])("%s", (text, tone, own) => {
    expect(stateWords(providerView(own))).toEqual({ text, tone });
  });

  test.each<[string, CooldownView[]]>([
    ["up, all rests 10s", [resting({})]],
    ["up, key 9xyz rests 10s", [resting({ key: "9xyz" })]],
    ["up, m rests 10s", [resting({ model: "m" })]],
    ["up, key 9xyz m rests 10s +2", [resting({ key: "9xyz", model: "m" }), resting({}), resting({})]],
  ])("%s", (text, cooldowns) => {
    expect(stateWords(providerView({ cooldowns }))).toEqual({ text, tone: "warn" });
  });
});

test("a count without a limit, and one that the store cannot say, are told as such, and neither is full", () => {
  expect([ofLimitWords(3, 10), ofLimitWords(3, 0), ofLimitWords(null, 10)]).toEqual(["3/10", "3/-", "?/10"]);
  expect([isFull(9, 10), isFull(10, 10), isFull(11, 10), isFull(3, 0), isFull(null, 10)]).toEqual([
    false,
    true,
    true,
    false,
    false,
  ]);
});

test("hedge delays are told as their range over all models", () => {
  const after = (...delays: (number | null)[]) =>
    hedgeAfterWords(delays.map((after_ms, index) => ({ model: `m${index}`, after_ms, samples: 40 })));
  expect([after(), after(null), after(1_500), after(1_500, 1_510), after(null, 900, 8_000)]).toEqual([
    "-",
    "off",
    "1.5s",
    "1.5s",
    "900ms to 8s",
  ]);
});

test("hedges won are a share of those that ended", () => {
  expect(hedgesWonWords({ won: 1, lost: 3, denied: 9, win_rate: 0.25 })).toBe("25% of 4");
  expect(hedgesWonWords({ won: 0, lost: 0, denied: 9, win_rate: null })).toBe("-");
});
