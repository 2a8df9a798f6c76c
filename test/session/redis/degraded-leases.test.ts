import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import type { Claim } from "../../../src/session/lease.ts";
import { memoryLeases } from "../../../src/session/memory-leases.ts";
import { handClock } from "../../world/clock.ts";
import { claim, SCOPE } from "../contract-world.ts";
import { failureOf, instance, loseStore, sessionAt, storeEvents } from "./degraded-world.ts";

describe("a store that is away", () => {
  test("is not asked after three failures in a row, told once, probed each second, and told once when it is back", async () => {
    const clock = handClock();
    const probes = { count: 0 };
    const one = instance(memoryLeases({ nowMs: clock.monoMs }), clock, "share", probes);
    await loseStore(one);
    const before = one.sent.length;
    expect(await one.leases.acquire(claim("l1", sessionAt(1)))).toMatchObject({ kind: "granted" });
    expect(await failureOf(one.leases.renew(SCOPE, 1000, []))).toBe("store_unreachable");
    expect(one.sent).toHaveLength(before);
    await clock.advance(3500);
    expect(probes.count).toBe(3);
    one.cutOff(null);
    await clock.advance(1000);
    expect(one.health.state()).toBe("up");
    expect(storeEvents(one)).toEqual([
      { kind: "store", up: false, reason: "cut off" },
      { kind: "store", up: true, reason: "the store answers again" },
    ]);
    await one.leases.acquire(claim("l2", sessionAt(2)));
    expect(one.sent.at(-1)).toBe("acquire");
    expect(clock.sleepers()).toBe(0);
  });

  test("is probed at once when the connection comes back", async () => {
    const clock = handClock();
    const one = instance(memoryLeases({ nowMs: clock.monoMs }), clock, "share");
    await loseStore(one);
    one.cutOff(null);
    await clock.advance(1);
    one.health.reconnected();
    await clock.advance(1);
    expect(one.health.state()).toBe("up");
  });

  test("a silence between answers is no outage", async () => {
    const clock = handClock();
    const one = instance(memoryLeases({ nowMs: clock.monoMs }), clock, "share");
    for (let i = 0; i < 10; i++) {
      one.cutOff(i % 3 === 2 ? null : "unreachable");
      await failureOf(one.leases.count([SCOPE]));
    }
    expect(one.health.state()).toBe("up");
    expect(storeEvents(one)).toEqual([]);
  });

  test("hears of what was granted without it before it is asked for new sessions again", async () => {
    const clock = handClock();
    const shared = memoryLeases({ nowMs: clock.monoMs });
    const one = instance(shared, clock, "open");
    const restoring = Promise.withResolvers<void>();
    one.health.whenBack(async () => {
      expect(await one.leases.renew(SCOPE, 30_000, [{ lease: "l1", session: sessionAt(1) }])).toEqual(["lost"]);
      await one.leases.acquire(claim("l1", sessionAt(1), { force: true }));
      await restoring.promise;
    });
    await loseStore(one);
    await one.leases.acquire(claim("l1", sessionAt(1), { sessionsMax: 1 }));
    one.cutOff(null);
    await clock.advance(1000);
    expect(one.health.state()).toBe("restoring");
    expect(await shared.count([SCOPE])).toEqual([{ sessions: 1, requests: 1 }]);
    expect(await one.leases.acquire(claim("l2", sessionAt(2), { sessionsMax: 1 }))).toMatchObject({ by: "sessions" });
    expect(one.sent.filter((op) => op === "acquire")).toHaveLength(1);
    restoring.resolve();
    await clock.advance(1);
    expect(one.health.state()).toBe("up");
  });

  test("a server that came back empty within two failures is told all the same", async () => {
    const clock = handClock();
    const one = instance(memoryLeases({ nowMs: clock.monoMs }), clock, "share");
    let told = 0;
    one.health.whenBack(() => void told++);
    one.health.reconnected();
    await clock.advance(1);
    expect([told, one.health.state()]).toEqual([1, "up"]);
    expect(storeEvents(one)).toEqual([]);
  });

  test("a claim whose reply was lost is given back when it is refused here", async () => {
    const clock = handClock();
    const shared = memoryLeases({ nowMs: clock.monoMs });
    const one = instance(shared, clock, "share");
    await one.leases.acquire(claim("l1", sessionAt(1)));
    one.known(2);
    one.cutOff("reply lost");
    expect(await one.leases.acquire(claim("l2", sessionAt(2), { sessionsMax: 2 }))).toMatchObject({ by: "sessions" });
    await clock.advance(1);
    expect(await shared.count([SCOPE])).toEqual([{ sessions: 1, requests: 1 }]);
  });
});

