import type {
  Claim,
  Count,
  Ended,
  Ending,
  Granted,
  LeaseRef,
  LeaseStore,
  Refused,
  Released,
  Renewal,
  Swept,
} from "../../src/session/lease.ts";

/** Where the tests' clock starts: far from 0, as a shared store's own clock is. */
export const START_MS = 1_700_000_000_000;

export const SCOPE = "provider:main";
export const TTL_MS = 30_000;
export const RESIDENCE_MS = 300_000;
export const TOMBSTONE_MS = 90_000;
export const DAY_MS = 86_400_000;

/** A session id as they are in production: 22 characters. */
export const sessionId = (name: string) => name.padEnd(22, "_");
export const A = sessionId("alice");
export const B = sessionId("bob");
export const C = sessionId("carol");

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

export const granted = (more: Partial<Granted>): Granted => ({
  kind: "granted",
  sessions: 1,
  requests: 1,
  isNew: true,
  refs: 1,
  displaced: [],
  ...more,
});

export const refused = (by: Refused["by"], more: Partial<Refused> = {}): Refused => ({
  kind: "refused",
  by,
  sessions: 1,
  requests: 1,
  refs: 0,
  retryAfterMs: 0,
  ...more,
});

/** One scope of a fresh store and its clock, in few words. The store is the one of the test under way. */
export type ScopeWorld = Readonly<{
  /** Moves the clock, either way. */
  pass(ms: number): void;
  acquire(lease: string, session: string, more?: Partial<Claim>): Promise<Granted | Refused>;
  release(lease: string, session: string, ending: Ending, residenceMs?: number): Promise<Released>;
  renew(...refs: LeaseRef[]): Promise<readonly Renewal[]>;
  renewFor(ttlMs: number, ...refs: LeaseRef[]): Promise<readonly Renewal[]>;
  sweep(bound?: number, ttlMaxMs?: number): Promise<Swept>;
  end(session: string, tombstoneMs: number): Promise<Ended>;
  count(): Promise<Count | undefined>;
  countAll(scopes: readonly string[]): Promise<readonly Count[]>;
  /** Makes a session that resides and runs nothing. */
  settleIn(lease: string, session: string, residenceMs?: number): Promise<void>;
}>;

export function scopeWorld(current: () => LeaseStore, pass: (ms: number) => void): ScopeWorld {
  const world: ScopeWorld = {
    pass,
    acquire: (lease, session, more) => current().acquire(claim(lease, session, more)),
    release: (lease, session, ending, residenceMs = RESIDENCE_MS) =>
      current().release(SCOPE, { lease, session }, ending, residenceMs),
    renew: (...refs) => current().renew(SCOPE, TTL_MS, refs),
    renewFor: (ttlMs, ...refs) => current().renew(SCOPE, ttlMs, refs),
    sweep: (bound = 100, ttlMaxMs = RESIDENCE_MS) => current().sweep(SCOPE, bound, ttlMaxMs),
    end: (session, tombstoneMs) => current().end(SCOPE, session, tombstoneMs),
    count: async () => (await current().count([SCOPE]))[0],
    countAll: (scopes) => current().count(scopes),
    async settleIn(lease, session, residenceMs = RESIDENCE_MS) {
      await world.acquire(lease, session, { force: true });
      await world.release(lease, session, "done", residenceMs);
    },
  };
  return world;
}
