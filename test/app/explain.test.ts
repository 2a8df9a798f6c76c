import { expect, test } from "bun:test";
import { explainPlan, fileAlone } from "../../src/app/explain.ts";
import { planOf } from "../../src/app/plan.ts";
import { load } from "../../src/config/load.ts";
import { ANONYMOUS } from "../../src/http/auth.ts";

type Entry = Readonly<Record<string, unknown>>;
const entry = (name: string, more: Entry = {}): Entry => ({
  name,
  protocols: ["anthropic"],
  base_url: `https://${name}.example`,
  api_key: `key-of-${name}-0123456789`,
  ...more,
});

/** By provider, the hedge delay that explain tells, as the file alone decides. */
function delays(providers: readonly Entry[], defaults: Entry = {}) {
  const bytes = new TextEncoder().encode(JSON.stringify({ providers, defaults }));
  const loaded = load({ path: "providers.yaml", env: {}, readFile: () => ({ kind: "bytes", bytes }) });
  if (loaded.kind === "bad") throw new Error(JSON.stringify(loaded));
  const wondered = { protocol: "anthropic", model: "m", client: ANONYMOUS, session: "s" } as const;
  const { order } = explainPlan(planOf(loaded.config), wondered, fileAlone(0), () => 0.5);
  return Object.fromEntries(order.map(({ provider, hedge_after_ms }) => [provider, hedge_after_ms]));
}

test("a hedge is told of where somebody else could be asked", () => {
  expect(delays([entry("a"), entry("b")])).toEqual({ a: 8_000, b: 8_000 });
});

test.each<[string, readonly Entry[], Entry]>([
  ["there is one provider", [entry("a")], {}],
  ["the other does not serve the model", [entry("a"), entry("b", { models: ["other"] })], {}],
  [
    "the other is another account, and the client's own credentials stay with one",
    ["a", "b"].map((name, priority) => ({ ...entry(name), api_key: undefined, priority })),
    {},
  ],
  ["one stream runs at a time", [entry("a"), entry("b")], { hedge: { at_once: 1 } }],
  ["the timer starts no second attempt", [entry("a"), entry("b")], { hedge: { attempts: 1 } }],
  ["no other provider is tried", [entry("a"), entry("b")], { retry: { providers: 0 } }],
])("no hedge is promised where %s", (_, providers, defaults) => {
  expect(delays(providers, defaults)["a"]).toBeNull();
});
