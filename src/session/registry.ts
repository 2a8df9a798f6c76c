import type { LeaseRef, Scope } from "./lease.ts";

/** A lease of this process. Whoever holds it releases it; the heartbeat keeps it alive until then. */
export type LiveLease = LeaseRef & {
  readonly scope: Scope;
  /** Cuts the I/O it stands for; called at most once. */
  readonly onEnded: (why: "ended" | "lost") => void;
  /** An operator ended it: not renewed any more, its I/O is being cut. */
  ended: boolean;
  /** A claim of it that is under way (the first one of a scope without limits, or one that restores it); never rejects. */
  asking: Promise<void> | null;
  /** On the monotonic clock: the store has it at least until then, as far as replies say; 0 = no reply yet. */
  untilMs: number;
  /** A claim of unknown outcome may run until then: no release is sent sooner. 0 = none. */
  deadlineMs: number;
};

/** The live leases of this process: whatever is in here is renewed, whatever is not is nobody's. */
export type Registry = Readonly<{
  add(lease: LiveLease): void;
  /** False when it was not there (any more). */
  remove(lease: LiveLease): boolean;
  has(lease: LiveLease): boolean;
  size(scope?: Scope): number;
  scopes(): readonly Scope[];
  inScope(scope: Scope): readonly LiveLease[];
  all(): readonly LiveLease[];
}>;

export function registry(): Registry {
  const scopes = new Map<Scope, Set<LiveLease>>();
  const all = () => [...scopes.values()].flatMap((leases) => [...leases]);
  return {
    add(lease) {
      const leases = scopes.get(lease.scope) ?? new Set();
      scopes.set(lease.scope, leases.add(lease));
    },
    remove(lease) {
      const leases = scopes.get(lease.scope);
      const had = leases?.delete(lease) ?? false;
      if (leases?.size === 0) scopes.delete(lease.scope);
      return had;
    },
    has: (lease) => scopes.get(lease.scope)?.has(lease) ?? false,
    size(scope) {
      if (scope !== undefined) return scopes.get(scope)?.size ?? 0;
      let size = 0;
      for (const leases of scopes.values()) size += leases.size;
      return size;
    },
    scopes: () => [...scopes.keys()],
    inScope: (scope) => [...(scopes.get(scope) ?? [])],
    all,
  };
}

/** Ends a lease on an operator's word, once. */
export function endLease(lease: LiveLease): void {
  if (lease.ended) return;
  lease.ended = true;
  lease.onEnded("ended");
}
