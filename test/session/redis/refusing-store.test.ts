import { describe, expect, test } from "bun:test";
import { memoryLeases } from "../../../src/session/memory-leases.ts";
import { handClock } from "../../world/clock.ts";
import { claim, SCOPE } from "../contract-world.ts";
import { failureOf, instance, loseStore, sessionAt, storeEvents } from "./degraded-world.ts";

describe("a store that answers but takes no writes", () => {
  /** Asks for a slot and gives it back; nothing is left of it anywhere. */
  const askAndGive = async (one: ReturnType<typeof instance>, at: number) => {
    const asked = await one.leases.acquire(claim(`l${at}`, sessionAt(at), { sessionsMax: 2 }));
    await failureOf(one.leases.release(SCOPE, { lease: `l${at}`, session: sessionAt(at) }, "failed", 0));
    return asked;
  };

  test("is away after three refusals, whatever reads or removes succeeds between them", async () => {
    const clock = handClock();
    const one = instance(memoryLeases({ nowMs: clock.monoMs }), clock, "share");
    await one.leases.acquire(claim("held", sessionAt(0), { sessionsMax: 2 }));
    one.cutOff("full");
    expect(await askAndGive(one, 1)).toMatchObject({ kind: "granted" });
    expect(await one.leases.release(SCOPE, { lease: "held", session: sessionAt(0) }, "done", 1000)).toMatchObject({
      had: true,
    });
    await one.leases.sweep(SCOPE, 10, 1000);
    expect(await askAndGive(one, 2)).toMatchObject({ kind: "granted" });
    expect(await one.leases.count([SCOPE])).toEqual([{ sessions: 1, requests: 0 }]);
    expect(one.health.state()).toBe("up");
    expect(await askAndGive(one, 3)).toMatchObject({ kind: "granted" });
    expect(one.health.state()).toBe("down");
    expect(storeEvents(one)).toMatchObject([{ up: false, reason: "redis: acquire: OOM command not allowed" }]);
    one.health.close();
  });

  test("a write that was taken between two refusals makes them good", async () => {
    const clock = handClock();
    const one = instance(memoryLeases({ nowMs: clock.monoMs }), clock, "share");
    for (let at = 0; at < 6; at++) {
      one.cutOff(at % 3 === 2 ? null : "full");
      await askAndGive(one, at);
    }
    await one.leases.acquire(claim("held", sessionAt(9)));
    for (let at = 0; at < 6; at++) {
      one.cutOff(at % 3 === 2 ? null : "full");
      await failureOf(one.leases.renew(SCOPE, 1000, [{ lease: "held", session: sessionAt(9) }]));
    }
    expect(storeEvents(one)).toEqual([]);
  });

  test("a new connection does not make them good: a server that was demoted is left, and found again, at each", async () => {
    const clock = handClock();
    const one = instance(memoryLeases({ nowMs: clock.monoMs }), clock, "share");
    one.cutOff("full");
    for (const at of [1, 2, 3]) {
      expect(one.health.state()).toBe("up");
      await askAndGive(one, at);
      if (at < 3) one.health.reconnected();
      await clock.advance(1);
    }
    expect(one.health.state()).toBe("down");
    one.health.close();
  });

  test("a grant that displaces is no such write: it begins by removing", async () => {
    const clock = handClock();
    const one = instance(memoryLeases({ nowMs: clock.monoMs }), clock, "share");
    const reside = async (at: number) => {
      await one.leases.acquire(claim(`l${at}`, sessionAt(at), { sessionsMax: 1, displace: 16 }));
      await one.leases.release(SCOPE, { lease: `l${at}`, session: sessionAt(at) }, "done", 300_000);
    };
    await reside(0);
    for (const at of [1, 2, 3]) {
      one.cutOff(null);
      await reside(at);
      one.cutOff("full");
      await failureOf(one.leases.renew(SCOPE, 1000, []));
    }
    expect(one.health.state()).toBe("down");
    one.health.close();
  });

  test("a claim that it refused is not given back there: it was surely not granted", async () => {
    const clock = handClock();
    const one = instance(memoryLeases({ nowMs: clock.monoMs }), clock, "refuse");
    one.cutOff("full");
    expect(await failureOf(one.leases.acquire(claim("l1", sessionAt(1))))).toBe("store_down");
    await clock.advance(1);
    expect(one.sent).toEqual(["acquire"]);
  });
});

describe("a claim that restores", () => {
  const restoring = claim("l1", sessionAt(1), { force: true });

  for (const [fault, code] of [
    ["full", "store_unreachable"],
    ["unreachable", "store_unreachable"],
    ["reply lost", "store_timeout"],
  ] as const) {
    test(`rejects where the store failed it (${fault}), and what runs counts here all the same`, async () => {
      const clock = handClock();
      const one = instance(memoryLeases({ nowMs: clock.monoMs }), clock, "share");
      await one.leases.acquire(claim("l1", sessionAt(1)));
      one.cutOff(fault);
      expect(await failureOf(one.leases.acquire(restoring))).toBe(code);
      expect(one.health.state()).toBe("up");
      await loseStore(one);
      expect(await failureOf(one.leases.acquire(restoring))).toBe("store_unreachable");
      expect(await one.leases.count([SCOPE])).toEqual([{ sessions: 1, requests: 1 }]);
      one.health.close();
    });
  }
});
