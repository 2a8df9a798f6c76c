import type { Holding } from "./holding.ts";
import type { Claim } from "./lease.ts";
import { type SlotParts, storeFailure } from "./slot-rules.ts";
import type { Ask, Asked } from "./slot.ts";

/** Asks the store for one slot and puts what it grants under the heartbeat. `give way`: to those who wait for this scope. */
export type Asking = (ask: Ask, manner: "give way" | "in turn") => Promise<Asked>;

export type AskingParts = Readonly<{
  parts: SlotParts;
  held: Holding;
  leaseId: () => string;
  ttlMs: () => number;
}>;

/** Residence marks looked at for sessions to displace: bounds what one call costs the store. */
const DISPLACE_LOOK_MAX = 1024;

export function asking({ parts, held, leaseId, ttlMs }: AskingParts): Asking {
  const { store, clock, observe } = parts;

  const claimOf = (ask: Ask, lease: string, manner: "give way" | "in turn"): Claim => {
    const { scope, session, limits, rpm } = ask;
    const mayDisplace = ask.displace && parts.rules().idle === "yield";
    return {
      scope,
      lease,
      session,
      sessionsMax: manner === "give way" ? -1 : limits.sessions,
      requestsMax: limits.requests,
      ttlMs: ttlMs(),
      force: false,
      displace: mayDisplace ? Math.min(2 * limits.sessions, DISPLACE_LOOK_MAX) : 0,
      rpm,
    };
  };

  return async (ask, manner) => {
    const lease = leaseId();
    if (ask.limits.sessions === 0 && ask.limits.requests === 0 && ask.rpm === 0)
      return { kind: "granted", held: held.holdUnasked(ask, lease) };
    const claim = claimOf(ask, lease, manner);
    const sentMs = clock.monoMs();
    try {
      const reply = await store.acquire(claim);
      observe({ kind: "lease", scope: ask.scope, event: reply.kind, count: 1 });
      if (reply.kind === "refused") return reply;
      return { kind: "granted", held: held.hold(ask, { ...reply, lease, untilMs: sentMs + claim.ttlMs }) };
    } catch (error) {
      // No reply is not a refusal: the store may have granted it all the same, or still do so.
      if (storeFailure(error) === "store_timeout") held.disown(ask, lease);
      return { kind: "store_down" };
    }
  };
}
