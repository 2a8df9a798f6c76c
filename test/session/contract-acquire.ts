import { describe, expect, test } from "bun:test";
import {
  A,
  B,
  C,
  SCOPE,
  TOMBSTONE_MS,
  TTL_MS,
  granted,
  refused,
  sessionId,
  type ScopeWorld,
} from "./contract-world.ts";

/** What `acquire` promises. */
export function describeAcquire(world: ScopeWorld): void {
  const { acquire, release, renew, sweep, count, countAll, end, settleIn, pass } = world;

  describe("acquire", () => {
    test("grants a new session and says how many there are", async () => {
      expect(await acquire("l1", A)).toEqual(granted({}));
      expect(await acquire("l2", B)).toEqual(granted({ sessions: 2, requests: 2 }));
      expect(await count()).toEqual({ sessions: 2, requests: 2 });
    });

    test("tells the requests of a session that has never had an answer from a session that nobody accounts for", async () => {
      await acquire("l1", A);
      expect(await acquire("l2", A)).toEqual(granted({ requests: 2, isNew: false, refs: 2 }));
      await release("l1", A, "reverted");
      expect(await release("l2", A, "reverted")).toEqual({ had: true, refs: 0, freed: true, sessions: 0 });
    });

    test("needs no new slot for a session that counts already", async () => {
      await acquire("l1", A, { sessionsMax: 1 });
      expect(await acquire("l2", A, { sessionsMax: 1 })).toEqual(granted({ requests: 2, isNew: false, refs: 2 }));
    });

    test("refuses a new session at the limit and writes nothing", async () => {
      await acquire("l1", A, { sessionsMax: 1 });
      expect(await acquire("l2", B, { sessionsMax: 1 })).toEqual(refused("sessions"));
      expect(await count()).toEqual({ sessions: 1, requests: 1 });
      expect(await renew({ lease: "l2", session: B })).toEqual(["lost"]);
    });

    test("refuses any request at the limit of requests, before it looks at sessions", async () => {
      await acquire("l1", A);
      expect(await acquire("l2", A, { requestsMax: 1 })).toEqual(refused("requests", { refs: 1 }));
      expect(await acquire("l3", B, { requestsMax: 1, sessionsMax: 1 })).toEqual(refused("requests"));
    });

    test("grants the same lease again without looking at limits, and moves its expiry", async () => {
      await acquire("l1", A);
      pass(TTL_MS - 1);
      expect(await acquire("l1", A, { sessionsMax: 1, requestsMax: 1 })).toEqual(granted({ isNew: false }));
      pass(TTL_MS - 1);
      expect(await count()).toEqual({ sessions: 1, requests: 1 });
      pass(1);
      expect(await count()).toEqual({ sessions: 0, requests: 0 });
    });

    test("brings a held lease's expiry back when asked with a shorter ttl", async () => {
      await acquire("l1", A);
      await acquire("l1", A, { ttlMs: 1000 });
      pass(1000);
      expect(await count()).toEqual({ sessions: 0, requests: 0 });
    });

    test("treats a lapsed lease as gone though no sweep has run", async () => {
      await acquire("l1", A, { sessionsMax: 1 });
      pass(TTL_MS);
      expect(await acquire("l2", B, { sessionsMax: 1, requestsMax: 1 })).toEqual(granted({}));
      expect(await acquire("l1", A, { sessionsMax: 1 })).toEqual(refused("sessions", { refs: 1 }));
    });

    test("counts a lapsed entry of the same lease once", async () => {
      await acquire("l1", A);
      pass(TTL_MS);
      expect(await acquire("l1", A)).toEqual(granted({ refs: 1 }));
    });

    test("tells leases of one id apart by their session", async () => {
      await acquire("l1", A);
      expect(await acquire("l1", B)).toEqual(granted({ sessions: 2, requests: 2 }));
      expect(await release("l1", C, "failed")).toEqual({ had: false, refs: 0, freed: false, sessions: 2 });
    });

    test("keeps scopes apart", async () => {
      await acquire("l1", A, { sessionsMax: 1 });
      expect(await acquire("l2", B, { scope: "client:app", sessionsMax: 1 })).toEqual(granted({}));
      expect(await countAll(["client:app", SCOPE, "provider:none"])).toEqual([
        { sessions: 1, requests: 1 },
        { sessions: 1, requests: 1 },
        { sessions: 0, requests: 0 },
      ]);
    });

    test("lets none in that does not count already when sessionsMax is -1", async () => {
      expect(await acquire("l1", A, { sessionsMax: -1, displace: 16 })).toEqual(
        refused("sessions", { sessions: 0, requests: 0 }),
      );
      await settleIn("l2", B);
      expect(await acquire("l3", A, { sessionsMax: -1, displace: 16 })).toEqual(
        refused("sessions", { sessions: 1, requests: 0 }),
      );
      expect(await acquire("l4", B, { sessionsMax: -1 })).toEqual(granted({ isNew: false }));
    });
  });

  describe("force", () => {
    test("exceeds both limits, and new sessions then wait until there is room", async () => {
      await acquire("l1", A, { sessionsMax: 1, requestsMax: 1 });
      expect(await acquire("l2", B, { sessionsMax: 1, requestsMax: 1, force: true })).toEqual(
        granted({ sessions: 2, requests: 2 }),
      );
      await release("l1", A, "failed");
      expect(await acquire("l3", C, { sessionsMax: 1 })).toEqual(refused("sessions"));
      await release("l2", B, "failed");
      expect(await acquire("l4", C, { sessionsMax: 1 })).toEqual(granted({}));
    });

    test("does not undo an operator's end until the tombstone lapses", async () => {
      await acquire("l1", A);
      await end(A, TOMBSTONE_MS);
      pass(TOMBSTONE_MS - 1);
      expect(await acquire("l1", A, { force: true })).toEqual(refused("ended", { sessions: 0, requests: 0 }));
      pass(1);
      expect(await acquire("l1", A, { force: true })).toEqual(granted({}));
    });
  });

  describe("displace", () => {
    test("takes the slot of the idle session whose residence ends soonest", async () => {
      await settleIn("l1", A, 200_000);
      await settleIn("l2", B, 100_000);
      expect(await acquire("l3", C, { sessionsMax: 2, displace: 16 })).toEqual(
        granted({ sessions: 2, displaced: [B] }),
      );
      expect(await acquire("l4", B, { sessionsMax: 2 })).toEqual(refused("sessions", { sessions: 2 }));
    });

    test("takes residences that end at one moment by the order of their ids", async () => {
      await settleIn("l1", B);
      await settleIn("l2", A);
      expect(await acquire("l3", C, { sessionsMax: 2, displace: 16 })).toEqual(
        granted({ sessions: 2, displaced: [A] }),
      );
    });

    test("never takes a session that runs something", async () => {
      await settleIn("l1", A);
      await acquire("l2", A);
      expect(await acquire("l3", C, { sessionsMax: 1, displace: 16 })).toEqual(refused("sessions"));
    });

    test("takes a session whose only lease has lapsed", async () => {
      await acquire("l1", A, { ttlMs: 1000 });
      await settleIn("l2", A);
      pass(1000);
      expect(await acquire("l3", C, { sessionsMax: 1, displace: 16 })).toEqual(granted({ displaced: [A] }));
    });

    test("takes as many as bring the scope under its limit, or none", async () => {
      await settleIn("l1", A, 100_000);
      await settleIn("l2", B, 200_000);
      expect(await acquire("l3", C, { sessionsMax: 1, displace: 1 })).toEqual(
        refused("sessions", { sessions: 2, requests: 0 }),
      );
      expect(await count()).toEqual({ sessions: 2, requests: 0 });
      expect(await acquire("l3", C, { sessionsMax: 1, displace: 2 })).toEqual(granted({ displaced: [A, B] }));
    });

    test("looks at tombstones too when it counts the marks it may look at", async () => {
      await end(B, 1000);
      await settleIn("l1", A);
      expect(await acquire("l3", C, { sessionsMax: 1, displace: 1 })).toEqual(refused("sessions", { requests: 0 }));
      expect(await acquire("l3", C, { sessionsMax: 1, displace: 2 })).toEqual(granted({ displaced: [A] }));
    });

    test("looks past any number of sessions that run something", async () => {
      for (let i = 0; i < 20; i++) {
        await settleIn(`l${i}`, sessionId(`s${i}`), 1000);
        await acquire(`l${i}`, sessionId(`s${i}`));
      }
      await settleIn("l20", A);
      expect(await acquire("l21", C, { sessionsMax: 21, displace: 1 })).toEqual(
        granted({ sessions: 21, requests: 21, displaced: [A] }),
      );
    });

    test("takes a session that runs no longer, however its last lease ended", async () => {
      await settleIn("l1", A, 1000);
      await acquire("l2", A);
      await acquire("l3", A);
      await release("l2", A, "reverted");
      expect(await acquire("l4", C, { sessionsMax: 1, displace: 16 })).toMatchObject({ by: "sessions" });
      await release("l3", A, "reverted");
      expect(await acquire("l4", C, { sessionsMax: 1, displace: 16 })).toMatchObject({ displaced: [A] });
      await settleIn("l5", B, 1000);
      await acquire("l6", B, { ttlMs: 10 });
      pass(10);
      await sweep();
      await release("l4", C, "failed");
      expect(await acquire("l7", A, { sessionsMax: 1, displace: 16 })).toMatchObject({ displaced: [B] });
    });

    test("finds an idle session behind lapsed leases: eight, and as many more as marks", async () => {
      for (let i = 0; i < 25; i++) await acquire(`l${i}`, sessionId(`s${i}`), { ttlMs: 1000 });
      await acquire("l25", A, { ttlMs: 1001 });
      await settleIn("l26", A);
      pass(1001);
      expect(await acquire("l27", C, { sessionsMax: 1, displace: 16 })).toEqual(refused("sessions", { requests: 0 }));
      expect(await count()).toEqual({ sessions: 1, requests: 0 });
      expect(await acquire("l27", C, { sessionsMax: 1, displace: 16 })).toEqual(granted({ displaced: [A] }));
      expect(await sweep()).toMatchObject({ leases: 0 });
    });

    test("is not needed, and takes nobody, while there is room", async () => {
      await settleIn("l1", A);
      expect(await acquire("l2", C, { sessionsMax: 2, displace: 16 })).toEqual(granted({ sessions: 2 }));
    });

    test("does not help against the limit of requests", async () => {
      await settleIn("l1", A);
      await acquire("l2", B);
      expect(await acquire("l3", C, { sessionsMax: 2, requestsMax: 1, displace: 16 })).toEqual(
        refused("requests", { sessions: 2 }),
      );
    });
  });

  describe("rpm", () => {
    test("grants a minute's worth at once, then one each step, and says when", async () => {
      expect(await acquire("l1", A, { rpm: 2 })).toMatchObject({ kind: "granted" });
      expect(await acquire("l2", A, { rpm: 2 })).toMatchObject({ kind: "granted" });
      pass(1);
      expect(await acquire("l3", A, { rpm: 2 })).toEqual(
        refused("rpm", { requests: 2, refs: 2, retryAfterMs: 29_999 }),
      );
      pass(29_999);
      expect(await acquire("l3", A, { rpm: 2, ttlMs: 1 })).toMatchObject({ kind: "granted" });
      expect(await acquire("l4", A, { rpm: 2 })).toMatchObject({ by: "rpm", retryAfterMs: 30_000 });
    });

    test("rounds a step that does not divide the minute up, to whole microseconds", async () => {
      for (let i = 0; i < 7; i++) expect(await acquire(`l${i}`, A, { rpm: 7 })).toMatchObject({ kind: "granted" });
      expect(await acquire("l7", A, { rpm: 7 })).toMatchObject({ by: "rpm", retryAfterMs: 8572 });
    });

    test("is not used up by what is refused for another reason, by a lease already held or by force", async () => {
      await acquire("l1", A, { rpm: 2 });
      expect(await acquire("l2", B, { rpm: 2, requestsMax: 1 })).toMatchObject({ by: "requests" });
      expect(await acquire("l2", B, { rpm: 2, sessionsMax: 1 })).toMatchObject({ by: "sessions" });
      expect(await acquire("l1", A, { rpm: 2 })).toMatchObject({ kind: "granted" });
      expect(await acquire("l3", A, { rpm: 2, force: true })).toMatchObject({ kind: "granted" });
      expect(await acquire("l4", A, { rpm: 2 })).toMatchObject({ kind: "granted" });
      expect(await acquire("l5", A, { rpm: 2 })).toMatchObject({ by: "rpm" });
    });

    test("displaces nobody when it refuses", async () => {
      await settleIn("l1", A);
      await acquire("l2", A, { rpm: 1 });
      await release("l2", A, "reverted");
      expect(await acquire("l3", C, { rpm: 1, sessionsMax: 1, displace: 16 })).toMatchObject({ by: "rpm" });
      expect(await count()).toEqual({ sessions: 1, requests: 0 });
    });

    test("makes nobody wait longer than a step after the clock went back or the limit was raised", async () => {
      await acquire("l1", A, { rpm: 1 });
      pass(-3_600_000);
      expect(await acquire("l2", A, { rpm: 60 })).toMatchObject({ by: "rpm", retryAfterMs: 1000 });
    });
  });
}
