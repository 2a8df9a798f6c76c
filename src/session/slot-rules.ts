import type { Background } from "../core/background.ts";
import type { Clock } from "../core/clock.ts";
import { HedgerowError } from "../core/errors.ts";
import type { Observer } from "../core/events.ts";
import type { Random } from "../core/random.ts";
import type { Limits } from "../provider/provider.ts";
import type { Claim, LeaseStore, Scope } from "./lease.ts";

/** What a reload may change; asked for anew at each use. Milliseconds, all under 24 h. */
export type SlotRules = Readonly<{
  /** How long a session counts after an answer. */
  residenceMs: number;
  leaseTtlMs: number;
  /** `yield`: the slot of an idle session may be taken; `hold`: it is kept until its residence ends. */
  idle: "yield" | "hold";
  /** How many may wait for a slot at once. */
  waitMax: number;
  /** How often the oldest waiter asks again by itself, for what frees slots without telling this process (lapse, other instances). */
  asksAgainMs: number;
  /** How long no lease of a session that was ended may be restored: longer than any of its requests can go on unnoticed. */
  tombstoneMs: number;
  sweepEveryMs: number;
  /** Of a scope that the config knows, else null. */
  limitsOf(scope: Scope): Limits | null;
  /** Longest a claim can run in the store after it was given up; 0 where the store is this process. */
  storeTimeoutMs: number;
}>;

/** What every part of the slots works with. */
export type SlotParts = Readonly<{
  store: LeaseStore;
  clock: Clock;
  random: Random;
  background: Background;
  observe: Observer;
  rules: () => SlotRules;
}>;

/** The store's own failures; everything else is a bug and passes on. */
export function storeFailure(error: unknown): "store_unreachable" | "store_timeout" | "store_down" {
  if (error instanceof HedgerowError) {
    const { code } = error;
    if (code === "store_unreachable" || code === "store_timeout" || code === "store_down") return code;
  }
  throw error;
}

export function limitlessClaim(lease: Pick<Claim, "scope" | "lease" | "session" | "ttlMs" | "force">): Claim {
  return { ...lease, sessionsMax: 0, requestsMax: 0, displace: 0, rpm: 0 };
}
