import { expect, test } from "bun:test";
import { RENEW_MAX } from "../../src/session/lease.ts";
import { sessionId } from "./contract-world.ts";
import { A, ask, B, type Fault, faulty, granted, MAIN, never, outcome, SPARE, slotsWorld } from "./slots-world.ts";

const UNLIMITED = { limits: { sessions: 0, requests: 0 } };

test("a lease outlives its ttl for as long as it is held, and no longer", async () => {
  const world = slotsWorld();
  const held = await granted(world.slots.acquire(ask(A), never));
  await world.clock.advance(300_000);
  expect(await world.counts()).toEqual({ sessions: 1, requests: 1 });
  expect(world.told("renewed")).toBeGreaterThanOrEqual(27);
  expect(world.told("lost")).toBe(0);
  held.release("failed");
  await world.clock.advance(0);
  expect(await world.counts()).toEqual({ sessions: 0, requests: 0 });
  await world.over();
});

test("renewals go out by scope, at most 200 in one", async () => {
  const batches: [string, number][] = [];
  const world = slotsWorld({
    through: (store) => ({
      ...store,
      renew(scope, ttlMs, refs) {
        batches.push([scope, refs.length]);
        return store.renew(scope, ttlMs, refs);
      },
    }),
  });
  for (let i = 0; i < 2 * RENEW_MAX + 1; i++)
    await granted(world.slots.acquire(ask(sessionId(`s${i}`), UNLIMITED), never));
  await granted(world.slots.acquire(ask(A, { ...UNLIMITED, scope: SPARE }), never));
  await world.clock.advance(10_000);
  expect(batches).toEqual([
    [MAIN, 200],
    [MAIN, 200],
    [MAIN, 1],
    [SPARE, 1],
  ]);
  expect(world.told("renewed")).toBe(402);
  await world.over();
});

test("what the store lost is restored though the limit is reached, within one beat", async () => {
  const world = slotsWorld({ rules: { leaseTtlMs: 30_000 } });
  await granted(world.slots.acquire(ask(A), never));
  await world.store.close(); // everything is gone
  const other = slotsWorld({ shared: world, instance: "two" });
  await granted(other.slots.acquire(ask(B), never));
  await world.clock.advance(11_000);
  expect(await world.counts()).toEqual({ sessions: 2, requests: 2 });
  expect([world.told("lost"), world.told("restored"), other.told("lost")]).toEqual([1, 1, 0]);
  const closed = other.slots.close(0);
  await world.over();
  await closed;
});

test("what was released while it was being restored is not restored for good", async () => {
  const world = slotsWorld({
    through: (store, clock) => ({
      ...store,
      async acquire(claim) {
        if (claim.force) await clock.sleep(100);
        return store.acquire(claim);
      },
    }),
  });
  const held = await granted(world.slots.acquire(ask(A), never));
  await world.store.close();
  await world.clock.advance(10_050);
  held.release("failed");
  await world.clock.advance(1000);
  expect(await world.counts()).toEqual({ sessions: 0, requests: 0 });
  await world.over();
});

test("a restore of unknown outcome is followed by a release that comes after it", async () => {
  let lost = false;
  const world = slotsWorld({
    rules: { storeTimeoutMs: 100 },
    through: (store) => faulty(store, (op): Fault | null => (lost && op === "acquire" ? "timeout after" : null)),
  });
  const held = await granted(world.slots.acquire(ask(A), never));
  await world.store.close();
  lost = true;
  await world.clock.advance(10_000);
  held.release("failed");
  await world.clock.advance(99);
  expect((await world.counts())?.requests).toBe(1);
  await world.clock.advance(1);
  expect((await world.counts())?.requests).toBe(0);
  await world.over();
});

test("a restore that the store failed is not counted, and is tried again at the next beat", async () => {
  let fault: Fault | null = null;
  const world = slotsWorld({ through: (store) => faulty(store, (op) => (op === "acquire" ? fault : null)) });
  await granted(world.slots.acquire(ask(A), never));
  await world.store.close();
  fault = "unreachable";
  await world.clock.advance(15_000);
  expect([world.told("lost"), world.told("restored")]).toEqual([1, 0]);
  fault = null;
  await world.clock.advance(10_000);
  expect([world.told("lost"), world.told("restored")]).toEqual([2, 1]);
  expect(await world.counts()).toEqual({ sessions: 1, requests: 1 });
  await world.over();
});

test("a lease that an operator ended elsewhere is cut at the next beat, once", async () => {
  let cuts = 0;
  const world = slotsWorld();
  const held = await granted(world.slots.acquire(ask(A, { onEnded: () => cuts++ }), never));
  await world.store.end(MAIN, A, 600_000);
  await world.clock.advance(60_000);
  expect([cuts, world.told("terminated")]).toEqual([1, 1]);
  held.release("reverted");
  await world.over();
});

test("a store that fails a beat or two does not end a lease", async () => {
  let fault: Fault | null = null;
  const world = slotsWorld({ through: (store) => faulty(store, (op) => (op === "renew" ? fault : null)) });
  await granted(world.slots.acquire(ask(A), never));
  fault = "unreachable";
  await world.clock.advance(25_000);
  fault = "timeout before";
  await world.clock.advance(20_000);
  expect(await world.counts()).toEqual({ sessions: 0, requests: 0 }); // lapsed meanwhile
  fault = null;
  world.slots.restored();
  await world.clock.advance(0);
  expect(await world.counts()).toEqual({ sessions: 1, requests: 1 });
  await world.over();
});

test("a claim of a scope without limits that failed is made good at the next beat", async () => {
  let fault: Fault | null = "unreachable";
  const world = slotsWorld({ through: (store) => faulty(store, (op) => (op === "acquire" ? fault : null)) });
  await granted(world.slots.acquire(ask(A, UNLIMITED), never));
  await world.clock.advance(1000);
  expect(await world.counts()).toEqual({ sessions: 0, requests: 0 });
  fault = null;
  await world.clock.advance(10_000);
  expect(await world.counts()).toEqual({ sessions: 1, requests: 1 });
  await world.over();
});

test("a reload that shortens the ttl loses no lease", async () => {
  const world = slotsWorld();
  await granted(world.slots.acquire(ask(A), never));
  world.rules.leaseTtlMs = 3000;
  const later = outcome(world.slots.acquire(ask(A), never));
  await world.clock.advance(60_000);
  expect(later.now).toMatchObject({ kind: "granted" });
  expect(world.told("lost")).toBe(0);
  expect(world.told("renewed")).toBeGreaterThan(80);
  await world.over();
});

test("when a process dies its leases are gone within the ttl, and nobody else's change", async () => {
  const here = slotsWorld();
  const there = slotsWorld({ shared: here, instance: "two" });
  await granted(here.slots.acquire(ask(A, { limits: { sessions: 2, requests: 0 } }), never));
  await granted(there.slots.acquire(ask(B, { limits: { sessions: 2, requests: 0 } }), never));
  await there.slots.close(0); // its loops have stopped; what follows puts its lease back, as if no release had been sent
  await here.store.acquire({
    scope: MAIN,
    lease: "two.boot.9",
    session: B,
    sessionsMax: 0,
    requestsMax: 0,
    ttlMs: 30_000,
    force: true,
    displace: 0,
    rpm: 0,
  });
  await here.clock.advance(29_999);
  expect(await here.counts()).toEqual({ sessions: 2, requests: 2 });
  await here.clock.advance(1);
  expect(await here.counts()).toEqual({ sessions: 1, requests: 1 });
  await here.over();
});
