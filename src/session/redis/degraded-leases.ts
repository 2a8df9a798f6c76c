import type { Background } from "../../core/background.ts";
import { HedgerowError } from "../../core/errors.ts";
import type { Claim, Granted, LeaseStore, Refused } from "../lease.ts";
import { storeFailure } from "../slot-rules.ts";
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
 * The shared store while it is there, this process's own judgement while it is not. New claims are then decided here at
 * once; everything else rejects with the store's failure, so that whoever sent it keeps it until the store is back: also
 * a claim that restores (`force`), which nobody but the store can grant. With `refuse` a new claim rejects with `store_down`.
 */
export function degradedLeases(rules: DegradedRules): LeaseStore {
  const { store, mirror, health } = rules;
  const ask: Asking = (where, call, tookWrite = () => false) =>
    health.state() === "down" ? Promise.reject(away()) : health.counted(where, call, tookWrite);
  const claims = claiming(rules, ask);
  const renew: LeaseStore["renew"] = async (scope, ttlMs, refs) => {
    const here = await mirror.renew(scope, ttlMs, refs);
    // An event loop that stood still for a ttl lost its own leases too.
    const lost = refs.filter((_, at) => here[at] === "lost");
    for (const ref of lost) await mirror.acquire({ ...NO_LIMITS, scope, ...ref, ttlMs, force: true });
    return ask(
      scope,
      () => store.renew(scope, ttlMs, refs),
      (renewals) => renewals.includes("renewed"),
    );
  };

  return {
    acquire: (claim) => (claim.force ? health.telling(claims.restore(claim)) : claims.decide(claim)),
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

/** Asks the store, unless it is away. `tookWrite` as in `Health`; what reads or removes proves nothing: a full server takes that too. */
type Asking = <Reply>(
  where: string,
  call: () => Promise<Reply>,
  tookWrite?: (reply: Reply) => boolean,
) => Promise<Reply>;

type Claiming = Readonly<{
  /** Of a new lease: by the store, or here while it is away. */
  decide(claim: Claim): Promise<Granted | Refused>;
  /** Of a lease that this process holds: by the store alone. */
  restore(claim: Claim): Promise<Granted | Refused>;
}>;

function claiming({ store, mirror, health, background, ...rules }: DegradedRules, ask: Asking): Claiming {
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
  const decideThere = async (claim: Claim): Promise<Granted | Refused> => {
    const reply = await ask(claim.scope, () => store.acquire(claim), grantedAsWrite);
    if (reply.kind === "granted") await mirrored(claim, reply);
    return reply;
  };
  return {
    async decide(claim) {
      // A store that has just come back is asked for nothing new until it knows all.
      if (rules.whenDown === "refuse") await health.restored();
      if (health.state() !== "up") return decideHere(claim);
      try {
        return await decideThere(claim);
      } catch (error) {
        const surelyNot = storeFailure(error) !== "store_timeout";
        const here = decideHere(claim);
        if (!surelyNot && (rules.whenDown === "refuse" || (await here).kind === "refused")) disown(claim);
        return here;
      }
    },
    restore: decideThere,
  };
}

const NO_LIMITS = { sessionsMax: 0, requestsMax: 0, displace: 0, rpm: 0 } as const;

/** Displacing begins by removing, and what follows a script's first write is taken in any case. */
function grantedAsWrite(reply: Granted | Refused): boolean {
  return reply.kind === "granted" && reply.displaced.length === 0;
}

function away(): HedgerowError {
  return new HedgerowError("store_unreachable", "redis: away, not asked");
}

/** Rounded up: several instances together may exceed a limit by less than one each, and none is left without any. */
function shareOf(claim: Claim, instances: number): Claim {
  const share = (limit: number) => (limit > 0 ? Math.ceil(limit / instances) : limit);
  const { sessionsMax, requestsMax, rpm } = claim;
  return { ...claim, sessionsMax: share(sessionsMax), requestsMax: share(requestsMax), rpm: share(rpm) };
}
