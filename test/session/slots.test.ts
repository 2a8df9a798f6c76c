import { describe, expect, test } from "bun:test";
import { claim } from "./contract-world.ts";
import { A, ask, B, C, faulty, granted, MAIN, never, outcome, SPARE, slotsWorld } from "./slots-world.ts";

const UNLIMITED = { sessions: 0, requests: 0 };

describe("acquire", () => {
  test("hands out a slot and takes it back", async () => {
    const world = slotsWorld();
    const held = await granted(world.slots.acquire(ask(A), never));
    expect(held).toMatchObject({ scope: MAIN, session: A, sessions: 1, isNew: true, displaced: [] });
    expect(world.slots.leases(MAIN)).toBe(1);
    expect(await world.slots.acquire(ask(B), never)).toMatchObject({ kind: "refused", by: "sessions" });
    held.release("failed");
    expect(world.slots.leases()).toBe(0);
    await world.clock.advance(0);
    expect(await world.counts()).toEqual({ sessions: 0, requests: 0 });
    expect([world.told("granted"), world.told("refused"), world.told("released")]).toEqual([1, 1, 1]);
    await world.over();
  });

  test("a second release of one slot does nothing", async () => {
    const world = slotsWorld();
    const held = await granted(world.slots.acquire(ask(A), never));
    held.release("done");
    held.release("failed");
    await world.clock.advance(0);
    expect(await world.counts()).toEqual({ sessions: 1, requests: 0 });
    expect(world.told("released")).toBe(1);
    await world.over();
  });

  test("displaces an idle session only when asked to, and never with idle: hold", async () => {
    const world = slotsWorld({ rules: { idle: "hold" } });
    (await granted(world.slots.acquire(ask(A), never))).release("done");
    await world.clock.advance(0);
    expect(await world.slots.acquire(ask(B, { displace: true }), never)).toMatchObject({ by: "sessions" });
    world.rules.idle = "yield";
    expect(await world.slots.acquire(ask(B), never)).toMatchObject({ by: "sessions" });
    const held = await granted(world.slots.acquire(ask(B, { displace: true }), never));
    expect(held.displaced).toEqual([A]);
    expect(world.slots.sessions().map((view) => view.session)).toEqual([B]);
    held.release("failed");
    await world.over();
  });

  test("says when the minute's requests are used up", async () => {
    const world = slotsWorld();
    const one = { scope: "client:app", limits: UNLIMITED, rpm: 1 };
    (await granted(world.slots.acquire(ask(A, one), never))).release("done");
    expect(await world.slots.acquire(ask(A, one), never)).toMatchObject({ by: "rpm", retryAfterMs: 60_000 });
    await world.over();
  });

  test("grants a scope without limits before the store has answered, and tells it all the same", async () => {
    const world = slotsWorld({
      through: (store, clock) => ({
        ...store,
        async acquire(claim) {
          await clock.sleep(50);
          return store.acquire(claim);
        },
      }),
    });
    const held = await granted(world.slots.acquire(ask(A, { limits: UNLIMITED }), never));
    expect(await world.counts()).toEqual({ sessions: 0, requests: 0 });
    await world.clock.advance(50);
    expect(await world.counts()).toEqual({ sessions: 1, requests: 1 });
    held.release("done");
    await world.clock.advance(0);
    expect(await world.counts()).toEqual({ sessions: 1, requests: 0 });
    await world.over();
  });

  test("a release never overtakes the claim of a scope without limits", async () => {
    const world = slotsWorld({
      through: (store, clock) => ({
        ...store,
        async acquire(claim) {
          await clock.sleep(50);
          return store.acquire(claim);
        },
      }),
    });
    (await granted(world.slots.acquire(ask(A, { limits: UNLIMITED }), never))).release("failed");
    await world.clock.advance(100);
    expect(await world.counts()).toEqual({ sessions: 0, requests: 0 });
    await world.over();
  });
});

describe("an abort", () => {
  test("while the store is asked gives the slot back and rejects with its reason", async () => {
    const world = slotsWorld({
      through: (store, clock) => ({
        ...store,
        async acquire(claim) {
          const reply = await store.acquire(claim);
          await clock.sleep(50);
          return reply;
        },
      }),
    });
    const client = new AbortController();
    const asked = outcome(world.slots.acquire(ask(A), client.signal));
    await world.clock.advance(10);
    expect(await world.counts()).toEqual({ sessions: 1, requests: 1 });
    client.abort("client left");
    await world.clock.advance(50);
    expect(asked.now).toEqual({ rejected: "client left" });
    expect(world.slots.leases()).toBe(0);
    expect(await world.counts()).toEqual({ sessions: 0, requests: 0 });
    await world.over();
  });

  test("before anything was asked asks nothing", async () => {
    const world = slotsWorld();
    const asked = outcome(world.slots.acquire(ask(A), AbortSignal.abort("gone")));
    await world.clock.advance(0);
    expect(asked.now).toEqual({ rejected: "gone" });
    expect(world.store.scopes()).toBe(0);
    await world.over();
  });
});

describe("a store that does not answer", () => {
  for (const fault of ["unreachable", "down", "timeout before", "timeout after"] as const) {
    test(`(${fault}) leaves no slot behind`, async () => {
      let fails = true;
      const world = slotsWorld({
        rules: { storeTimeoutMs: 100 },
        through: (store) => faulty(store, (op) => (fails && op === "acquire" ? fault : null)),
      });
      expect(await world.slots.acquire(ask(A), never)).toEqual({ kind: "store_down" });
      fails = false;
      expect((await world.counts())?.requests).toBe(fault === "timeout after" ? 1 : 0);
      await world.clock.advance(99);
      expect((await world.counts())?.requests).toBe(fault === "timeout after" ? 1 : 0);
      await world.clock.advance(1);
      expect(await world.counts()).toEqual({ sessions: 0, requests: 0 });
      await world.over();
    });
  }
});

