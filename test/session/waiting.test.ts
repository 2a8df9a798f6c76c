import { describe, expect, test } from "bun:test";
import { A, ask, B, C, D, faulty, granted, MAIN, never, outcome, SPARE, slotsWorld } from "./slots-world.ts";

const spare = { scope: SPARE };
const forSession = (session: string) => [ask(session), ask(session, spare)];

/** A provider with one slot, taken by A. */
async function fullWorld(options: Parameters<typeof slotsWorld>[0] = {}) {
  const world = slotsWorld(options);
  const held = await granted(world.slots.acquire(ask(A), never));
  return { world, held };
}

describe("the waiting line", () => {
  test("gives a freed slot to the oldest waiter at once", async () => {
    const { world, held } = await fullWorld();
    const first = outcome(world.slots.wait([ask(B)], 10_000, never));
    const second = outcome(world.slots.wait([ask(C)], 10_000, never));
    await world.clock.advance(100);
    expect([first.now, second.now, world.slots.waiting()]).toEqual(["pending", "pending", 2]);
    held.release("failed");
    await world.clock.advance(0);
    expect(first.now).toMatchObject({ kind: "granted", index: 0, held: { session: B } });
    expect(second.now).toBe("pending");
    if (typeof first.now === "object" && "held" in first.now) first.now.held.release("failed");
    await world.clock.advance(0);
    expect(second.now).toMatchObject({ kind: "granted", held: { session: C } });
    await world.over();
  });

  test("asks by the limits of now: a reload that raises them serves who waits already", async () => {
    const { world, held } = await fullWorld();
    const waiting = outcome(world.slots.wait([ask(B)], 10_000, never));
    await world.clock.advance(1_000);
    expect(waiting.now).toBe("pending");
    world.rules.limitsOf = () => ({ sessions: 2, requests: 0 });
    await world.clock.advance(300);
    expect(waiting.now).toMatchObject({ kind: "granted", held: { session: B } });
    held.release("failed");
    if (typeof waiting.now === "object" && "held" in waiting.now) waiting.now.held.release("failed");
    await world.over();
  });

  test("gives it to the oldest for whom that provider will do", async () => {
    const { world, held } = await fullWorld();
    const elsewhere = await granted(world.slots.acquire(ask(D, spare), never));
    const first = outcome(world.slots.wait([ask(B, spare)], 10_000, never));
    const second = outcome(world.slots.wait(forSession(C), 10_000, never));
    held.release("failed");
    await world.clock.advance(0);
    expect([first.now, second.now]).toMatchObject(["pending", { kind: "granted", index: 0, held: { scope: MAIN } }]);
    elsewhere.release("failed");
    await world.clock.advance(0);
    expect(first.now).toMatchObject({ kind: "granted", held: { scope: SPARE } });
    await world.over();
  });

  test("hands one waiter one slot when two become free in one moment", async () => {
    const { world, held } = await fullWorld();
    const elsewhere = await granted(world.slots.acquire(ask(D, spare), never));
    const first = outcome(world.slots.wait(forSession(B), 10_000, never));
    const second = outcome(world.slots.wait(forSession(C), 10_000, never));
    held.release("failed");
    elsewhere.release("failed");
    await world.clock.advance(0);
    expect([first.now, second.now]).toMatchObject([
      { kind: "granted", held: { session: B } },
      { kind: "granted", held: { session: C } },
    ]);
    expect([world.slots.leases(MAIN), world.slots.leases(SPARE)]).toEqual([1, 1]);
    expect(world.slots.leases()).toBe(2);
    await world.over();
  });

  test("is not overtaken by a new session, but by one that has a slot", async () => {
    const { world, held } = await fullWorld({
      // The slot is free in the store before anybody here hears of it.
      through: (store, clock) => ({
        ...store,
        async release(...release) {
          const reply = await store.release(...release);
          await clock.sleep(50);
          return reply;
        },
      }),
      rules: { asksAgainMs: 60_000 },
    });
    const waiter = outcome(world.slots.wait([ask(B)], 10_000, never));
    await world.clock.advance(0);
    const again = await granted(world.slots.acquire(ask(A), never));
    expect(again.isNew).toBe(false);
    again.release("failed");
    held.release("failed");
    await world.clock.advance(0);
    expect(await world.counts()).toEqual({ sessions: 0, requests: 0 });
    expect(await world.slots.acquire(ask(C, { displace: true }), never)).toMatchObject({ by: "sessions", sessions: 0 });
    await world.clock.advance(50);
    expect(waiter.now).toMatchObject({ kind: "granted", held: { session: B } });
    await world.over();
  });

  test("serves all waiting requests of a session that got its slot", async () => {
    const { world, held } = await fullWorld();
    const first = outcome(world.slots.wait([ask(B)], 10_000, never));
    const between = outcome(world.slots.wait([ask(C)], 10_000, never));
    const second = outcome(world.slots.wait([ask(B)], 10_000, never));
    held.release("failed");
    await world.clock.advance(0);
    expect([first.now, between.now, second.now]).toMatchObject([{ kind: "granted" }, "pending", { kind: "granted" }]);
    await world.over();
  });

  test("asks at once when it is joined: the slot may have become free since it was refused", async () => {
    const { world, held } = await fullWorld();
    expect(await world.slots.acquire(ask(B), never)).toMatchObject({ by: "sessions" });
    held.release("failed");
    await world.clock.advance(0);
    const waiter = outcome(world.slots.wait([ask(B)], 10_000, never));
    await world.clock.advance(0);
    expect(waiter.now).toMatchObject({ kind: "granted" });
    await world.over();
  });

  test("takes the slot of a session that became idle, where that may be displaced", async () => {
    const { world, held } = await fullWorld();
    const patient = outcome(world.slots.wait([ask(B)], 10_000, never));
    const waiter = outcome(world.slots.wait([ask(C, { displace: true })], 10_000, never));
    held.release("done");
    await world.clock.advance(0);
    // The oldest may not displace anybody, and nobody overtakes it.
    expect([patient.now, waiter.now]).toEqual(["pending", "pending"]);
    await world.over();
    expect([patient.now, waiter.now]).toEqual([{ kind: "timeout" }, { kind: "timeout" }]);

    const other = await fullWorld();
    const displacing = outcome(other.world.slots.wait([ask(B, { displace: true })], 10_000, never));
    other.held.release("done");
    await other.world.clock.advance(0);
    expect(displacing.now).toMatchObject({ kind: "granted", held: { displaced: [A] } });
    await other.world.over();
  });

  test("finds by itself what lapsed without a word", async () => {
    const { world, held } = await fullWorld({ rules: { residenceMs: 1000, idle: "hold" } });
    held.release("done");
    const waiter = outcome(world.slots.wait([ask(B, { displace: true })], 10_000, never));
    await world.clock.advance(999);
    expect(waiter.now).toBe("pending");
    await world.clock.advance(301);
    expect(waiter.now).toMatchObject({ kind: "granted" });
    await world.over();
  });

  test("finds by itself what another process freed", async () => {
    const here = slotsWorld();
    const there = slotsWorld({ shared: here, instance: "two" });
    const held = await granted(there.slots.acquire(ask(A), never));
    const waiter = outcome(here.slots.wait([ask(B)], 10_000, never));
    await here.clock.advance(0);
    held.release("failed");
    await here.clock.advance(300);
    expect(waiter.now).toMatchObject({ kind: "granted" });
    const closed = there.slots.close(0);
    await here.over();
    await closed;
  });

  test("asks again after a release whose reply was lost", async () => {
    const { world, held } = await fullWorld({
      rules: { asksAgainMs: 60_000 },
      through: (store) => faulty(store, (op) => (op === "release" ? "timeout after" : null)),
    });
    const waiter = outcome(world.slots.wait([ask(B)], 10_000, never));
    held.release("failed");
    await world.clock.advance(0);
    expect(waiter.now).toMatchObject({ kind: "granted" });
    await world.clock.advance(100_000);
    await world.over();
  });

  test("ends when the wait does", async () => {
    const { world, held } = await fullWorld();
    const waiter = outcome(world.slots.wait([ask(B)], 1000, never));
    expect(await world.slots.wait([ask(B)], 0, never)).toEqual({ kind: "timeout" });
    await world.clock.advance(999);
    expect(waiter.now).toBe("pending");
    await world.clock.advance(1);
    expect([waiter.now, world.slots.waiting()]).toEqual([{ kind: "timeout" }, 0]);
    held.release("failed");
    await world.clock.advance(0);
    expect(await world.counts()).toEqual({ sessions: 0, requests: 0 });
    await world.over();
  });

  test("has room for no more than it may", async () => {
    const { world } = await fullWorld({ rules: { waitMax: 1 } });
    const waiter = outcome(world.slots.wait([ask(B)], 1000, never));
    expect(await world.slots.wait([ask(C)], 1000, never)).toEqual({ kind: "line_full" });
    world.rules.waitMax = 2;
    const second = outcome(world.slots.wait([ask(C)], 1000, never));
    await world.clock.advance(0);
    expect([waiter.now, second.now]).toEqual(["pending", "pending"]);
    await world.over();
  });
});

