import { describe, expect, test } from "bun:test";
import { A, B, C, DAY_MS, RESIDENCE_MS, TOMBSTONE_MS, TTL_MS, sessionId, type ScopeWorld } from "./contract-world.ts";

/** What `release` and `renew` promise. */
export function describeReleaseAndRenew(world: ScopeWorld): void {
  const { acquire, release, renew, renewFor, sweep, count, end, settleIn, pass } = world;

  describe("release", () => {
    test("done: resides for exactly its time", async () => {
      await acquire("l1", A);
      expect(await release("l1", A, "done")).toEqual({ had: true, refs: 0, freed: false, sessions: 1 });
      pass(RESIDENCE_MS - 1);
      expect(await count()).toEqual({ sessions: 1, requests: 0 });
      pass(1);
      expect(await count()).toEqual({ sessions: 0, requests: 0 });
    });

    test("done without a residence: frees", async () => {
      await settleIn("l1", A);
      await acquire("l2", A);
      expect(await release("l2", A, "done", 0)).toEqual({ had: true, refs: 0, freed: true, sessions: 0 });
    });

    test("failed: frees at once, an earlier residence too", async () => {
      await settleIn("l1", A);
      await acquire("l2", A);
      expect(await release("l2", A, "failed")).toEqual({ had: true, refs: 0, freed: true, sessions: 0 });
    });

    test("failed: does not free a session that another request still uses", async () => {
      await settleIn("l1", A);
      await acquire("l2", A);
      await acquire("l3", A);
      expect(await release("l2", A, "failed")).toEqual({ had: true, refs: 1, freed: false, sessions: 1 });
      expect(await release("l3", A, "reverted")).toEqual({ had: true, refs: 0, freed: false, sessions: 1 });
    });

    test("failed: frees when all that is left is a lapsed lease, which refs still counts", async () => {
      await acquire("l1", A, { ttlMs: 1000 });
      await acquire("l2", A);
      pass(1000);
      expect(await release("l2", A, "failed")).toEqual({ had: true, refs: 1, freed: true, sessions: 0 });
    });

    test("reverted: leaves what the session had before", async () => {
      await acquire("l1", A);
      expect(await release("l1", A, "reverted")).toEqual({ had: true, refs: 0, freed: true, sessions: 0 });
      await settleIn("l2", B, 1000);
      await acquire("l3", B);
      expect(await release("l3", B, "reverted")).toEqual({ had: true, refs: 0, freed: false, sessions: 1 });
      pass(1000);
      expect(await count()).toEqual({ sessions: 0, requests: 0 });
    });

    test("reverted: does not bring a displaced session back", async () => {
      await settleIn("l1", A);
      await acquire("l2", C, { sessionsMax: 1, displace: 16 });
      expect(await release("l2", C, "reverted")).toEqual({ had: true, refs: 0, freed: true, sessions: 0 });
    });

    test("a second one does nothing, whatever it says", async () => {
      await acquire("l1", A);
      await release("l1", A, "failed");
      for (const ending of ["done", "failed", "reverted"] as const)
        expect(await release("l1", A, ending)).toEqual({ had: false, refs: 0, freed: false, sessions: 0 });
      expect(await count()).toEqual({ sessions: 0, requests: 0 });
    });

    test("of a lapsed lease makes no residence", async () => {
      await acquire("l1", A);
      pass(TTL_MS);
      expect(await release("l1", A, "done")).toEqual({ had: false, refs: 1, freed: false, sessions: 0 });
      expect(await count()).toEqual({ sessions: 0, requests: 0 });
    });

    test("lowers what the session counts until when its longest lease goes", async () => {
      await acquire("l1", A, { ttlMs: 1000 });
      await acquire("l2", A, { ttlMs: 9000 });
      await release("l2", A, "reverted");
      pass(1000);
      expect(await count()).toEqual({ sessions: 0, requests: 0 });
    });
  });

  describe("renew", () => {
    test("moves a live lease to now + ttl and never creates one", async () => {
      await acquire("l1", A);
      pass(TTL_MS - 1);
      expect(
        await renew({ lease: "l1", session: A }, { lease: "l2", session: A }, { lease: "l1", session: B }),
      ).toEqual(["renewed", "lost", "lost"]);
      pass(TTL_MS - 1);
      expect(await count()).toEqual({ sessions: 1, requests: 1 });
      pass(1);
      expect(await renew({ lease: "l1", session: A })).toEqual(["lost"]);
      expect(await count()).toEqual({ sessions: 0, requests: 0 });
    });

    test("does not bring back what was released", async () => {
      await acquire("l1", A);
      await release("l1", A, "failed");
      expect(await renew({ lease: "l1", session: A })).toEqual(["lost"]);
      expect(await count()).toEqual({ sessions: 0, requests: 0 });
    });

    test("brings an expiry back when the ttl is shorter now", async () => {
      await acquire("l1", A);
      expect(await renewFor(1000, { lease: "l1", session: A })).toEqual(["renewed"]);
      pass(1000);
      expect(await count()).toEqual({ sessions: 0, requests: 0 });
    });

    test("takes 200 in one call and answers each", async () => {
      const refs = Array.from({ length: 200 }, (_, i) => ({ lease: `l${i}`, session: i % 2 ? A : B }));
      for (const { lease, session } of refs.slice(0, 150)) await acquire(lease, session);
      const renewals = await renew(...refs);
      expect(renewals.filter((renewal) => renewal === "renewed")).toHaveLength(150);
      expect(renewals.slice(150)).toEqual(Array.from({ length: 50 }, () => "lost"));
    });

    test("takes an empty list", async () => {
      expect(await renew()).toEqual([]);
    });
  });

  describe("in the long run", () => {
    test("ten successes then one failure leave nothing that should not be there", async () => {
      for (let i = 0; i < 10; i++) {
        await acquire(`l${i}`, A);
        await release(`l${i}`, A, "done");
      }
      await acquire("l10", A);
      expect(await release("l10", A, "failed")).toEqual({ had: true, refs: 0, freed: true, sessions: 0 });
    });

    test("everything is gone after the longest ttl and a sweep", async () => {
      for (let i = 0; i < 20; i++) {
        await acquire(`l${i}`, sessionId(`s${i}`));
        if (i % 2 === 0) await release(`l${i}`, sessionId(`s${i}`), "done");
      }
      await end(A, TOMBSTONE_MS);
      pass(RESIDENCE_MS);
      expect(await sweep(100, DAY_MS)).toEqual({ leases: 10, sessions: 20, more: false, sessionsLeft: 0 });
      expect(await sweep(100, DAY_MS)).toEqual({ leases: 0, sessions: 0, more: false, sessionsLeft: 0 });
    });
  });
}
