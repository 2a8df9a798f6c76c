import type { Claim, Ending, LeaseRef, LeaseStore } from "../../../src/session/lease.ts";
import { seeded } from "../../world/seeded.ts";
import { sessionId } from "../contract-world.ts";

/** One operation on a store, as a value: it can be run on two of them and printed where they differ. */
export type Operation =
  | Readonly<{ kind: "pass"; ms: number }>
  | Readonly<{ kind: "acquire"; claim: Claim }>
  | Readonly<{ kind: "release"; scope: string; ref: LeaseRef; ending: Ending; residenceMs: number }>
  | Readonly<{ kind: "renew"; scope: string; ttlMs: number; refs: readonly LeaseRef[] }>
  | Readonly<{ kind: "sweep"; scope: string; bound: number; ttlMaxMs: number }>
  | Readonly<{ kind: "end"; scope: string; session: string; tombstoneMs: number }>
  | Readonly<{ kind: "count"; scopes: readonly string[] }>;

/** Few ids and few times, so that operations meet: replays, lapses and full scopes are common, not lucky. */
const SCOPES = ["provider:main", "client:app"];
const SESSIONS = ["a", "b", "c", "d", "e", "f"].map(sessionId);
const LEASES = ["l1", "l2", "l3", "l4", "l5"];
const TIMES_MS = [0, 1, 500, 1000, 3000, 10_000];
const HOUR_MS = 3_600_000;

const RECENT_MAX = 6;

/**
 * An endless row of operations, the same for the same seed. Even seeds let the clock go back too, up to an hour, and leave
 * out requests a minute, because each store forgets an idle scope's rate in its own time.
 */
export function traffic(seed: number): () => Operation {
  const random = seeded(seed);
  const back = seed % 2 === 0;
  const one = <T>(of: readonly T[]): T => of[Math.floor(random() * of.length)] as T;
  let recent: readonly LeaseRef[] = [{ lease: "l1", session: sessionId("a") }];
  const fresh = () => {
    const ref = { lease: one(LEASES), session: one(SESSIONS) };
    recent = [ref, ...recent].slice(0, RECENT_MAX);
    return ref;
  };
  const some = () => (random() < 0.8 ? one(recent) : { lease: one(LEASES), session: one(SESSIONS) });
  return () => {
    const odds = random();
    const scope = random() < 0.8 ? "provider:main" : one(SCOPES);
    const ttlMs = one([1000, 3000, 10_000, 10_000]);
    if (odds < 0.1) return { kind: "pass", ms: random() < 0.01 ? HOUR_MS : one(TIMES_MS) };
    if (odds < 0.13 && back) return { kind: "pass", ms: random() < 0.05 ? -HOUR_MS : -one(TIMES_MS) };
    if (odds < 0.5) {
      const limits = { sessionsMax: one([0, 1, 2, 3, 3, -1]), requestsMax: one([0, 0, 0, 2, 6]) };
      const more = { force: random() < 0.15, displace: one([0, 1, 2, 16, 16]), rpm: back ? 0 : one([0, 0, 0, 7, 600]) };
      return { kind: "acquire", claim: { scope, ...(random() < 0.8 ? fresh() : some()), ttlMs, ...limits, ...more } };
    }
    if (odds < 0.8) {
      const residenceMs = one([0, 500, 5000, 20_000]);
      return { kind: "release", scope, ref: some(), ending: one(["done", "failed", "reverted"] as const), residenceMs };
    }
    if (odds < 0.88)
      return { kind: "renew", scope, ttlMs, refs: Array.from({ length: Math.floor(random() * 6) }, some) };
    if (odds < 0.93) return { kind: "sweep", scope, bound: one([1, 2, 100]), ttlMaxMs: one([1000, 20_000, 60_000]) };
    if (odds < 0.96) return { kind: "end", scope, session: one(SESSIONS), tombstoneMs: one([0, 500, 5000]) };
    return { kind: "count", scopes: SCOPES };
  };
}

export function perform(store: LeaseStore, operation: Exclude<Operation, { kind: "pass" }>): Promise<unknown> {
  switch (operation.kind) {
    case "acquire":
      return store.acquire(operation.claim);
    case "release":
      return store.release(operation.scope, operation.ref, operation.ending, operation.residenceMs);
    case "renew":
      return store.renew(operation.scope, operation.ttlMs, operation.refs);
    case "sweep":
      return store.sweep(operation.scope, operation.bound, operation.ttlMaxMs);
    case "end":
      return store.end(operation.scope, operation.session, operation.tombstoneMs);
    case "count":
      break;
  }
  return store.count(operation.scopes);
}
