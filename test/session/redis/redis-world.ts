import { Redis } from "ioredis";
import { systemClock } from "../../../src/core/clock.ts";
import type { ProxyEvent } from "../../../src/core/events.ts";
import { calls } from "../../../src/session/redis/calls.ts";
import { keys } from "../../../src/session/redis/keys.ts";
import { type LeaseScripts, leaseScripts } from "../../../src/session/redis/lease-scripts.ts";
import { redisLeases } from "../../../src/session/redis/redis-leases.ts";
import type { RedisServer } from "../../world/redis.ts";
import type { TestStore } from "../contract.ts";

/** Generous: a busy machine must not fail a test of rules. */
const TIMEOUT_MS = 10_000;

export type RedisWorld = TestStore & Readonly<{ client: Redis; events: ProxyEvent[] }>;

/** A store on an empty real server, its clock moved by hand. */
export async function redisWorld(server: RedisServer, scripts: LeaseScripts = leaseScripts()): Promise<RedisWorld> {
  const client = new Redis({ path: server.socket ?? "", enableAutoPipelining: true });
  await client.flushall();
  const events: ProxyEvent[] = [];
  let nowMs = 0;
  const store = redisLeases({
    calls: calls({ client, clock: systemClock, observe: (event) => events.push(event), timeoutMs: TIMEOUT_MS }),
    keys: keys("hedgerow"),
    scripts,
    clock: systemClock,
    testNowMs: () => nowMs,
  });
  return {
    store,
    client,
    events,
    setNow(ms) {
      nowMs = ms;
    },
    async close() {
      client.disconnect();
    },
  };
}
