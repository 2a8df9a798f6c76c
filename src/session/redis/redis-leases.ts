import type { Clock } from "../../core/clock.ts";
import type { Claim, Granted, LeaseStore, Refused, Renewal, Scope } from "../lease.ts";
import { type Calls, deadlineTold } from "./calls.ts";
import type { Keys } from "./keys.ts";
import type { LeaseScripts } from "./lease-scripts.ts";
import type { Script } from "./script.ts";
import { serverTime } from "./server-time.ts";

export type RedisLeaseRules = Readonly<{
  calls: Calls;
  keys: Keys;
  scripts: LeaseScripts;
  clock: Clock;
  /** A test's clock in ms; 0 = the server's own, the only one that counts for several instances. */
  testNowMs?: () => number;
}>;

const REFUSED_BY = ["none", "sessions", "requests", "ended", "rpm"] as const;
const VERDICTS = ["lost", "renewed", "ended"] as const;
const NO_DEADLINE = 0;

/** The session store of many processes: each operation is one script, which the server runs alone and by its own clock. */
export function redisLeases({ calls, keys, scripts, clock, testNowMs = () => 0 }: RedisLeaseRules): LeaseStore {
  const server = serverTime(clock);

  /** The reply without its first number, the server's time. */
  const run = async (script: Script, scope: Scope, args: readonly (string | number)[], deadlineMs = NO_DEADLINE) => {
    const scopeKeys = keys.scope(scope);
    const names = script === scripts.acquire ? [...scopeKeys, keys.rate(scope)] : scopeKeys;
    const reply = (await calls.run(script, names, [testNowMs(), deadlineMs, ...args])) as [number, ...unknown[]];
    const [nowMs, ...rest] = reply;
    server.heard(scope, nowMs);
    return rest;
  };

  const acquire = async (claim: Claim, again: boolean): Promise<Granted | Refused> => {
    const deadlineMs = server.deadline(claim.scope, calls.timeoutMs);
    try {
      return answerOf(await run(scripts.acquire, claim.scope, argumentsOf(claim), deadlineMs));
    } catch (error) {
      const nowMs = deadlineTold(error);
      if (nowMs === null || again) throw error;
      server.heard(claim.scope, nowMs); // its clock is not where it was thought to be
      return acquire(claim, true);
    }
  };

  return {
    acquire: (claim) => acquire(claim, false),
    async release(scope, ref, ending, residenceMs) {
      const reply = await run(scripts.release, scope, [ref.lease, ref.session, ending, residenceMs]);
      const [had, refs, freed, sessions] = reply as [number, number, number, number];
      return { had: had === 1, refs, freed: freed === 1, sessions };
    },
    async renew(scope, ttlMs, refs) {
      const reply = await run(scripts.renew, scope, [ttlMs, ...refs.flatMap((ref) => [ref.lease, ref.session])]);
      return (reply as number[]).map((verdict): Renewal => VERDICTS[verdict] ?? "lost");
    },
    async sweep(scope, bound, ttlMaxMs) {
      const reply = await run(scripts.sweep, scope, [bound, ttlMaxMs]);
      const [leases, sessions, more, sessionsLeft] = reply as [number, number, number, number];
      return { leases, sessions, more: more === 1, sessionsLeft };
    },
    async end(scope, session, tombstoneMs) {
      const [leases, freed] = (await run(scripts.end, scope, [session, tombstoneMs])) as [number, number];
      return { leases, freed: freed === 1 };
    },
    count: (scopes) =>
      Promise.all(
        scopes.map(async (scope) => {
          const [sessions, requests] = (await run(scripts.count, scope, [])) as [number, number];
          return { sessions, requests };
        }),
      ),
    // The connection belongs to whoever opened it.
    close: async () => {},
  };
}

function argumentsOf(claim: Claim): readonly (string | number)[] {
  const { lease, session, sessionsMax, requestsMax, ttlMs, force, displace, rpm } = claim;
  return [lease, session, sessionsMax, requestsMax, ttlMs, force ? 1 : 0, displace, rpm];
}

type AcquireReply = [number, number, number, number, number, number, number, ...string[]];

function answerOf(reply: readonly unknown[]): Granted | Refused {
  const [granted, sessions, requests, isNew, refs, refusedBy, retryAfterMs, ...displaced] = reply as AcquireReply;
  const by = REFUSED_BY[refusedBy] ?? "none";
  if (granted === 1 || by === "none") {
    return { kind: "granted", sessions, requests, isNew: isNew === 1, refs, displaced };
  }
  return { kind: "refused", by, sessions, requests, refs, retryAfterMs };
}
