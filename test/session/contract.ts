import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import type { Claim, Granted, LeaseRef, LeaseStore, Refused } from "../../src/session/lease.ts";

/** A store whose clock is moved by hand, empty at first. */
export type TestStore = Readonly<{
  store: LeaseStore;
  /** Whole milliseconds; may go back. */
  setNow(ms: number): void;
  close(): Promise<void>;
}>;

/** Where the tests' clock starts: far from 0, as a shared store's own clock is. */
export const START_MS = 1_700_000_000_000;

const SCOPE = "provider:main";
const TTL_MS = 30_000;
const RESIDENCE_MS = 300_000;
const TOMBSTONE_MS = 90_000;
const DAY_MS = 86_400_000;

/** A session id as they are in production: 22 characters. */
export const sessionId = (name: string) => name.padEnd(22, "_");
const A = sessionId("alice");
const B = sessionId("bob");
const C = sessionId("carol");

export const claim = (lease: string, session: string, more: Partial<Claim> = {}): Claim => ({
  scope: SCOPE,
  lease,
  session,
  sessionsMax: 0,
  requestsMax: 0,
  ttlMs: TTL_MS,
  force: false,
  displace: 0,
  rpm: 0,
  ...more,
});

const granted = (more: Partial<Granted>): Granted => ({
  kind: "granted",
  sessions: 1,
  requests: 1,
  isNew: true,
  refs: 1,
  displaced: [],
  ...more,
});

const refused = (by: Refused["by"], more: Partial<Refused> = {}): Refused => ({
  kind: "refused",
  by,
  sessions: 1,
  requests: 1,
  refs: 0,
  retryAfterMs: 0,
  ...more,
});

/** The contract of the session store, for any backend: each sentence here is one that callers rely on. */
export function describeLeaseContract(name: string, makeStore: () => Promise<TestStore>): void {
  describe(`lease contract: ${name}`, () => {
    let world: TestStore;
    let nowMs: number;
    beforeEach(async () => {
      world = await makeStore();
      nowMs = START_MS;
      world.setNow(nowMs);
    });
    afterEach(() => world.close());

    const pass = (ms: number) => {
      nowMs += ms;
      world.setNow(nowMs);
    };
    const acquire = (lease: string, session: string, more?: Partial<Claim>) =>
      world.store.acquire(claim(lease, session, more));
    const release = (
      lease: string,
      session: string,
      ending: "done" | "failed" | "reverted",
      residence = RESIDENCE_MS,
    ) => world.store.release(SCOPE, { lease, session }, ending, residence);
    const renew = (...refs: LeaseRef[]) => world.store.renew(SCOPE, TTL_MS, refs);
    const sweep = (bound = 100, ttlMaxMs = RESIDENCE_MS) => world.store.sweep(SCOPE, bound, ttlMaxMs);
    const count = async () => (await world.store.count([SCOPE]))[0];
    /** A session that resides and runs nothing. */
    const settleIn = async (lease: string, session: string, residence = RESIDENCE_MS) => {
      await acquire(lease, session, { force: true });
      await release(lease, session, "done", residence);
    };

    describe("acquire", () => {
      test("grants a new session and says how many there are", async () => {
        expect(await acquire("l1", A)).toEqual(granted({}));
        expect(await acquire("l2", B)).toEqual(granted({ sessions: 2, requests: 2 }));
        expect(await count()).toEqual({ sessions: 2, requests: 2 });
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
        expect(await world.store.count(["client:app", SCOPE, "provider:none"])).toEqual([
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
        await world.store.end(SCOPE, A, TOMBSTONE_MS);
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
        await world.store.end(SCOPE, B, 1000);
        await settleIn("l1", A);
        expect(await acquire("l3", C, { sessionsMax: 1, displace: 1 })).toEqual(refused("sessions", { requests: 0 }));
        expect(await acquire("l3", C, { sessionsMax: 1, displace: 2 })).toEqual(granted({ displaced: [A] }));
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
        expect(await world.store.renew(SCOPE, 1000, [{ lease: "l1", session: A }])).toEqual(["renewed"]);
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
        await world.store.end(SCOPE, B, 1000);
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
        expect(await world.store.end(SCOPE, A, TOMBSTONE_MS)).toEqual({ leases: 2, freed: true });
        expect(await count()).toEqual({ sessions: 1, requests: 1 });
        expect(await renew({ lease: "l2", session: A }, { lease: "l4", session: B })).toEqual(["ended", "renewed"]);
        expect(await release("l3", A, "done")).toEqual({ had: false, refs: 0, freed: false, sessions: 1 });
      });

      test("sets its tombstone though nothing was found, and a second one finds nothing", async () => {
        expect(await world.store.end(SCOPE, A, TOMBSTONE_MS)).toEqual({ leases: 0, freed: false });
        expect(await renew({ lease: "l1", session: A })).toEqual(["ended"]);
        expect(await world.store.end(SCOPE, A, TOMBSTONE_MS)).toEqual({ leases: 0, freed: false });
      });

      test("does not count leases that have lapsed", async () => {
        await acquire("l1", A);
        pass(TTL_MS);
        expect(await world.store.end(SCOPE, A, TOMBSTONE_MS)).toEqual({ leases: 0, freed: false });
      });

      test("lets a new request in, which does not clear the tombstone for the old ones", async () => {
        await acquire("l1", A);
        await world.store.end(SCOPE, A, TOMBSTONE_MS);
        expect(await acquire("l2", A)).toEqual(granted({}));
        expect(await renew({ lease: "l1", session: A }, { lease: "l2", session: A })).toEqual(["ended", "renewed"]);
        expect(await acquire("l1", A, { force: true })).toMatchObject({ by: "ended" });
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
        await world.store.end(SCOPE, A, TOMBSTONE_MS);
        pass(RESIDENCE_MS);
        expect(await sweep(100, DAY_MS)).toEqual({ leases: 10, sessions: 20, more: false, sessionsLeft: 0 });
        expect(await sweep(100, DAY_MS)).toEqual({ leases: 0, sessions: 0, more: false, sessionsLeft: 0 });
      });
    });
  });
}