describe("whoever leaves the line", () => {
  test("is gone at once, and the next is served", async () => {
    const { world, held } = await fullWorld();
    const client = new AbortController();
    const first = outcome(world.slots.wait([ask(B)], 10_000, client.signal));
    const second = outcome(world.slots.wait([ask(C)], 10_000, never));
    client.abort("client left");
    expect(world.slots.waiting()).toBe(1);
    held.release("failed");
    await world.clock.advance(0);
    expect([first.now, second.now]).toMatchObject([{ rejected: "client left" }, { kind: "granted" }]);
    await world.over();
  });

  test("gives back a slot that was granted while it left, and the next is served with it", async () => {
    const { world, held } = await fullWorld({
      through: (store, clock) => ({
        ...store,
        async acquire(claim) {
          const reply = await store.acquire(claim);
          if (claim.session !== A) await clock.sleep(50);
          return reply;
        },
      }),
    });
    const client = new AbortController();
    const first = outcome(world.slots.wait([ask(B)], 10_000, client.signal));
    const second = outcome(world.slots.wait([ask(C)], 10_000, never));
    await world.clock.advance(120);
    held.release("failed");
    await world.clock.advance(10);
    expect(await world.counts()).toEqual({ sessions: 1, requests: 1 }); // B's, on its way
    client.abort("client left");
    await world.clock.advance(200);
    expect([first.now, second.now]).toMatchObject([{ rejected: "client left" }, { kind: "granted" }]);
    expect(await world.counts()).toEqual({ sessions: 1, requests: 1 });
    await world.over();
  });

  test("before joining asks for nothing", async () => {
    const { world } = await fullWorld();
    const waiter = outcome(world.slots.wait([ask(B)], 1000, AbortSignal.abort("gone")));
    await world.clock.advance(0);
    expect([waiter.now, world.slots.waiting()]).toEqual([{ rejected: "gone" }, 0]);
    await world.over();
  });
});
