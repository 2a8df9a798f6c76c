import { expect } from "bun:test";
import { systemClock } from "../../../src/core/clock.ts";
import { secret } from "../../../src/core/secret.ts";
import { calls } from "../../../src/session/redis/calls.ts";
import { checkStore } from "../../../src/session/redis/check.ts";
import { type ConnectRules, connect, type RedisPlace } from "../../../src/session/redis/connect.ts";
import { keys } from "../../../src/session/redis/keys.ts";
import { leaseScripts } from "../../../src/session/redis/lease-scripts.ts";
import { look } from "../../../src/session/redis/look.ts";
import { redisLeases } from "../../../src/session/redis/redis-leases.ts";
import { redisServer, type ServerOptions } from "../../world/redis.ts";

const TIMEOUT_MS = 5000;

/** Connects as `serve` would and tries the store out: its warnings, or the error's code and line. */
export async function tried(
  where: RedisPlace,
  more: Partial<ConnectRules> = {},
  withinMs = 5000,
): Promise<readonly string[]> {
  const plain = { username: null, password: null, tls: false, authority: null };
  const rules = { where, ...plain, timeoutMs: TIMEOUT_MS, clock: systemClock, ...more };
  const client = connect(rules);
  const store = redisLeases({
    calls: calls({ client, clock: systemClock, observe: () => {}, timeoutMs: TIMEOUT_MS }),
    keys: keys("hedgerow"),
    scripts: leaseScripts(),
    clock: systemClock,
  });
  try {
    return await checkStore({
      client,
      where: where.kind,
      look: () => look(rules),
      store,
      clock: systemClock,
      withinMs,
      instance: "test",
    });
  } finally {
    client.disconnect();
  }
}

export const single = (url: string): RedisPlace => ({ kind: "single", url: secret(url) });

export async function withServer(
  options: ServerOptions,
  body: (url: string, port: number) => Promise<void>,
): Promise<void> {
  const server = await redisServer(options);
  try {
    await body(server.url, server.port);
  } finally {
    await server.stop();
  }
}

/** A server and the sentinel that watches it, both of one kind. */
export async function withSentinel(
  options: ServerOptions,
  body: (where: RedisPlace & { kind: "sentinel" }) => Promise<void>,
  sentinelConfig = "",
): Promise<void> {
  await withServer(options, async (_, port) => {
    const config = `sentinel monitor slots 127.0.0.1 ${port} 1\n${sentinelConfig}`;
    const args = options.listen === "tls" ? ["--tls-replication", "yes"] : [];
    await withServer({ ...options, args, sentinel: true, config }, async (_, sentinelPort) => {
      await body({ kind: "sentinel", name: "slots", nodes: [{ host: "127.0.0.1", port: sentinelPort }] });
    });
  });
}

export const failureOf = (asked: Promise<unknown>) =>
  asked.then(
    () => null,
    (error: unknown) => error,
  );
export const refusal = (line: RegExp) =>
  expect.objectContaining({ code: "store_config", message: expect.stringMatching(line) });
