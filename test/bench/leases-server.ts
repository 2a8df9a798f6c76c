/**
 * The Redis server's own time per script, from `INFO commandstats`: the microseconds that it spent in EVALSHA divided by
 * its calls, one operation alone at a time, in a scope of so many sessions that all reside or all run. It is a clock's time,
 * so what else the machine does meanwhile is in it; of the means of many rounds the median is told.
 */
import type { Claim, LeaseRef, LeaseStore } from "../../src/session/lease.ts";
import { claim, SCOPE, sessionId } from "../session/contract-world.ts";
import type { RedisServer } from "../world/redis.ts";

/** Microseconds a call, by operation. */
export type ServerTimes = ReadonlyMap<string, number>;

const CALLS = 2000;
/** Calls a round; so many sessions are displaced in a row before the scope is put back. */
const ROUND = 50;
const RENEWED_AT_ONCE = 200;
/** Nothing lapses while it is measured. */
const LONG_MS = 3_600_000;
const DISPLACE_MAX = 1024;

/** The store and its server, with the means of what the server spends put down under a name. */
type Bench = Readonly<{
  acquire(ref: LeaseRef, more?: Partial<Claim>): ReturnType<LeaseStore["acquire"]>;
  release(ref: LeaseRef, ending: "done" | "reverted"): Promise<unknown>;
  renew(refs: readonly LeaseRef[]): Promise<unknown>;
  time(name: string, calls: number, call: (at: number) => Promise<unknown>): Promise<void>;
  times: ServerTimes;
}>;

function bench({ admin }: RedisServer, store: LeaseStore): Bench {
  const means = new Map<string, number[]>();
  return {
    acquire: (ref, more = {}) => store.acquire(claim(ref.lease, ref.session, { ttlMs: LONG_MS, ...more })),
    release: (ref, ending) => store.release(SCOPE, ref, ending, LONG_MS),
    renew: (refs) => store.renew(SCOPE, LONG_MS, refs),
    async time(name, calls, call) {
      for (let from = 0; from < calls; from += ROUND) {
        await admin.config("RESETSTAT");
        for (let at = from; at < Math.min(calls, from + ROUND); at++) await call(at);
        const mean = /cmdstat_evalsha:.*?usec_per_call=([\d.]+)/.exec(await admin.info("commandstats"))?.[1];
        means.set(name, [...(means.get(name) ?? []), Number(mean)]);
      }
    },
    get times() {
      return new Map(
        [...means].map(([name, all]) => [name, all.toSorted((a, b) => a - b)[all.length >> 1] ?? Number.NaN]),
      );
    },
  };
}

const refOf = (session: string): LeaseRef => ({ lease: `i.b.${session.replaceAll("_", "")}`, session });
const known = (at: number) => refOf(sessionId(`s${at}`));
const newcomer = (at: number) => refOf(sessionId(`n${at}`));
const beside = (at: number) => ({ ...known(at), lease: `i.c.${at}` });

async function comeAndRest({ acquire, release }: Bench, ref: LeaseRef): Promise<void> {
  await acquire(ref, { force: true });
  await release(ref, "done");
}

/** Newcomers take the places of idle sessions, a round at a time; after each round the idle are there again. */
async function displace(one: Bench, name: string, sessionsMax: number): Promise<void> {
  const displace = Math.min(2 * sessionsMax, DISPLACE_MAX);
  for (let round = 0; round < CALLS / ROUND; round++) {
    const gone: string[] = [];
    await one.time(name, ROUND, async (at) => {
      const reply = await one.acquire(newcomer(at), { sessionsMax, displace });
      gone.push(...(reply.kind === "granted" ? reply.displaced : []));
    });
    if (gone.length !== ROUND) throw new Error(`${name}: ${gone.length} were displaced`);
    for (let at = 0; at < ROUND; at++) await one.release(newcomer(at), "reverted");
    for (const session of gone) await comeAndRest(one, refOf(session));
  }
}

/** Empties the server first. */
export async function serverTimes(server: RedisServer, store: LeaseStore, sessions: number): Promise<ServerTimes> {
  await server.admin.flushdb();
  const one = bench(server, store);
  const { acquire, release, renew, time } = one;
  const many = Math.min(sessions, CALLS);
  const full = { sessionsMax: sessions, requestsMax: 10 * sessions };
  const displacing = { ...full, displace: Math.min(2 * sessions, DISPLACE_MAX) };

  await time("acquire: a new session, room", sessions, (at) => acquire(known(at), full));
  await time("acquire: a lease that is held", many, (at) => acquire(known(at), full));
  await time("renew one", many, (at) => renew([known(at)]));
  await time("release: answered", sessions, (at) => release(known(at), "done"));
  // All reside from here on, and nobody runs.
  await time("acquire: a session that resides", many, (at) => acquire(known(at), full));
  await time("release: reverted", many, (at) => release(known(at), "reverted"));
  await time("acquire: refused for sessions", many, (at) => acquire(newcomer(at), full));
  await displace(one, "acquire: displacing one, all reside", sessions);
  for (let at = 0; at < sessions; at++) await acquire(known(at), full);
  // All run from here on, and have residences from before.
  await time("acquire: refused for requests", many, (at) => acquire(newcomer(at), { ...full, requestsMax: 1 }));
  await time("acquire: displacing, refused as all run", many, (at) => acquire(newcomer(at), displacing));
  await time("acquire: beside another of its session", many, (at) => acquire(beside(at), full));
  await time("release: reverted beside another", many, (at) => release(beside(at), "reverted"));
  for (let at = 0; at < ROUND; at++) await comeAndRest(one, refOf(sessionId(`idle${at}`)));
  await displace(one, "acquire: displacing one, all others run", sessions + ROUND);
  const batch = Array.from({ length: Math.min(sessions, RENEWED_AT_ONCE) }, (_, at) => known(at));
  await time(`renew ${RENEWED_AT_ONCE} (as many as there are)`, 20, () => renew(batch));
  await time("count", many, () => store.count([SCOPE]));
  await time("sweep, nothing to be swept", many, () => store.sweep(SCOPE, 1000, LONG_MS));
  return one.times;
}

/** As a Markdown table, one column a number of sessions. */
export function printServerTimes(columns: ReadonlyMap<number, ServerTimes>): void {
  const names = [...new Set([...columns.values()].flatMap((times) => [...times.keys()]))];
  const cells = [...columns.keys()].map((sessions) => `${sessions.toLocaleString("en")} sessions`);
  console.log(`\n| server time a call | ${cells.join(" | ")} |\n|---|${"---|".repeat(columns.size)}`);
  for (const name of names) {
    const values = [...columns.values()].map((times) => `${(times.get(name) ?? Number.NaN).toFixed(0)} µs`);
    console.log(`| ${name} | ${values.join(" | ")} |`);
  }
}

if (import.meta.main) {
  // Imported late, because it measures with what stands here.
  const { benchServer } = await import("./leases-redis.ts");
  await benchServer();
}
