import type { LeaseStore, Scope } from "./lease.ts";
import { acquire } from "./memory-acquire.ts";
import { count, end, release, renew, sweep } from "./memory-operations.ts";
import { type MemoryScope, memoryScope } from "./memory-scope.ts";

/**
 * The session store of one process, and the executable specification of the shared one. Each operation is done within
 * the call itself; the promises are there for the contract's sake.
 */
export type MemoryLeases = LeaseStore &
  Readonly<{
    /** Scopes of which anything is kept, lapsed things included: 0 when all is over and swept. */
    scopes(): number;
  }>;

/** `clock.nowMs` is monotonic in production: a step of the wall clock must neither free nor keep a slot. */
export function memoryLeases(clock: Readonly<{ nowMs(): number }>): MemoryLeases {
  const scopes = new Map<Scope, MemoryScope>();
  const nowMs = () => Math.floor(clock.nowMs()); // whole milliseconds, as a shared store counts
  const at = (name: Scope): MemoryScope => {
    const known = scopes.get(name);
    if (known) return known;
    const scope = memoryScope();
    scopes.set(name, scope);
    return scope;
  };
  return {
    acquire: async (claim) => acquire(at(claim.scope), nowMs(), claim),
    release: async (scope, ref, ending, residenceMs) => release(at(scope), nowMs(), { ref, ending, residenceMs }),
    renew: async (scope, ttlMs, refs) => renew(at(scope), nowMs(), ttlMs, refs),
    async sweep(name, bound, ttlMaxMs) {
      const scope = at(name);
      const swept = sweep(scope, nowMs(), { bound, ttlMaxMs });
      if (scope.slots.size === 0 && scope.arrivalUs <= nowMs() * 1000) scopes.delete(name);
      return swept;
    },
    end: async (scope, session, tombstoneMs) => end(at(scope), nowMs(), session, tombstoneMs),
    count: async (names) =>
      names.map((name) => {
        const scope = scopes.get(name);
        return scope ? count(scope, nowMs()) : { sessions: 0, requests: 0 };
      }),
    close: async () => scopes.clear(),
    scopes: () => scopes.size,
  };
}
