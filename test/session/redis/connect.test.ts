import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { background } from "../../../src/core/background.ts";
import { systemClock } from "../../../src/core/clock.ts";
import { secret } from "../../../src/core/secret.ts";
import { calls } from "../../../src/session/redis/calls.ts";
import { checkStore } from "../../../src/session/redis/check.ts";
import { type ConnectRules, connect, type RedisPlace } from "../../../src/session/redis/connect.ts";
import { keys } from "../../../src/session/redis/keys.ts";
import { leaseScripts } from "../../../src/session/redis/lease-scripts.ts";
import { openRedisStore } from "../../../src/session/redis/redis-store.ts";
import { redisLeases } from "../../../src/session/redis/redis-leases.ts";
import { certificate, describeWithRedis, freePort, redisServer, type ServerOptions } from "../../world/redis.ts";

const TIMEOUT_MS = 5000;

/** Connects as `serve` would and tries the store out: its warnings, or the error's code and line. */
async function tried(where: RedisPlace, more: Partial<ConnectRules> = {}, withinMs = 5000): Promise<readonly string[]> {
  const client = connect({ where, username: null, password: null, timeoutMs: TIMEOUT_MS, ...more });
  const store = redisLeases({
    calls: calls({ client, clock: systemClock, observe: () => {}, timeoutMs: TIMEOUT_MS }),
    keys: keys("hedgerow"),
    scripts: leaseScripts(),
    clock: systemClock,
  });
  try {
    return await checkStore({ client, where: where.kind, store, clock: systemClock, withinMs, instance: "test" });
  } finally {
    client.disconnect();
  }
}

const single = (url: string): RedisPlace => ({ kind: "single", url: secret(url) });

async function withServer(options: ServerOptions, body: (url: string, port: number) => Promise<void>): Promise<void> {
  const server = await redisServer(options);
  try {
    await body(server.url, server.port);
  } finally {
    await server.stop();
  }
}

const failureOf = (asked: Promise<unknown>) =>
  asked.then(
    () => null,
    (error: unknown) => error,
  );
const refusal = (line: RegExp) =>
  expect.objectContaining({ code: "store_config", message: expect.stringMatching(line) });

describeWithRedis("connecting to the store", () => {
  test("a single server, over a port or a unix socket, with a database number", async () => {
    await withServer({ listen: "tcp" }, async (url) => expect(await tried(single(`${url}/3`))).toEqual([]));
    await withServer({}, async (url) => expect(await tried(single(`${url}?db=3`))).toEqual([]));
  });

  test("a password, and a user with rights to the prefix only", async () => {
    const acl = ["--user", "app", "on", ">secret", "~hedgerow:*", "+@all", "-@dangerous", "+info"];
    await withServer({ args: ["--requirepass", "default-secret", ...acl], password: "default-secret" }, async (url) => {
      const at = url.replace("redis+unix://", "redis+unix://app:secret@");
      expect(await tried(single(at))).toEqual([]);
      expect(await tried(single(url), { username: "app", password: secret("secret") })).toEqual([]);
      expect(await tried(single(url), { password: secret("default-secret") })).toEqual([]);
    });
  });

  test("a wrong or a missing password is said in one line", async () => {
    await withServer({ args: ["--requirepass", "right"], password: "right" }, async (url) => {
      expect(await failureOf(tried(single(url), { password: secret("wrong") }))).toEqual(refusal(/password is wrong/));
      expect(await failureOf(tried(single(url)))).toEqual(refusal(/asks for a password/));
    });
  });

  test("a user without the rights is told which ones are missing", async () => {
    await withServer({ args: ["--user", "app", "on", ">secret", "~other:*", "+@all"] }, async (url) => {
      const asked = tried(single(url), { username: "app", password: secret("secret") });
      expect(await failureOf(asked)).toEqual(refusal(/needs ~PREFIX/));
    });
  });

  describe("tls", () => {
    let tls: Awaited<ReturnType<typeof certificate>>;
    beforeAll(async () => {
      tls = await certificate("127.0.0.1");
    });
    afterAll(() => tls.remove());

    test("a certificate of a trusted authority for the right name", async () => {
      await withServer({ listen: "tls", tls }, async (url) => {
        expect(await tried(single(url), { authority: readFileSync(tls.ca, "utf8") })).toEqual([]);
      });
    });

    test("an authority that is not trusted, and a name that is not in the certificate", async () => {
      await withServer({ listen: "tls", tls }, async (url) => {
        expect(await failureOf(tried(single(url)))).toEqual(refusal(/not trusted/));
      });
      const other = await certificate("redis.example");
      await withServer({ listen: "tls", tls: other }, async (url) => {
        const asked = tried(single(url), { authority: readFileSync(other.ca, "utf8") });
        expect(await failureOf(asked)).toEqual(refusal(/another name/));
      });
      other.remove();
    });

    test("TLS spoken to a port without it", async () => {
      await withServer({ listen: "tcp" }, async (url) => {
        const asked = tried(single(url.replace("redis:", "rediss:")), {}, 1000);
        expect(await failureOf(asked)).toMatchObject({ code: "store_unreachable" });
      });
    });
  });

  test("a single server named as a cluster, and a cluster's node named as a single server", async () => {
    await withServer({ listen: "tcp" }, async (_, port) => {
      const asked = tried({ kind: "cluster", nodes: [{ host: "127.0.0.1", port }] });
      expect(await failureOf(asked)).toEqual(refusal(/is no cluster/));
    });
    await withServer(
      { listen: "tcp", args: ["--cluster-enabled", "yes", "--cluster-port", String(freePort())] },
      async (url) => {
        expect(await failureOf(tried(single(url)))).toEqual(refusal(/belongs to a cluster/));
      },
    );
  });

  test("a replica", async () => {
    await withServer({ args: ["--replicaof", "127.0.0.1", String(freePort())] }, async (url) => {
      expect(await failureOf(tried(single(url)))).toEqual(refusal(/replica of 127.0.0.1/));
    });
  });

  test("a policy that evicts is warned of, and why", async () => {
    await withServer({ args: ["--maxmemory-policy", "allkeys-lru"] }, async (url) => {
      expect(await tried(single(url))).toEqual([
        expect.stringMatching(/allkeys-lru.*drop the slots of running sessions/),
      ]);
    });
  });

  test("a server that is not there", async () => {
    const asked = tried(single(`redis://127.0.0.1:${freePort()}`), {}, 300);
    expect(await failureOf(asked)).toMatchObject({
      code: "store_unreachable",
      message: expect.stringMatching(/ECONNREFUSED/),
    });
  });

  test("a URL of another kind", async () => {
    expect(await failureOf(tried(single("http://127.0.0.1")))).toEqual(refusal(/must begin with redis/));
  });

  test("a prefix with braces, which would scatter keys over a cluster", async () => {
    const failed = await failureOf(
      openRedisStore({
        where: single("redis://127.0.0.1"),
        username: null,
        password: null,
        timeoutMs: 100,
        prefix: "a{b}",
        whenDown: "share",
        instance: "one",
        leaseTtlMs: () => 1000,
        clock: systemClock,
        random: () => 0,
        background: background(() => {}),
        observe: () => {},
      }),
    );
    expect(failed).toEqual(refusal(/prefix may hold/));
  });
});
