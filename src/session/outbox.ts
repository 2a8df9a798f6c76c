import { jitter } from "../core/random.ts";
import type { Ending, LeaseRef, Scope } from "./lease.ts";
import { oneTimer } from "./one-timer.ts";
import { limitlessClaim, type SlotParts, storeFailure } from "./slot-rules.ts";

/** A release that must reach the store though nobody waits for it. */
export type Parcel = Readonly<{
  scope: Scope;
  ref: LeaseRef;
  ending: Ending;
  /** Until when `done` makes the session count; monotonic, as all times here. */
  residenceUntilMs: number;
  /** The store has the lease at least until then. */
  leaseUntilMs: number;
  /** Not to be sent sooner: a claim of unknown outcome may still be executed. */
  notBeforeMs: number;
  /** From then on it would change nothing: the lease has lapsed, or the residence would have. */
  worthUntilMs: number;
}>;

/** Owns the releases on their way: sent at once, kept while the store is away, replayed when it is back. */
export type Outbox = Readonly<{
  /** Resolves when it was delivered, or kept for later. */
  send(parcel: Parcel): Promise<void>;
  /** Sends what was kept; resolves when all is gone or the store failed again. */
  replay(): Promise<void>;
  /** Kept for later. */
  kept(): number;
  /** No timer is left; what is kept stays. */
  close(): void;
}>;

/** Above it the oldest are dropped: their leases lapse by themselves. About 20 MB. */
const KEPT_MAX = 65_536;
/** Replayed at once; more would make a store that has just come back slow. */
const BATCH = 200;
const AGAIN_MS = 1000;
const AGAIN_JITTER = 0.2;

export function outbox(parts: SlotParts, onFreed: (scope: Scope) => void): Outbox {
  const { clock, background } = parts;
  const tell = (level: "warn" | "info", what: string, fields: Readonly<Record<string, string | number>>) =>
    parts.observe({ kind: "notice", level, what, fields });
  /** With whether an earlier sending may have arrived. */
  const kept = new Map<Parcel, boolean>();
  /** The store failed, and not all that was kept has been delivered since. Told once, and once when it is over. */
  let away = false;
  let replayed = 0;
  const again = oneTimer(clock);
  let replaying: Promise<void> | null = null;
  let closed = false;

  const keep = (parcel: Parcel, maybeArrived: boolean) => {
    if (!away) tell("warn", "releases_kept", { scope: parcel.scope });
    away = true;
    const oldest = kept.size >= KEPT_MAX ? kept.keys().next().value : undefined;
    if (oldest) kept.delete(oldest);
    kept.set(parcel, maybeArrived);
    if (closed) return;
    again.arm(jitter(AGAIN_MS, AGAIN_JITTER, parts.random), () => background.track("replay of releases", replay()));
  };

  const send = async (parcel: Parcel, maybeArrived: boolean): Promise<boolean> => {
    try {
      const left = await deliver(parts, parcel, maybeArrived);
      if (left !== null) keep(left, maybeArrived);
      return left === null;
    } catch (error) {
      keep(parcel, storeFailure(error) === "store_timeout" || maybeArrived);
      return false;
    } finally {
      // Even where it failed: it may have arrived, or whoever decides while the store is away heard of it.
      onFreed(parcel.scope);
    }
  };

  const replayAll = async () => {
    while (kept.size > 0) {
      const batch = [...kept.entries().take(BATCH)];
      for (const [parcel] of batch) kept.delete(parcel);
      const delivered = await Promise.all(batch.map(([parcel, maybeArrived]) => send(parcel, maybeArrived)));
      replayed += delivered.filter(Boolean).length;
      if (delivered.includes(false)) return;
    }
    again.cancel();
    if (away) tell("info", "releases_replayed", { count: replayed });
    away = false;
    replayed = 0;
  };
  const replay = async () => {
    replaying ??= replayAll().finally(() => {
      replaying = null;
    });
    await replaying;
  };

  return {
    async send(parcel) {
      await send(parcel, false);
    },
    replay,
    kept: () => kept.size,
    close() {
      closed = true;
      again.cancel();
    },
  };
}

/** What is still to be sent, null when all is; rejects where the release itself failed. */
async function deliver(parts: SlotParts, parcel: Parcel, maybeArrived: boolean): Promise<Parcel | null> {
  const { store, clock } = parts;
  const { scope, ref, ending } = parcel;
  const waitMs = parcel.notBeforeMs - clock.monoMs();
  if (waitMs > 0) await clock.sleep(waitMs);
  if (clock.monoMs() >= parcel.worthUntilMs) return null;
  const residenceMs = Math.max(0, Math.floor(parcel.residenceUntilMs - clock.monoMs()));
  if (ending !== "done" || clock.monoMs() < parcel.leaseUntilMs) {
    const { had } = await store.release(scope, ref, ending, residenceMs);
    if (had || ending !== "done" || maybeArrived) return null;
  }
  // The lease lapsed, or the store lost it, before this could be said: the answered session shall reside all the same.
  const restored = await restore(parts, parcel);
  if (restored.kind === "failed") return { ...parcel, notBeforeMs: restored.mayRunUntilMs };
  if (restored.kind === "granted") await store.release(scope, ref, ending, residenceMs);
  return null;
}

/** Claims the lease once more. A claim that failed is no release that may have arrived: nothing resides yet. */
async function restore({ store, clock, rules }: SlotParts, { scope, ref }: Parcel) {
  const { leaseTtlMs, storeTimeoutMs } = rules();
  try {
    return await store.acquire(limitlessClaim({ scope, ...ref, ttlMs: leaseTtlMs, force: true }));
  } catch (error) {
    const isUnknown = storeFailure(error) === "store_timeout";
    return { kind: "failed", mayRunUntilMs: isUnknown ? clock.monoMs() + storeTimeoutMs : 0 } as const;
  }
}
