import { type LeaseRef, RENEW_MAX, type Renewal, type Scope } from "./lease.ts";
import { endLease, type LiveLease, type Registry } from "./registry.ts";
import { limitlessClaim, type SlotParts, storeFailure } from "./slot-rules.ts";

/** Keeps the leases of this process alive. */
export type Heartbeat = Readonly<{
  /** The ttl that claims and renewals carry: a reload's shorter one counts from the next beat on, which renews all by then. */
  ttlMs(): number;
  /** Renews every lease once, restores what the store lost, cuts what an operator ended elsewhere. */
  beat(): Promise<void>;
  /** Claims a lease that is in the registry: the first claim of a scope without limits, or (`force`) one that restores it. */
  claim(lease: LiveLease, force: boolean): Promise<void>;
}>;

export function heartbeat(parts: SlotParts, leases: Registry): Heartbeat {
  const { store, clock, observe } = parts;
  let ttlMs = parts.rules().leaseTtlMs;
  const tell = (scope: Scope, event: "granted" | "renewed" | "lost" | "restored" | "terminated", count = 1) => {
    if (count > 0) observe({ kind: "lease", scope, event, count });
  };

  const claimNow = async (lease: LiveLease, force: boolean) => {
    const sentMs = clock.monoMs();
    const { scope, session } = lease;
    try {
      const reply = await store.acquire(limitlessClaim({ scope, lease: lease.lease, session, ttlMs, force }));
      if (reply.kind === "granted") {
        lease.untilMs = sentMs + ttlMs;
        tell(scope, force ? "restored" : "granted");
      } else if (reply.by === "ended") {
        tell(scope, "terminated");
        endLease(lease);
      }
    } catch (error) {
      // Kept: the next beat finds it lost and claims it again, for as long as it is held.
      if (storeFailure(error) === "store_timeout") lease.deadlineMs = clock.monoMs() + parts.rules().storeTimeoutMs;
    }
  };
  const claim = async (lease: LiveLease, force: boolean) => {
    const settled = claimNow(lease, force);
    lease.asking = settled;
    await settled;
    lease.asking = null;
  };

  const settle = async (lease: LiveLease, renewal: Renewal, untilMs: number) => {
    // It may have been released, or ended, while this was on its way.
    if (!leases.has(lease) || lease.ended || lease.asking) return;
    if (renewal === "renewed") lease.untilMs = untilMs;
    else if (renewal === "lost") await claim(lease, true);
    else endLease(lease);
  };
  const renew = async (scope: Scope, batch: readonly LiveLease[]) => {
    const untilMs = clock.monoMs() + ttlMs;
    const refs: LeaseRef[] = batch.map(({ lease, session }) => ({ lease, session }));
    let renewals: readonly Renewal[];
    try {
      renewals = await store.renew(scope, ttlMs, refs);
    } catch (error) {
      storeFailure(error); // the next beat is the next try
      return;
    }
    const count = (renewal: Renewal) => renewals.filter((one) => one === renewal).length;
    tell(scope, "renewed", count("renewed"));
    tell(scope, "lost", count("lost"));
    tell(scope, "terminated", count("ended"));
    await Promise.all(batch.map((lease, at) => settle(lease, renewals[at] ?? "lost", untilMs)));
  };

  return {
    ttlMs: () => ttlMs,
    claim,
    async beat() {
      ttlMs = parts.rules().leaseTtlMs;
      const batches: Promise<void>[] = [];
      for (const scope of leases.scopes()) {
        const live = leases.inScope(scope).filter((lease) => !lease.ended && !lease.asking);
        for (let from = 0; from < live.length; from += RENEW_MAX)
          batches.push(renew(scope, live.slice(from, from + RENEW_MAX)));
      }
      await Promise.all(batches);
    },
  };
}
