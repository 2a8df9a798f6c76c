import { describe, expect, test } from "bun:test";
import { A, ask, B, C, granted, MAIN, never, outcome, SPARE, slotsWorld } from "../session/slots-world.ts";

const spare = { scope: SPARE };

describe("seven stories of slots that leaked elsewhere", () => {
  test("ten successes then one failure leave nothing that should not be there", async () => {
    const world = slotsWorld();
    for (let i = 0; i < 10; i++) (await granted(world.slots.acquire(ask(A), never))).release("done");
    const failing = await granted(world.slots.acquire(ask(A), never));
    expect(failing.isNew).toBe(false);
    failing.release("failed");
    await world.clock.advance(0);
    expect(await world.counts()).toEqual({ sessions: 0, requests: 0 });
    await granted(world.slots.acquire(ask(B), never));
    await world.over();
  });

  test("a failed request does not free a session that another request still uses", async () => {
    const world = slotsWorld();
    const running = await granted(world.slots.acquire(ask(A), never));
    (await granted(world.slots.acquire(ask(A), never))).release("failed");
    await world.clock.advance(0);
    expect(await world.counts()).toEqual({ sessions: 1, requests: 1 });
    expect(await world.slots.acquire(ask(B, { displace: true }), never)).toMatchObject({ by: "sessions" });
    running.release("failed");
    await world.clock.advance(0);
    expect(await world.counts()).toEqual({ sessions: 0, requests: 0 });
    await world.over();
  });

  test("a hedge or failover attempt takes and gives back its own slot", async () => {
    const world = slotsWorld();
    const first = await granted(world.slots.acquire(ask(A), never));
    const hedge = await granted(world.slots.acquire(ask(A, spare), never));
    expect([await world.counts(MAIN), await world.counts(SPARE)]).toEqual([
      { sessions: 1, requests: 1 },
      { sessions: 1, requests: 1 },
    ]);
    first.release("reverted"); // the loser
    hedge.release("done");
    await world.clock.advance(0);
    expect([await world.counts(MAIN), await world.counts(SPARE)]).toEqual([
      { sessions: 0, requests: 0 },
      { sessions: 1, requests: 0 },
    ]);
    await world.over();
  });

  test("a client's abort before and after headers leaves nothing in flight", async () => {
    const world = slotsWorld({
      through: (store, clock) => ({
        ...store,
        async acquire(claim) {
          await clock.sleep(20);
          const reply = await store.acquire(claim);
          await clock.sleep(20);
          return reply;
        },
      }),
    });
    // Before: at each moment of the claim's way there and back.
    for (const leavesMs of [0, 10, 20, 30, 40]) {
      const client = new AbortController();
      const asked = outcome(world.slots.acquire(ask(A), client.signal));
      await world.clock.advance(leavesMs);
      client.abort("left");
      await world.clock.advance(50);
      if (typeof asked.now === "object" && "held" in asked.now) asked.now.held.release("reverted");
      await world.clock.advance(0);
      expect(await world.counts()).toEqual({ sessions: 0, requests: 0 });
    }
    // After: the conversation goes on, so the session stays; its request does not.
    const asked = outcome(world.slots.acquire(ask(A), never));
    await world.clock.advance(50);
    if (typeof asked.now === "object" && "held" in asked.now) asked.now.held.release("done");
    await world.clock.advance(0);
    expect(await world.counts()).toEqual({ sessions: 1, requests: 0 });
    await world.over();
  });

  test("two aborted requests never refuse a third session", async () => {
    const world = slotsWorld();
    const limits = { sessions: 2, requests: 0 };
    for (const session of [A, B])
      (await granted(world.slots.acquire(ask(session, { limits }), never))).release("reverted");
    expect(await granted(world.slots.acquire(ask(C, { limits }), never))).toMatchObject({ isNew: true, displaced: [] });
    await world.over();
  });

  test("a session that fails over counts at the new provider and no longer at the old", async () => {
    const world = slotsWorld();
    (await granted(world.slots.acquire(ask(A), never))).release("done");
    await world.clock.advance(60_000);
    (await granted(world.slots.acquire(ask(A), never))).release("failed");
    (await granted(world.slots.acquire(ask(A, spare), never))).release("done");
    await world.clock.advance(0);
    expect([await world.counts(MAIN), await world.counts(SPARE)]).toEqual([
      { sessions: 0, requests: 0 },
      { sessions: 1, requests: 0 },
    ]);
    expect(world.slots.sessions()).toMatchObject([{ session: A, scope: SPARE, running: 0 }]);
    await world.over();
  });

  test("an instance that dies gives its slots back", async () => {
    let dead = false;
    const lost = () => new Promise<never>(() => {});
    const alive = slotsWorld();
    const dying = slotsWorld({
      shared: alive,
      instance: "two",
      // From its death on nothing of it reaches the store.
      through: (store) => ({
        ...store,
        renew: (...renewal) => (dead ? lost() : store.renew(...renewal)),
        release: (...release) => (dead ? lost() : store.release(...release)),
        sweep: (...sweep) => (dead ? lost() : store.sweep(...sweep)),
      }),
    });
    const limits = { sessions: 2, requests: 0 };
    await granted(alive.slots.acquire(ask(A, { limits }), never));
    await granted(dying.slots.acquire(ask(B, { limits }), never));
    await alive.clock.advance(15_000); // renewed at 10 s
    dead = true;
    const waiter = outcome(alive.slots.wait([ask(C, { limits })], 60_000, never));
    await alive.clock.advance(24_999);
    expect([await alive.counts(), waiter.now]).toEqual([{ sessions: 2, requests: 2 }, "pending"]);
    await alive.clock.advance(301);
    expect(waiter.now).toMatchObject({ kind: "granted", held: { session: C } });
    expect(await alive.counts()).toEqual({ sessions: 2, requests: 2 });
    await alive.over();
  });
});
