import { expect, test } from "bun:test";
import { providerHealth } from "../../src/app/health.ts";
import { planOf } from "../../src/app/plan.ts";
import type { ProxyEvent } from "../../src/core/events.ts";
import type { Provider } from "../../src/provider/provider.ts";
import { configOf } from "../config/world.ts";
import { handClock } from "../world/clock.ts";

const PROVIDERS = planOf(
  configOf(`
defaults: { breaker: { failures: 1, open: 30s } }
providers:
  - { name: a, protocols: [anthropic], base_url: https://a.example, api_key: first-key-0001 }
  - { name: b, protocols: [anthropic], base_url: https://b.example, api_key: second-key-0002 }
`),
).providers;
const [a, b] = PROVIDERS as [Provider, Provider];

function health() {
  const events: ProxyEvent[] = [];
  const clock = handClock();
  return { clock, events, ...providerHealth(clock, (event) => events.push(event)) };
}

const fails = (world: ReturnType<typeof health>, provider: Provider) =>
  world.breakerOf(provider.name).permit(provider.breaker)?.settle("failed");
const rests = (world: ReturnType<typeof health>, provider: Provider) =>
  world.cooldowns.rest({ provider: provider.name, key: null, model: null, ms: 60_000, limited: true });

test("who stands how: up, open with the time of its next probe, cooling with its reason", () => {
  const world = health();
  expect(world.standing(a, "m")).toEqual({ kind: "up" });
  rests(world, a);
  expect(world.standing(a, "m")).toEqual({ kind: "cooling", backInMs: 60_000, limited: true });
  fails(world, b);
  expect(world.standing(b, "m")).toEqual({ kind: "open", backInMs: 30_000, limited: false });
  expect(world.events).toMatchObject([{ kind: "breaker", provider: "b", state: "open" }]);
});

test("a reload ends all cool-downs and keeps breakers and overrides", () => {
  const world = health();
  rests(world, a);
  fails(world, b);
  world.setOverride("b", "disabled");
  world.reloaded(["a", "b"]);
  expect(world.standing(a, "m")).toEqual({ kind: "up" });
  expect(world.standing(b, "m").kind).toBe("open");
  expect(world.override("b")).toBe(false);
});

test("what is known of a provider goes with it: one of the same name later starts afresh", () => {
  const world = health();
  fails(world, b);
  world.setOverride("b", "disabled");
  world.reloaded(["a"]);
  world.reloaded(["a", "b"]);
  expect(world.standing(b, "m")).toEqual({ kind: "up" });
  expect(world.override("b")).toBeNull();
});

test("`reset` gives a provider back to its configuration, in health, and touches no other", () => {
  const world = health();
  for (const provider of PROVIDERS) {
    fails(world, provider);
    rests(world, provider);
    world.setOverride(provider.name, "enabled");
  }
  world.setOverride("a", "reset");
  expect(world.standing(a, "m")).toEqual({ kind: "up" });
  expect(world.override("a")).toBeNull();
  expect(world.standing(b, "m").kind).toBe("open");
  expect(world.override("b")).toBe(true);
  expect(world.events.at(-1)).toEqual({ kind: "override", provider: "a", override: "reset" });
});