describe("the end of a session", () => {
  test("cuts its streams here at once, says what is to be cut elsewhere, and forgets its home", async () => {
    const here = slotsWorld();
    const there = slotsWorld({ shared: here, instance: "two" });
    const cuts: string[] = [];
    const cut = (name: string) => ({ limits: UNLIMITED, onEnded: () => void cuts.push(name) });
    const held = [
      await granted(here.slots.acquire(ask(A, cut("here")), never)),
      await granted(here.slots.acquire(ask(A, { ...cut("spare"), scope: SPARE }), never)),
      await granted(here.slots.acquire(ask(B, cut("bob")), never)),
    ];
    const other = await granted(there.slots.acquire(ask(A, cut("there")), never));
    expect(await here.slots.end(A)).toEqual({ leases: 3, cutHere: 2, toBeCut: 1, freed: 2 });
    expect(cuts).toEqual(["here", "spare"]);
    expect(here.homesForgotten).toEqual([A]);
    await here.clock.advance(11_000);
    expect(cuts).toEqual(["here", "spare", "there"]);
    expect(await here.counts()).toEqual({ sessions: 1, requests: 1 });
    for (const one of [...held, other]) one.release("done");
    await here.clock.advance(0);
    expect(await here.counts()).toEqual({ sessions: 1, requests: 0 });
    expect(await here.slots.end(A)).toEqual({ leases: 0, cutHere: 0, toBeCut: 0, freed: 0 });
    const closed = there.slots.close(0);
    await here.over();
    await closed;
  });

  test("reaches scopes that left the config less than a day ago", async () => {
    const world = slotsWorld();
    await world.clock.advance(30_000); // a round of the cleanup has seen them
    world.scopes.splice(0);
    await world.store.acquire(claim("two.boot.1", A));
    expect(await world.slots.end(A)).toMatchObject({ leases: 1, cutHere: 0, toBeCut: 1 });
    await world.over();
  });

  test("is told to the requests that watch for it, whether they hold a lease or not", async () => {
    const world = slotsWorld();
    const told: string[] = [];
    const unwatch = world.slots.watch(A, () => told.push("first"));
    world.slots.watch(A, () => told.push("second"))();
    world.slots.watch(B, () => told.push("bob"));
    expect(await world.slots.end(A)).toEqual({ leases: 0, cutHere: 1, toBeCut: 0, freed: 0 });
    unwatch();
    expect(await world.slots.end(A)).toMatchObject({ cutHere: 0 });
    expect(told).toEqual(["first"]);
    await world.over();
  });

  test("rejects when the store could not be told, with the streams here cut all the same", async () => {
    let cuts = 0;
    const world = slotsWorld({ through: (store) => faulty(store, (op) => (op === "end" ? "unreachable" : null)) });
    const held = await granted(world.slots.acquire(ask(A, { onEnded: () => cuts++ }), never));
    const ended = outcome(world.slots.end(A));
    await world.clock.advance(0);
    expect(ended.now).toMatchObject({ rejected: { code: "store_unreachable" } });
    expect(cuts).toBe(1);
    held.release("reverted");
    await world.over();
  });
});

describe("close", () => {
  test("gives back what is still held as if it had never been", async () => {
    const world = slotsWorld();
    (await granted(world.slots.acquire(ask(A, { limits: UNLIMITED }), never))).release("done");
    for (const session of [A, B, C]) await granted(world.slots.acquire(ask(session, { limits: UNLIMITED }), never));
    await world.over();
    expect(await world.counts()).toEqual({ sessions: 1, requests: 0 });
  });

  test("takes no longer than it may", async () => {
    const world = slotsWorld({ through: (store) => ({ ...store, release: () => new Promise<never>(() => {}) }) });
    await granted(world.slots.acquire(ask(A), never));
    const closed = outcome(world.slots.close(1000));
    await world.clock.advance(999);
    expect(closed.now).toBe("pending");
    await world.clock.advance(1);
    expect(closed.now).toBeUndefined();
    expect(world.clock.sleepers()).toBe(0);
  });

  test("does not wait for a heartbeat that hangs", async () => {
    const world = slotsWorld({ through: (store) => ({ ...store, renew: () => new Promise<never>(() => {}) }) });
    await granted(world.slots.acquire(ask(A), never));
    await world.clock.advance(20_000);
    const closed = outcome(world.slots.close(1000));
    await world.clock.advance(1000);
    expect(closed.now).toBeUndefined();
    expect(await world.counts()).toEqual({ sessions: 0, requests: 0 });
    expect(world.clock.sleepers()).toBe(0);
  });
});

test("sessions are shown with what they run, until they reside no longer", async () => {
  const world = slotsWorld();
  const held = await granted(world.slots.acquire(ask(A), never));
  const second = await granted(world.slots.acquire(ask(A), never));
  await world.clock.advance(1000);
  second.release("reverted");
  expect(world.slots.sessions()).toEqual([{ session: A, scope: MAIN, running: 1, firstSeenMs: 0, lastSeenMs: 1000 }]);
  held.release("done");
  expect(world.slots.sessions()).toMatchObject([{ running: 0 }]);
  await world.clock.advance(300_000);
  expect(world.slots.sessions()).toEqual([]);
  await world.over();
});