describe("when_down", () => {
  test("share: a new session while this instance's own count is under its share, rounded up; what runs goes on", async () => {
    const clock = handClock();
    const one = instance(memoryLeases({ nowMs: clock.monoMs }), clock, "share");
    const at = (index: number, more: Partial<Claim> = {}) =>
      one.leases.acquire(claim(`l${index}`, sessionAt(index), { sessionsMax: 5, ...more }));
    await at(1);
    await one.leases.release(SCOPE, { lease: "l1", session: sessionAt(1) }, "done", 300_000);
    one.known(2);
    await loseStore(one);
    expect(await at(2)).toMatchObject({ kind: "granted", sessions: 2 });
    expect(await at(3)).toMatchObject({ kind: "granted", sessions: 3 });
    expect(await at(4)).toMatchObject({ by: "sessions" });
    expect(await one.leases.acquire(claim("l5", sessionAt(1), { sessionsMax: 5 }))).toMatchObject({ kind: "granted" });
    expect(await at(4, { displace: 16 })).toMatchObject({ by: "sessions" });
    await failureOf(one.leases.release(SCOPE, { lease: "l5", session: sessionAt(1) }, "reverted", 0));
    expect(await at(4, { displace: 16 })).toMatchObject({ kind: "granted", displaced: [sessionAt(1)] });
  });

  test("share: an instance that never saw the store counts itself as one", async () => {
    const clock = handClock();
    const one = instance(memoryLeases({ nowMs: clock.monoMs }), clock, "share");
    await loseStore(one);
    for (let i = 0; i < 3; i++) {
      expect(await one.leases.acquire(claim(`l${i}`, sessionAt(i), { sessionsMax: 3 }))).toMatchObject({
        kind: "granted",
      });
    }
    expect(await one.leases.acquire(claim("l3", sessionAt(3), { sessionsMax: 3 }))).toMatchObject({ by: "sessions" });
  });

  test("open: the whole limit", async () => {
    const clock = handClock();
    const one = instance(memoryLeases({ nowMs: clock.monoMs }), clock, "open");
    one.known(5);
    await loseStore(one);
    for (let i = 0; i < 3; i++) {
      expect(await one.leases.acquire(claim(`l${i}`, sessionAt(i), { sessionsMax: 3 }))).toMatchObject({
        kind: "granted",
      });
    }
    expect(await one.leases.acquire(claim("l3", sessionAt(3), { sessionsMax: 3 }))).toMatchObject({ by: "sessions" });
  });

  test("refuse: says that the store is down", async () => {
    const clock = handClock();
    const shared = memoryLeases({ nowMs: clock.monoMs });
    const one = instance(shared, clock, "refuse");
    one.cutOff("reply lost");
    expect(await failureOf(one.leases.acquire(claim("l1", sessionAt(1))))).toBe("store_down");
    await loseStore(one);
    expect(await failureOf(one.leases.acquire(claim("l2", sessionAt(2))))).toBe("store_down");
    expect(await shared.count([SCOPE])).toEqual([{ sessions: 0, requests: 0 }]);
  });

  test("refuse: waits out a restoration instead of refusing for it", async () => {
    const clock = handClock();
    const one = instance(memoryLeases({ nowMs: clock.monoMs }), clock, "refuse");
    const restoring = Promise.withResolvers<void>();
    one.health.whenBack(() => restoring.promise);
    one.health.reconnected();
    expect(one.health.state()).toBe("restoring");
    const asked = one.leases.acquire(claim("l1", sessionAt(1)));
    await clock.advance(1);
    expect(one.sent).toEqual([]);
    restoring.resolve();
    expect(await asked).toMatchObject({ kind: "granted" });
  });

  test("a restoration that breaks down does not keep the store shut", async () => {
    const clock = handClock();
    const one = instance(memoryLeases({ nowMs: clock.monoMs }), clock, "share");
    one.health.whenBack(() => Promise.reject(new Error("broken")));
    one.health.reconnected();
    await clock.advance(1);
    expect(one.health.state()).toBe("up");
  });

  test("share: instances that are cut off exceed a limit by no more than was promised", async () => {
    const worlds = fc.record({
      instances: fc.integer({ min: 2, max: 4 }),
      limit: fc.integer({ min: 1, max: 7 }),
      cut: fc.integer({ min: 1, max: 4 }),
      before: fc.array(fc.nat(3), { maxLength: 10 }),
      after: fc.array(fc.nat(3), { minLength: 10, maxLength: 40 }),
    });
    await fc.assert(
      fc.asyncProperty(worlds, async ({ instances, limit, cut, before, after }) => {
        const clock = handClock();
        const shared = memoryLeases({ nowMs: clock.monoMs });
        const all = Array.from({ length: instances }, () => instance(shared, clock, "share"));
        for (const one of all) one.known(instances);
        const running = new Map<string, number>();
        let next = 0;
        const arrive = async (at: number) => {
          const session = sessionAt(next++);
          const reply = await all[at % instances]?.leases.acquire(claim(`l${next}`, session, { sessionsMax: limit }));
          if (reply?.kind === "granted") running.set(session, at % instances);
        };
        for (const at of before) await arrive(at);
        const away = all.slice(0, Math.min(cut, instances));
        for (const one of away) await loseStore(one);
        // The shared store forgets those who cannot renew; the others renew in time.
        for (const [session, at] of running) if (at < away.length) await shared.end(SCOPE, session, 0);
        const older = new Set(running.keys());
        for (const at of after) await arrive(at);
        const share = Math.ceil(limit / instances);
        if (away.length === instances) {
          expect(running.size).toBeLessThanOrEqual(limit + (instances - 1) * share);
          const younger = [...running.keys()].filter((session) => !older.has(session));
          expect(younger.length).toBeLessThanOrEqual(instances * share);
        } else expect(running.size - limit).toBeLessThanOrEqual(limit + (away.length - 1) * share);
        for (const one of all) one.health.close();
        await clock.advance(0);
        expect(clock.sleepers()).toBe(0);
      }),
      { numRuns: 60 },
    );
  });
});
