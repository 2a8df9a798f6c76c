import { beforeEach, describe, expect, test } from "bun:test";
import type { ProxyEvent } from "../../src/core/events.ts";
import { secret } from "../../src/core/secret.ts";
import type { Loss } from "../../src/forward/attempt.ts";
import type { Rest } from "../../src/forward/classify.ts";
import { hasAnotherKey, letRest } from "../../src/forward/rest.ts";
import { type Cooldowns, cooldowns } from "../../src/provider/cooldown.ts";
import { provider } from "../provider/world.ts";
import { handClock } from "../world/clock.ts";

const [one, two] = [secret("key-number-one"), secret("key-number-two")];
const twoKeys = provider("a", { keys: [one, two] });

let cooling: Cooldowns;
let told: ProxyEvent[];
beforeEach(() => {
  cooling = cooldowns(handClock());
  told = [];
});

function lost(rest: Rest | null): Loss {
  const verdict = { retry: true, health: "failed", rest, showable: false, reason: "status_429" } as const;
  const loss: Loss = { provider: twoKeys, key: one, upstreamModel: "m", verdict, shown: null, stopped: null };
  letRest({ cooldowns: cooling, observe: (event) => void told.push(event) }, loss);
  return loss;
}

describe("after a loss", () => {
  test("a key rests for all models, and the log knows it by its tail", () => {
    lost({ what: "key", ms: 300_000, limited: false });
    expect(cooling.list("a")).toEqual([{ model: null, key: "-one", backInMs: 300_000, limited: false }]);
    expect(told).toEqual([
      { kind: "cooldown", provider: "a", what: "key", key: "-one", model: "", ms: 300_000, reason: "status_429" },
    ]);
  });

  test("a key rests for one model", () => {
    lost({ what: "key_model", ms: 10_000, limited: true });
    expect(cooling.list("a")).toEqual([{ model: "m", key: "-one", backInMs: 10_000, limited: true }]);
  });

  test("a model rests whatever the key", () => {
    lost({ what: "model", ms: 60_000, limited: false });
    expect(cooling.list("a")).toEqual([{ model: "m", key: null, backInMs: 60_000, limited: false }]);
  });

  test("nobody rests for no time", () => {
    lost(null);
    lost({ what: "key", ms: 0, limited: true });
    expect([cooling.list("a"), told]).toEqual([[], []]);
  });
});

describe("a provider may be asked with another key", () => {
  test("when one was at fault and another is fit", () => {
    expect(hasAnotherKey(cooling, lost({ what: "key_model", ms: 10_000, limited: true }))).toBe(true);
  });

  test("not when the other rests as well, when its model does, or when the fault is no key's", () => {
    expect(hasAnotherKey(cooling, lost(null))).toBe(false);
    cooling.rest({ provider: "a", key: two, model: null, ms: 9_000, limited: false });
    expect(hasAnotherKey(cooling, lost({ what: "key", ms: 10_000, limited: false }))).toBe(false);
    cooling.clear();
    expect(hasAnotherKey(cooling, lost({ what: "model", ms: 10_000, limited: false }))).toBe(false);
  });
});
