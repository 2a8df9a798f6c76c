import { describe, expect, test } from "bun:test";
import { A, B, C, RESIDENCE_MS, TOMBSTONE_MS, TTL_MS, granted, sessionId, type ScopeWorld } from "./contract-world.ts";

/** What `sweep` and `end` promise, and what a clock that goes back may do. */
export function describeSweepAndEnd(world: ScopeWorld): void {
  const { acquire, release, renew, sweep, count, end, settleIn, pass } = world;

  describe("sweep", () => {
    test("removes what has lapsed, within its bound, and says when more remains", async () => {
      for (let i = 0; i < 5; i++) await acquire(`l${i}`, sessionId(`s${i}`));
      await acquire("l9", A, { ttlMs: 2 * TTL_MS });
      pass(TTL_MS);
      expect(await sweep(3)).toEqual({ leases: 3, sessions: 3, more: true, sessionsLeft: 1 });
      expect(await sweep(3)).toEqual({ leases: 2, sessions: 2, more: false, sessionsLeft: 1 });
      expect(await sweep(3)).toEqual({ leases: 0, sessions: 0, more: false, sessionsLeft: 1 });
    });

    test("takes lapsed entries by time, then by member", async () => {
      await acquire("lb", A, { ttlMs: 1000 });
      await acquire("la", B, { ttlMs: 1000 });
      await acquire("lc", C, { ttlMs: 999 });
      pass(1000);
      await sweep(2);
      expect(await release("lb", A, "failed")).toMatchObject({ refs: 1 });
      expect(await release("la", B, "failed")).toMatchObject({ refs: 0 });
      expect(await release("lc", C, "failed")).toMatchObject({ refs: 0 });
    });

    test("changes no verdict", async () => {
      await acquire("l1", A, { ttlMs: 1000 });
      await acquire("l2", A);
      pass(1000);
      await sweep();
      expect(await acquire("l3", A, { sessionsMax: 1 })).toEqual(granted({ requests: 2, isNew: false, refs: 2 }));
      expect(await renew({ lease: "l1", session: A }, { lease: "l2", session: A })).toEqual(["lost", "renewed"]);
    });

    test("forgets residences and tombstones that have lapsed", async () => {
      await settleIn("l1", A, 1000);
      await end(B, 1000);
      pass(1000);
      expect(await sweep()).toEqual({ leases: 0, sessions: 1, more: false, sessionsLeft: 0 });
      expect(await acquire("l2", B, { force: true })).toEqual(granted({}));
    });

    test("pulls back what a clock that jumped left too far ahead", async () => {
      pass(3_600_000);
      await settleIn("l1", A);
      await acquire("l2", B);
      pass(-3_600_000);
      expect(await sweep()).toEqual({ leases: 0, sessions: 0, more: false, sessionsLeft: 2 });
      pass(RESIDENCE_MS);
      expect(await count()).toEqual({ sessions: 0, requests: 0 });
    });

    test("pulls back within its bound", async () => {
      pass(3_600_000);
      for (let i = 0; i < 3; i++) await settleIn(`l${i}`, sessionId(`s${i}`));
      pass(-3_600_000);
      expect(await sweep(2)).toMatchObject({ more: true });
      expect(await sweep(2)).toMatchObject({ more: true });
      expect(await sweep(2)).toMatchObject({ more: false });
      pass(RESIDENCE_MS);
      expect(await count()).toEqual({ sessions: 0, requests: 0 });
    });

    test("of an empty scope finds nothing", async () => {
      expect(await sweep()).toEqual({ leases: 0, sessions: 0, more: false, sessionsLeft: 0 });
    });
  });

  describe("a clock that goes back", () => {
    test("revives only what no sweep has met", async () => {
      await acquire("l1", A, { ttlMs: 1000 });
      await acquire("l2", B, { ttlMs: 2000 });
      pass(1500);
      expect(await sweep()).toMatchObject({ leases: 1 });
      pass(500);
      expect(await count()).toEqual({ sessions: 0, requests: 0 });
      pass(-1500);
      expect(await count()).toEqual({ sessions: 1, requests: 1 });
      expect(await renew({ lease: "l1", session: A }, { lease: "l2", session: B })).toEqual(["lost", "renewed"]);
    });
  });

  describe("end", () => {
    test("ends every lease and the residence of one session and of no other", async () => {
      await settleIn("l1", A);
      await acquire("l2", A);
      await acquire("l3", A);
      await acquire("l4", B);
      expect(await end(A, TOMBSTONE_MS)).toEqual({ leases: 2, freed: true });
      expect(await count()).toEqual({ sessions: 1, requests: 1 });
      expect(await renew({ lease: "l2", session: A }, { lease: "l4", session: B })).toEqual(["ended", "renewed"]);
      expect(await release("l3", A, "done")).toEqual({ had: false, refs: 0, freed: false, sessions: 1 });
    });

    test("sets its tombstone though nothing was found, and a second one finds nothing", async () => {
      expect(await end(A, TOMBSTONE_MS)).toEqual({ leases: 0, freed: false });
      expect(await renew({ lease: "l1", session: A })).toEqual(["ended"]);
      expect(await end(A, TOMBSTONE_MS)).toEqual({ leases: 0, freed: false });
    });

    test("does not count leases that have lapsed", async () => {
      await acquire("l1", A);
      pass(TTL_MS);
      expect(await end(A, TOMBSTONE_MS)).toEqual({ leases: 0, freed: false });
    });

    test("lets a new request in, which does not clear the tombstone for the old ones", async () => {
      await acquire("l1", A);
      await end(A, TOMBSTONE_MS);
      expect(await acquire("l2", A)).toEqual(granted({}));
      expect(await renew({ lease: "l1", session: A }, { lease: "l2", session: A })).toEqual(["ended", "renewed"]);
      expect(await acquire("l1", A, { force: true })).toMatchObject({ by: "ended" });
    });
  });
}
