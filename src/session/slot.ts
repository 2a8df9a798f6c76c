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
  /** Sessions in the scope when it was granted, and whether this one was new there; 0 and false where nobody was asked. */
  sessions: number;
  isNew: boolean;
  /** Sessions displaced for it. */
  displaced: readonly string[];
  release(ending: Ending): void;
}>;

export type Asked =
  | Readonly<{ kind: "granted"; held: Held }>
  | Refused
  /** The store is away and nothing may be decided without it. */
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
  /** On the monotonic clock. */
  firstSeenMs: number;
  lastSeenMs: number;
}>;
