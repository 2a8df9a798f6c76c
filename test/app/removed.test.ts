import { expect, test } from "bun:test";
import { removedProviders } from "../../src/app/removed.ts";
import { provider } from "../provider/world.ts";

function world() {
  const leases = new Map<string, number>();
  const removed = removedProviders((name) => leases.get(name) ?? 0);
  const named = (...names: readonly string[]) => names.map((name) => provider(name));
  return { leases, removed, named, serving: () => removed.serving().map(({ name }) => name) };
}

test("a provider that is taken out is told of until its last lease is back", () => {
  const { leases, removed, named, serving } = world();
  leases.set("a", 2).set("b", 1);
  removed.configured(named("a", "b", "c"));
  expect(serving()).toEqual([]);
  removed.configured(named("b"));
  expect(serving()).toEqual(["a"]);
  removed.configured(named("d"));
  expect(serving()).toEqual(["a", "b"]);
  leases.delete("a");
  expect(serving()).toEqual(["b"]);
});

test("one that a request comes to later is told of then, and one that is back is no more", () => {
  const { leases, removed, named, serving } = world();
  removed.configured(named("a", "b"));
  removed.configured(named("b"));
  expect(serving()).toEqual([]);
  leases.set("a", 1);
  expect(serving()).toEqual(["a"]);
  removed.configured(named("a", "b"));
  expect(serving()).toEqual([]);
});

test("it is told of as it was last, and reloads without end do not make the list grow", () => {
  const { leases, removed, named } = world();
  leases.set("a", 1);
  removed.configured([provider("a", { priority: 1 })]);
  removed.configured([provider("a", { priority: 2 })]);
  removed.configured([]);
  expect(removed.serving().map(({ priority }) => priority)).toEqual([2]);
  for (let turn = 0; turn <= 1_000; turn++) removed.configured(named(`b${turn}`));
  removed.configured([]);
  expect(removed.serving()).toEqual([]);
});
