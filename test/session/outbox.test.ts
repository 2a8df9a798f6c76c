import { expect, test } from "bun:test";
import { HedgerowError } from "../../src/core/errors.ts";
import { sessionId } from "./contract-world.ts";
import { A, ask, B, type Fault, faulty, granted, MAIN, never, slotsWorld } from "./slots-world.ts";

const UNLIMITED = { limits: { sessions: 0, requests: 0 } };

/** A world whose store fails as long as `fault` says so, for these operations. */
function failingWorld(...ops: string[]) {
  const state: { fault: Fault | null; calls: string[] } = { fault: null, calls: [] };
  const world = slotsWorld({
    rules: { storeTimeoutMs: 100, residenceMs: 300_000 },
    through: (store) =>
      faulty(store, (op) => {
        state.calls.push(op);
        return ops.length === 0 || ops.includes(op) ? state.fault : null;
      }),
  });
  return { world, state };
}

for (const fault of ["unreachable", "down", "timeout before", "timeout after"] as const) {
  test(`a release that failed (${fault}) is delivered when the store is back`, async () => {
    const { world, state } = failingWorld("release");
    const held = await granted(world.slots.acquire(ask(A), never));
    state.fault = fault;
    held.release("failed");
    await world.clock.advance(3000);
    state.fault = null;
    await world.clock.advance(1200);
    expect(await world.counts()).toEqual({ sessions: 0, requests: 0 });
    expect(world.notices()).toEqual(["releases_kept", "releases_replayed"]);
    expect(world.clock.sleepers()).toBe(2); // heartbeat and sweep; nothing else goes on
    await world.over();
  });
}

test("all that was kept is delivered at once when the store is known to be back", async () => {
  const { world, state } = failingWorld("release");
  const held = [];
  for (let i = 0; i < 450; i++)
    held.push(await granted(world.slots.acquire(ask(sessionId(`s${i}`), UNLIMITED), never)));
  await world.clock.advance(0);
  state.fault = "unreachable";
  for (const one of held) one.release("failed");
  await world.clock.advance(0);
  expect(await world.counts()).toEqual({ sessions: 450, requests: 450 });
  state.fault = null;
  world.slots.restored();
  await world.clock.advance(0);
  expect(await world.counts()).toEqual({ sessions: 0, requests: 0 });
  await world.over();
});

test("an answer that could not be told before its lease lapsed still makes the session reside, for the rest of its time", async () => {
  const { world, state } = failingWorld("acquire", "release");
  const held = await granted(world.slots.acquire(ask(A), never));
  state.fault = "unreachable";
  held.release("done");
  await world.clock.advance(100_000);
  expect(await world.counts()).toEqual({ sessions: 0, requests: 0 });
  state.fault = null;
  await world.clock.advance(1200);
  expect(await world.counts()).toEqual({ sessions: 1, requests: 0 });
  await world.clock.advance(300_000 - 101_200 - 1);
  expect(await world.counts()).toEqual({ sessions: 1, requests: 0 });
  await world.clock.advance(1);
  expect(await world.counts()).toEqual({ sessions: 0, requests: 0 });
  await world.over();
});

test("an answer whose lease the store lost still makes the session reside", async () => {
  const { world } = failingWorld();
  const held = await granted(world.slots.acquire(ask(A), never));
  await world.store.close(); // everything is gone
  held.release("done");
  await world.clock.advance(0);
  expect(await world.counts()).toEqual({ sessions: 1, requests: 0 });
  await world.over();
});

for (const fault of ["unreachable", "down", "timeout before"] as const) {
  test(`an answer whose lease the store lost makes the session reside, though restoring it fails at first (${fault})`, async () => {
    const { world, state } = failingWorld("acquire");
    const held = await granted(world.slots.acquire(ask(A), never));
    await world.store.close(); // everything is gone
    state.fault = fault;
    held.release("done");
    await world.clock.advance(3000);
    expect(world.notices()).toEqual(["releases_kept"]);
    state.fault = null;
    await world.clock.advance(1300);
    expect(await world.counts()).toEqual({ sessions: 1, requests: 0 });
    expect(world.notices()).toEqual(["releases_kept", "releases_replayed"]);
    await world.clock.advance(300_000 - 4300 - 1);
    expect(await world.counts()).toEqual({ sessions: 1, requests: 0 });
    await world.clock.advance(1);
    expect(await world.counts()).toEqual({ sessions: 0, requests: 0 });
    await world.over();
  });
}

test("a restore that may still run is not overtaken by the release that follows it", async () => {
  let acquires = 0;
  const world = slotsWorld({
    rules: { storeTimeoutMs: 3000 },
    // The first one goes to the store, a second one gets no reply in time, and runs after that.
    through: (store, clock) => ({
      ...store,
      async acquire(claim) {
        if (++acquires !== 2) return store.acquire(claim);
        clock.after(2900, () => void store.acquire(claim));
        throw new HedgerowError("store_timeout", "no reply");
      },
    }),
  });
  const held = await granted(world.slots.acquire(ask(A), never));
  await world.store.close();
  held.release("done");
  await world.clock.advance(3000);
  expect(await world.counts()).toEqual({ sessions: 1, requests: 0 });
  expect(acquires).toBe(2);
  await world.over();
});

test("an answer of a session that an operator ended does not make it reside", async () => {
  const { world } = failingWorld();
  const held = await granted(world.slots.acquire(ask(A), never));
  await world.slots.end(A);
  held.release("done");
  await world.clock.advance(0);
  expect(await world.counts()).toEqual({ sessions: 0, requests: 0 });
  await world.over();
});

test("an answer that may have arrived is not told as a new one: its session may have been displaced since", async () => {
  const { world, state } = failingWorld("release");
  const held = await granted(world.slots.acquire(ask(A), never));
  state.fault = "timeout after";
  held.release("done");
  await world.clock.advance(0);
  state.fault = null;
  const other = await granted(world.slots.acquire(ask(B, { displace: true }), never));
  expect(other.displaced).toEqual([A]);
  await world.clock.advance(1200);
  expect(await world.counts()).toEqual({ sessions: 1, requests: 1 });
  await world.over();
});

test("a release that can change nothing any more is given up", async () => {
  const { world, state } = failingWorld("release");
  const held = await granted(world.slots.acquire(ask(A), never));
  state.fault = "unreachable";
  held.release("failed");
  await world.clock.advance(31_500); // its lease has lapsed
  const before = state.calls.filter((op) => op === "release").length;
  await world.clock.advance(60_000);
  expect(state.calls.filter((op) => op === "release").length).toBe(before);
  expect(world.notices()).toEqual(["releases_kept", "releases_replayed"]);
  await world.over();
});

test("nobody waits for a release", async () => {
  const world = slotsWorld({ through: (store) => ({ ...store, release: () => new Promise<never>(() => {}) }) });
  const held = await granted(world.slots.acquire(ask(A), never));
  expect(held.release("failed")).toBeUndefined();
  expect(world.slots.leases(MAIN)).toBe(0);
  const closed = world.slots.close(10);
  await world.clock.advance(10);
  await closed;
});
