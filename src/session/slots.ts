import type { Limits } from "../provider/provider.ts";
import type { Ending, Refused, Scope } from "./lease.ts";

/** One attempt (or one request, for a client's scope) that wants a slot. */
export type Ask = Readonly<{
  scope: Scope;
  session: string;
  limits: Limits;
  /** Requests a minute (client scopes); 0 = no limit. */
  rpm: number;
  /** May take the slot of an idle session (second pass, never for hedges). */
  displace: boolean;
  /** Called at most once, when an operator ended the session or the lease can no longer be held: cut the I/O, then release. */
  onEnded: (why: "ended" | "lost") => void;
}>;

/**
 * Owns one lease: renewed by the heartbeat until `release`, which must be called exactly once, after the I/O it stands
 * for has ended. `release` never waits and never throws: it goes out in the background, through the outbox when the store is away.
 */
export type Held = Readonly<{
  scope: Scope;
  session: string;
  lease: string;
  /** Sessions in the scope when it was granted, and whether this one was new there. */
  sessions: number;
  isNew: boolean;
  /** Sessions displaced for it. */
  displaced: readonly string[];
  release(ending: Ending): void;
}>;

export type Asked =
  | Readonly<{ kind: "granted"; held: Held }>
  | Refused
  /** Only with `when_down: refuse`. */
  | Readonly<{ kind: "store_down" }>;

export type Waited =
  | Readonly<{ kind: "granted"; held: Held; index: number }>
  /** `waitMs` ran out. */
  | Readonly<{ kind: "timeout" }>
  /** `wait_max` are waiting already. */
  | Readonly<{ kind: "line_full" }>;

/** What one session holds at one scope, as seen by this instance and (sessions, requests) by the store. */
export type SessionView = Readonly<{
  session: string;
  scope: Scope;
  /** Requests of it running in this instance. */
  running: number;
  firstSeenMs: number;
  lastSeenMs: number;
}>;

/** This process's door to the session store: hands out slots, renews, restores and gives them back. */
export type Slots = Readonly<{
  /**
   * Asks one scope, at once. A new session does not overtake a waiter of that scope. A scope without any limit is
   * granted without asking first (still tracked in the store). When `signal` aborts while asking, the lease is given
   * back as `reverted` and the call rejects with the signal's reason.
   */
  acquire(ask: Ask, signal: AbortSignal): Promise<Asked>;
  /** Stands in line for the first of `asks` (in order) that has a slot; rejects with the signal's reason when it aborts. */
  wait(asks: readonly Ask[], waitMs: number, signal: AbortSignal): Promise<Waited>;
  /** How many wait now. */
  waiting(): number;
  /** Leases of this process, all or in one scope: 0 when nothing runs. */
  leases(scope?: Scope): number;
  sessions(): readonly SessionView[];
  /** Operator's end, everywhere: tombstones in all scopes, own streams cut at once. */
  end(session: string): Promise<Readonly<{ leases: number; cutHere: number; toBeCut: number; freed: number }>>;
  count(scopes: readonly Scope[]): Promise<readonly Readonly<{ sessions: number; requests: number }>[]>;
  /** Gives back all that is still held as `reverted`, in one batch, within `withinMs`; then stops its loops. */
  close(withinMs: number): Promise<void>;
}>;
