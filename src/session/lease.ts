/**
 * The contract of the session store. Two backends keep it to the letter: `memory` (one process) and `redis` (many);
 * the same operations at the same clock get the same replies from both, and one suite and a differential run hold them to it.
 *
 * A **slot** is a session's place at a scope; a **lease** is one attempt's claim on it; a **residence** is the time a
 * session goes on counting after an answer. Lapsed (expiry <= now) is gone for every verdict, swept or not.
 */

/** `provider:NAME` or `client:NAME`. */
export type Scope = string;

/** How an attempt ended, as the store sees it: resides on · freed if nothing else of it runs there · as if it had never been. */
export type Ending = "done" | "failed" | "reverted";

/** One lease. `session` is a hash of 22 characters, `lease` is `instance.boot.counter`; both together at most 64 bytes. */
export type LeaseRef = Readonly<{ lease: string; session: string }>;

export type Claim = Readonly<{
  scope: Scope;
  lease: string;
  session: string;
  /** 0 = no limit, still tracked; -1 = none that does not count already, nor by displacing (somebody waits for the next free slot). */
  sessionsMax: number;
  requestsMax: number;
  ttlMs: number;
  /** Restores a lease this process owns; may exceed both limits; refused only while the session's tombstone stands. */
  force: boolean;
  /**
   * Marks looked at for idle sessions to displace; 0 = never. At least 2 x sessionsMax, at most 1,024. Marks are the
   * residences of sessions without any lease and tombstones, by (time, member): sessions that run are in nobody's way,
   * however many. A session whose leases have all lapsed is one of the idle once these are swept; the look for idle
   * sessions first sweeps the first eight of the scope, and as many as `displace` more where that does not do.
   */
  displace: number;
  /**
   * Requests a minute for this scope (clients); 0 = no limit. Decided in the same step, after requests and sessions, so
   * that what is refused for them uses up no part of the minute; a refusal for `rpm` displaces nobody. A lease already held
   * and `force` neither ask nor use it. GCRA in whole microseconds, the burst a whole minute's worth: step =
   * ceil(60,000,000 / rpm), burst = step x rpm, arrival = min(max(stored, now), now + burst) + step; granted, and
   * stored, when arrival <= now + burst; else `retryAfterMs` = ceil((arrival - burst - now) / 1000).
   */
  rpm: number;
}>;

export type Granted = Readonly<{
  kind: "granted";
  /** Sessions that count and live leases in the scope, this one included. */
  sessions: number;
  requests: number;
  /** The session did not count before. */
  isNew: boolean;
  refs: number;
  /** Sessions whose idle slot was taken, soonest end of residence first. Each costs the store about as much as a release. */
  displaced: readonly string[];
}>;

export type Refused = Readonly<{
  kind: "refused";
  by: "sessions" | "requests" | "ended" | "rpm";
  sessions: number;
  requests: number;
  refs: number;
  /** With `rpm`: when the next request would be granted. Else 0. */
  retryAfterMs: number;
}>;

export type Released = Readonly<{ had: boolean; refs: number; freed: boolean; sessions: number }>;
export type Renewal = "renewed" | "lost" | "ended";
export type Swept = Readonly<{ leases: number; sessions: number; more: boolean; sessionsLeft: number }>;
export type Ended = Readonly<{ leases: number; freed: boolean }>;
export type Count = Readonly<{ sessions: number; requests: number }>;

/** At most this many leases go into one `renew`. */
export const RENEW_MAX = 200;

/**
 * The raw operations. A store that cannot be asked rejects with a `HedgerowError`: `store_unreachable` when the command
 * was certainly not sent, `store_timeout` when its outcome is unknown (no reply in time, or a connection lost after
 * sending; it may still run until its deadline), `store_down` when it is away and nothing may be decided without it.
 *
 * Order of checks in `acquire`: a lease already held (granted); with `force` the tombstone; else requests, sessions,
 * `rpm`. A refusal changes no verdict: it writes nothing, but for lapsed leases swept in the look for idle sessions.
 */
export type LeaseStore = Readonly<{
  acquire(claim: Claim): Promise<Granted | Refused>;
  /** `residenceMs`: how long `done` keeps the session counting. */
  release(scope: Scope, ref: LeaseRef, ending: Ending, residenceMs: number): Promise<Released>;
  renew(scope: Scope, ttlMs: number, refs: readonly LeaseRef[]): Promise<readonly Renewal[]>;
  sweep(scope: Scope, bound: number, ttlMaxMs: number): Promise<Swept>;
  end(scope: Scope, session: string, tombstoneMs: number): Promise<Ended>;
  count(scopes: readonly Scope[]): Promise<readonly Count[]>;
  close(): Promise<void>;
}>;
