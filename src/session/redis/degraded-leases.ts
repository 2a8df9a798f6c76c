import type { Background } from "../../core/background.ts";
import { HedgerowError } from "../../core/errors.ts";
import type { Claim, Granted, LeaseStore, Refused } from "../lease.ts";
import type { Health } from "./health.ts";

/** What decides while the store is away: this instance's share of each limit, the whole limit, or nobody. */
export type WhenDown = "share" | "open" | "refuse";

export type DegradedRules = Readonly<{
  store: LeaseStore;
  /** A store of this process: what was granted and ended here, so that its own count is known when the shared one is not. */
  mirror: LeaseStore;
  health: Health;
  background: Background;
  whenDown: WhenDown;
  /** How many instances share the limits, as last seen. */
  instances: () => number;
}>;

/**
 * The shared store while it is there, this process's own judgement while it is not. Claims are then decided here at
 * once; everything else rejects with `store_unreachable`, so that whoever sent it keeps it until the store is back.
 * With `refuse` a claim rejects with `store_down`.
 */
export function degradedLeases(rules: DegradedRules): LeaseStore {
  const { store, mirror, health, background } = rules;
  const ask = <Reply>(where: string, call: () => Promise<Reply>): Promise<Reply> =>
    health.state() === "down" ? Promise.reject(away()) : health.counted(where, call);

  const mirrored = async (claim: Claim, reply: Granted) => {
    for (const other of reply.displaced) await mirror.end(claim.scope, other, 0);
    await mirror.acquire({ ...claim, force: true });
  };
  const decideHere = async (claim: Claim): Promise<Granted | Refused> => {
    if (rules.whenDown === "refuse") throw new HedgerowError("store_down", "redis: away, and when_down is refuse");
    return mirror.acquire(rules.whenDown === "share" ? shareOf(claim, rules.instances()) : claim);
  };
  /** The claim may have been granted there all the same, unheard. The call that failed has outlived its deadline by now. */
  const disown = (claim: Claim) => {
    const given = store.release(claim.scope, claim, "reverted", 0).catch(() => {}); // else it lapses
    background.track("release of an unheard claim", given);
  };

  const acquire = async (claim: Claim): Promise<Granted | Refused> => {
    // What is restored goes to a store that has just come back; what is new does not, until it knows all.
    if (rules.whenDown === "refuse" && !claim.force) await health.restored();
    if (health.state() === "down" || (health.state() === "restoring" && !claim.force)) return decideHere(claim);
    let reply: Granted | Refused;
    try {
      reply = await health.counted(claim.scope, () => store.acquire(claim));
    } catch {
      const here = decideHere(claim);
      if (rules.whenDown === "refuse" || (await here).kind === "refused") disown(claim);
      return here;
    }
    if (reply.kind === "granted") await mirrored(claim, reply);
    return reply;
  };
  const renew: LeaseStore["renew"] = async (scope, ttlMs, refs) => {
    const here = await mirror.renew(scope, ttlMs, refs);
    // An event loop that stood still for a ttl lost its own leases too.
    const lost = refs.filter((_, at) => here[at] === "lost");
    for (const ref of lost) await mirror.acquire({ ...NO_LIMITS, scope, ...ref, ttlMs, force: true });
    return ask(scope, () => store.renew(scope, ttlMs, refs));
  };

  return {
    acquire: (claim) => (claim.force ? health.telling(acquire(claim)) : acquire(claim)),
    renew: (...args) => health.telling(renew(...args)),
    async release(scope, ref, ending, residenceMs) {
      await mirror.release(scope, ref, ending, residenceMs);
      return ask(scope, () => store.release(scope, ref, ending, residenceMs));
    },
    async sweep(scope, bound, ttlMaxMs) {
      const here = await mirror.sweep(scope, bound, ttlMaxMs);
      return health.state() === "up" ? ask(scope, () => store.sweep(scope, bound, ttlMaxMs)) : here;
    },
    async end(scope, session, tombstoneMs) {
      await mirror.end(scope, session, tombstoneMs);
      return ask(scope, () => store.end(scope, session, tombstoneMs));
    },
    count: (scopes) => {
      const [first] = scopes;
      return health.state() === "up" && first !== undefined
        ? ask(first, () => store.count(scopes))
        : mirror.count(scopes);
    },
    async close() {
      await Promise.all([store.close(), mirror.close()]);
    },
  };
}

const NO_LIMITS = { sessionsMax: 0, requestsMax: 0, displace: 0, rpm: 0 } as const;

function away(): HedgerowError {
  return new HedgerowError("store_unreachable", "redis: away, not asked");
}

/** Rounded up: several instances together may exceed a limit by less than one each, and none is left without any. */
function shareOf(claim: Claim, instances: number): Claim {
  const share = (limit: number) => (limit > 0 ? Math.ceil(limit / instances) : limit);
  const { sessionsMax, requestsMax, rpm } = claim;
  return { ...claim, sessionsMax: share(sessionsMax), requestsMax: share(requestsMax), rpm: share(rpm) };
}
