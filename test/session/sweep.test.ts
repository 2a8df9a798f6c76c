import { expect, test } from "bun:test";
import { claim, sessionId } from "./contract-world.ts";
import { A, ask, B, faulty, MAIN, never, outcome, SPARE, slotsWorld } from "./slots-world.ts";

test("what a crashed process left is swept on a timer, in every scope", async () => {
  const world = slotsWorld();
  for (let i = 0; i < 3; i++) await world.store.acquire(claim(`dead.${i}`, sessionId(`s${i}`)));
  await world.store.acquire(claim("dead.9", A, { scope: SPARE }));
  expect(world.store.scopes()).toBe(2);
  await world.clock.advance(60_000);
  expect(world.store.scopes()).toBe(0);
  expect(world.told("expired")).toBe(4);
  expect(world.events.filter((event) => event.kind === "sweep")).toEqual([
    { kind: "sweep", scope: MAIN, leases: 3, sessions: 3 },
    { kind: "sweep", scope: SPARE, leases: 1, sessions: 1 },
  ]);
  expect(world.events.filter((event) => event.kind === "swept")).toHaveLength(2);
  await world.over();
});

test("a large backlog is swept in one round, in bounded calls", async () => {
  const bounds: number[] = [];
  const world = slotsWorld({
    through: (store) => ({
      ...store,
      sweep(scope, bound, ttlMaxMs) {
        if (scope === MAIN) bounds.push(bound);
        return store.sweep(scope, bound, ttlMaxMs);
      },
    }),
  });
  for (let i = 0; i < 2500; i++) await world.store.acquire(claim(`dead.${i}`, sessionId(`s${i}`), { ttlMs: 1000 }));
  await world.clock.advance(30_000);
  expect(bounds).toEqual([1000, 1000, 1000]);
  expect(world.told("expired")).toBe(2500);
  await world.over();
});

test("a scope that left the config is swept for another day", async () => {
  const world = slotsWorld({ rules: { sweepEveryMs: 3_600_000 } });
  await world.clock.advance(3_600_000);
  world.scopes.splice(0, 1);
  await world.store.acquire(claim("dead.1", A, { ttlMs: 1000 }));
  await world.clock.advance(3_600_000);
  expect(world.told("expired")).toBe(1);
  await world.clock.advance(23 * 3_600_000);
  await world.store.acquire(claim("dead.2", A, { ttlMs: 1000 }));
  await world.clock.advance(7_200_000);
  expect(world.told("expired")).toBe(1);
  await world.over();
});

test("a store that fails in one scope does not keep the others from being swept", async () => {
  const world = slotsWorld({
    through: (store) => {
      const broken = faulty(store, () => "unreachable");
      return { ...store, sweep: (scope, ...rest) => (scope === MAIN ? broken : store).sweep(scope, ...rest) };
    },
  });
  await world.store.acquire(claim("dead.1", A, { scope: SPARE }));
  await world.clock.advance(60_000);
  expect(world.store.scopes()).toBe(0);
  await world.over();
});

test("a sweep lets those who wait ask again", async () => {
  const world = slotsWorld({ rules: { asksAgainMs: 3_600_000 } });
  await world.store.acquire(claim("dead.1", A));
  const waiter = outcome(world.slots.wait([ask(B)], 100_000, never));
  await world.clock.advance(30_000);
  expect(waiter.now).toMatchObject({ kind: "granted" });
  await world.over();
});
