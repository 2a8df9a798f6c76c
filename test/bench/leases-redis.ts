/**
 * What an acquire and its release cost in Redis, over TCP and a unix socket: `bun test/bench/leases-redis.ts`, lines as
 * for the memory store. Then the server's own time per script, from `INFO commandstats` (the microseconds that the server
 * spent in EVALSHA, divided by its calls) with one operation run alone at a time.
 */
import { Redis } from "ioredis";
import { systemClock } from "../../src/core/clock.ts";
import { calls } from "../../src/session/redis/calls.ts";
import { keys } from "../../src/session/redis/keys.ts";
import { leaseScripts } from "../../src/session/redis/lease-scripts.ts";
import { redisLeases } from "../../src/session/redis/redis-leases.ts";
import type { LeaseStore } from "../../src/session/lease.ts";
import { claim, SCOPE, sessionId } from "../session/contract-world.ts";
import { redisServer, type RedisServer } from "../world/redis.ts";
import { benchLeases, printLine } from "./leases.bench.ts";

const SESSIONS = [100, 10_000];
const PAIRS = 20_000;
const ALONE = 5000;
const RESIDENCE_MS = 300_000;
const TTL_MS = 30_000;

/** A store on a server, as in production: server time, deadlines, auto-pipelining. */
function storeOn(client: Redis): LeaseStore {
  return redisLeases({
    calls: calls({ client, clock: systemClock, observe: () => {}, timeoutMs: 5000 }),
    keys: keys("hedgerow"),
    scripts: leaseScripts(),
    clock: systemClock,
  });
}

async function usedBytes({ admin }: RedisServer): Promise<number> {
  return Number(/used_memory:(\d+)/.exec(await admin.info("memory"))?.[1] ?? 0);
}

/** Microseconds in the server per script while `work` ran and nothing else did. */
async function serverTime({ admin }: RedisServer, work: () => Promise<void>): Promise<number> {
  await admin.config("RESETSTAT");
  await work();
  return Number(/cmdstat_evalsha:.*?usec_per_call=([\d.]+)/.exec(await admin.info("commandstats"))?.[1] ?? Number.NaN);
}

async function timeEachScript(server: RedisServer, store: LeaseStore, sessions: number): Promise<void> {
  const refs = Array.from({ length: ALONE }, (_, i) => ({ lease: `i.b.${i}`, session: sessionId(`s${i % sessions}`) }));
  const each = (call: (at: number) => Promise<unknown>) => async () => {
    for (let at = 0; at < refs.length; at++) await call(at);
  };
  const ref = (at: number) => refs[at] ?? { lease: "", session: "" };
  const limits = { sessionsMax: sessions, requestsMax: 100_000 };
  const operations: Readonly<Record<string, () => Promise<void>>> = {
    acquire: each((at) => store.acquire(claim(ref(at).lease, ref(at).session, limits))),
    "acquire again": each((at) => store.acquire(claim(ref(at).lease, ref(at).session, limits))),
    "acquire refused": each((at) => store.acquire(claim("x.b.1", sessionId(`new${at}`), limits))),
    "renew of one": each((at) => store.renew(SCOPE, TTL_MS, [ref(at)])),
    "renew of 200": async () => {
      for (let at = 0; at + 200 <= refs.length; at += 200) await store.renew(SCOPE, TTL_MS, refs.slice(at, at + 200));
    },
    count: each(() => store.count([SCOPE])),
    "release done": each((at) => store.release(SCOPE, ref(at), "done", RESIDENCE_MS)),
    sweep: each(() => store.sweep(SCOPE, 1000, RESIDENCE_MS)),
  };
  for (const [name, work] of Object.entries(operations)) {
    const us = await serverTime(server, work);
    console.log(`  in the server, ${sessions} sessions: ${name.padEnd(16)} ${us.toFixed(1).padStart(8)} us`);
  }
}

export async function benchRedis(): Promise<void> {
  for (const listen of ["unix", "tcp"] as const) {
    for (const sessions of SESSIONS) {
      const server = await redisServer({ listen });
      const at = server.socket === null ? { port: server.port } : { path: server.socket };
      const client = new Redis({ ...at, enableAutoPipelining: true });
      const store = storeOn(client);
      const bytesUsed = () => usedBytes(server);
      printLine(await benchLeases(`redis, ${listen}`, store, { sessions, pairs: PAIRS, bytesUsed }));
      if (listen === "unix") await timeEachScript(server, store, sessions);
      client.disconnect();
      await server.stop();
    }
  }
}

if (import.meta.main) await benchRedis();
