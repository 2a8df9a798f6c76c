/**
 * What an acquire and its release cost in Redis, over TCP and a unix socket: `bun test/bench/leases-redis.ts`, lines as
 * for the memory store. Then the server's own time per script.
 */
import { Redis } from "ioredis";
import { systemClock } from "../../src/core/clock.ts";
import { secret } from "../../src/core/secret.ts";
import { calls } from "../../src/session/redis/calls.ts";
import { keys } from "../../src/session/redis/keys.ts";
import { leaseScripts } from "../../src/session/redis/lease-scripts.ts";
import { redisLeases } from "../../src/session/redis/redis-leases.ts";
import type { LeaseStore } from "../../src/session/lease.ts";
import { memoryLeases } from "../../src/session/memory-leases.ts";
import { claim, SCOPE, sessionId } from "../session/contract-world.ts";
import { member, until } from "../session/redis/fleet.ts";
import { redisServer, type RedisServer } from "../world/redis.ts";
import { benchLeases, printLine } from "./leases.bench.ts";
import { printServerTimes, type ServerTimes, serverTimes } from "./leases-server.ts";

const SESSIONS = [100, 10_000];
const PAIRS = 20_000;
const ALONE = 5000;
const RESIDENCE_MS = 300_000;

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

const at = (sorted: readonly number[], share: number) =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;

/** What one claim adds to a request: the time until its answer, alone. */
async function latency(name: string, store: LeaseStore): Promise<void> {
  const taken: number[] = [];
  for (let i = 0; i < ALONE; i++) {
    const one = claim(`lat.b.${i}`, sessionId(`s${i % 100}`));
    const startMs = performance.now();
    await store.acquire(one);
    taken.push((performance.now() - startMs) * 1000);
    await store.release(SCOPE, one, "done", RESIDENCE_MS);
  }
  taken.sort((a, b) => a - b);
  console.log(`  a claim alone, ${name}: p50 ${at(taken, 0.5).toFixed(0)} us, p99 ${at(taken, 0.99).toFixed(0)} us`);
}

/** How long a fault is visible: the longest that a claim took, and how many were refused, while somebody asks without pause. */
async function fault(name: string, cause: (server: RedisServer) => Promise<void>): Promise<void> {
  const server = await redisServer({ listen: "tcp" });
  const one = await member({ where: { kind: "single", url: secret(server.url) }, name: "bench", timeoutMs: 100 });
  let [longestMs, refused, asked] = [0, 0, 0];
  const over = new AbortController();
  const asking = async () => {
    while (!over.signal.aborted) {
      const startMs = performance.now();
      const held = await one.ask(`s${asked++ % 8}`, 100);
      longestMs = Math.max(longestMs, performance.now() - startMs);
      if (held) one.give(held);
      else refused++;
      await systemClock.sleep(1);
    }
  };
  const load = asking();
  await until(() => asked > 100);
  longestMs = 0;
  await cause(server);
  const backMs = performance.now();
  await until(() => one.store.state() === "up");
  const upMs = performance.now() - backMs;
  over.abort();
  await load;
  const figures = `longest claim ${longestMs.toFixed(0)} ms, ${refused} of ${asked} refused`;
  console.log(`  ${name}: ${figures}, used again ${upMs.toFixed(0)} ms after it was back`);
  await one.close();
  await server.stop();
}

async function benchFaults(): Promise<void> {
  await fault("SIGSTOP for 2 s", async (server) => {
    server.pause();
    await systemClock.sleep(2000);
    server.resume();
  });
  await fault("SIGKILL, empty restart after 1 s", async (server) => {
    await server.crash();
    await systemClock.sleep(1000);
    await server.restart();
  });
  await fault("FLUSHALL", async (server) => void (await server.admin.flushall()));
}

/** The server's own time per script, as a table. */
export async function benchServer(): Promise<void> {
  const server = await redisServer();
  const client = new Redis({ path: server.socket ?? "", enableAutoPipelining: true });
  await serverTimes(server, storeOn(client), 100); // both sides warm up
  const columns = new Map<number, ServerTimes>();
  for (const sessions of SESSIONS) columns.set(sessions, await serverTimes(server, storeOn(client), sessions));
  printServerTimes(columns);
  client.disconnect();
  await server.stop();
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
      if (sessions === 100) await latency(listen, store);
      client.disconnect();
      await server.stop();
    }
  }
}

if (import.meta.main) {
  await latency("memory", memoryLeases({ nowMs: () => performance.now() }));
  await benchRedis();
  await benchServer();
  await benchFaults();
}
