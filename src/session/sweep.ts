import type { Scope } from "./lease.ts";
import { type SlotParts, storeFailure } from "./slot-rules.ts";

/** The cleanup of what crashed instances and lapsed residences left. Verdicts never wait for it. */
export type Sweeper = Readonly<{
  /** Sweeps every known scope until nothing is left to be swept there, within a bound. */
  round(): Promise<void>;
  /** Scopes of the config, and those removed from it less than a day ago: no lease or residence lasts longer. */
  scopes(): readonly Scope[];
}>;

const REMOVED_KEPT_MS = 86_400_000;
/** Entries a call may remove: a few milliseconds of a single-threaded store. */
const BOUND = 1000;
/** Calls in one scope and round; what is left then waits for the next round. */
const CALLS_MAX = 50;

export function sweeper(
  parts: SlotParts,
  configured: () => readonly Scope[],
  onFreed: (scope: Scope) => void,
): Sweeper {
  const { store, clock, observe } = parts;
  const lastKnownMs = new Map<Scope, number>();

  const scopes = () => {
    const nowMs = clock.monoMs();
    for (const scope of configured()) lastKnownMs.set(scope, nowMs);
    for (const [scope, knownMs] of lastKnownMs) if (nowMs - knownMs >= REMOVED_KEPT_MS) lastKnownMs.delete(scope);
    return [...lastKnownMs.keys()];
  };
  const sweepScope = async (scope: Scope) => {
    const { residenceMs, leaseTtlMs, tombstoneMs } = parts.rules();
    const ttlMaxMs = Math.max(residenceMs, leaseTtlMs, tombstoneMs);
    let leases = 0;
    let sessions = 0;
    for (let calls = 0, more = true; more && calls < CALLS_MAX; calls++) {
      const swept = await store.sweep(scope, BOUND, ttlMaxMs);
      leases += swept.leases;
      sessions += swept.sessions;
      more = swept.more;
    }
    // Whoever held a lease that is swept never released it.
    if (leases > 0) observe({ kind: "lease", scope, event: "expired", count: leases });
    if (leases + sessions > 0) {
      observe({ kind: "sweep", scope, leases, sessions });
      onFreed(scope);
    }
  };

  return {
    scopes,
    async round() {
      const startMs = clock.monoMs();
      for (const scope of scopes()) {
        try {
          await sweepScope(scope);
        } catch (error) {
          storeFailure(error); // told where the store is called; the other scopes may lie elsewhere
        }
      }
      observe({ kind: "swept", ms: clock.monoMs() - startMs });
    },
  };
}
