import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { background } from "../../../src/core/background.ts";
import { systemClock } from "../../../src/core/clock.ts";
import { secret } from "../../../src/core/secret.ts";
import type { RedisPlace } from "../../../src/session/redis/connect.ts";
import { openRedisStore } from "../../../src/session/redis/redis-store.ts";
import { freePort } from "../../world/free-port.ts";
import { type Certificate, certificate, describeWithRedis } from "../../world/redis.ts";
import { redisCluster } from "../../world/redis-cluster.ts";
import { failureOf, refusal, single, tried, withSentinel, withServer } from "./connect-world.ts";

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

  test("what is said of the user goes before what the URL says", async () => {
    await withServer({ listen: "tcp", args: ["--requirepass", "right"], password: "right" }, async (url) => {
      const at = single(url.replace("redis://", "redis://:wrong@"));
      expect(await tried(at, { password: secret("right") })).toEqual([]);
    });
  });

  describe("tls", () => {
    let made: Certificate;
    let authority: string;
    beforeAll(async () => {
      made = await certificate("127.0.0.1");
      authority = readFileSync(made.ca, "utf8");
    });
    afterAll(() => made.remove());

    test("a certificate of a trusted authority for the right name", async () => {
      await withServer({ listen: "tls", tls: made }, async (url) => {
        expect(await tried(single(url), { authority })).toEqual([]);
      });
    });

    test("any of several authorities", async () => {
      await using owned = new AsyncDisposableStack();
      const other = owned.adopt(await certificate("127.0.0.1"), ({ remove }) => remove());
      await withServer({ listen: "tls", tls: other }, async (url) => {
        expect(await tried(single(url), { authority: authority + readFileSync(other.ca, "utf8") })).toEqual([]);
      });
    });

    test("an authority that is not trusted, and a name that is not in the certificate", async () => {
      await withServer({ listen: "tls", tls: made }, async (url, port) => {
        expect(await failureOf(tried(single(url)))).toEqual(refusal(/not trusted: .*sessions\.redis\.ca/));
        const asked = tried(single(`rediss://localhost:${port}`), { authority });
        expect(await failureOf(asked)).toEqual(refusal(/another name .*localhost/));
      });
    });

    test("a server that wants a certificate of its clients", async () => {
      await withServer({ listen: "tls", tls: made, args: ["--tls-auth-clients", "yes"] }, async (url) => {
        expect(await failureOf(tried(single(url), { authority }))).toEqual(refusal(/asks for a TLS certificate/));
      });
    });

    test("the master that sentinels know, and the sentinels themselves", async () => {
      await withSentinel({ listen: "tls", tls: made }, async (where) => {
        expect(await tried(where, { tls: true, authority })).toEqual([]);
      });
    });

    test("every node of a cluster, by the name it goes by", async () => {
      await using owned = new AsyncDisposableStack();
      const named = owned.adopt(await certificate("localhost"), ({ remove }) => remove());
      const cluster = await redisCluster({ replicas: false, tls: named, name: "localhost" });
      owned.defer(() => cluster.stop());
      const where = { kind: "cluster", nodes: cluster.nodes.slice(0, 1) } as const;
      expect(await tried(where, { tls: true, authority: readFileSync(named.ca, "utf8") })).toEqual([]);
    });

    test("a node of a cluster that goes by a name which its certificate is not for", async () => {
      await using owned = new AsyncDisposableStack();
      const cluster = await redisCluster({ replicas: false, tls: made, name: "localhost" });
      owned.defer(() => cluster.stop());
      const nodes = cluster.nodes.slice(0, 1).map(({ port }) => ({ host: "127.0.0.1", port }));
      const asked = tried({ kind: "cluster", nodes }, { tls: true, authority });
      expect(await failureOf(asked)).toEqual(refusal(/another name .*localhost/));
    });
  });

  test("a single server named as a cluster, and a cluster's node named as a single server", async () => {
    await withServer({ listen: "tcp" }, async (_, port) => {
      const asked = tried({ kind: "cluster", nodes: [{ host: "127.0.0.1", port }] });
      expect(await failureOf(asked)).toEqual(refusal(/is no cluster/));
    });
    await withServer(
      { listen: "tcp", args: ["--cluster-enabled", "yes", "--cluster-port", String(await freePort())] },
      async (url) => {
        expect(await failureOf(tried(single(url)))).toEqual(refusal(/belongs to a cluster/));
      },
    );
  });

  test("a sentinel named as a single server or as a cluster, and a server named as a sentinel", async () => {
    await withSentinel({ listen: "tcp" }, async ({ nodes }) => {
      const at = `redis://127.0.0.1:${nodes[0]?.port}`;
      expect(await failureOf(tried(single(at)))).toEqual(refusal(/is a sentinel \(of slots\): name it in/));
      expect(await failureOf(tried(single(`${at}/3`)))).toEqual(
        refusal(/a sentinel is named in sessions.redis.sentinel/),
      );
      expect(await failureOf(tried({ kind: "cluster", nodes }))).toEqual(refusal(/are no nodes of one: sentinels are/));
    });
    await withServer({ listen: "tcp" }, async (_, port) => {
      const asked = tried({ kind: "sentinel", name: "slots", nodes: [{ host: "127.0.0.1", port }] });
      expect(await failureOf(asked)).toEqual(refusal(/are no sentinels: name those/));
    });
  });

  test("a database that the server has not, and a user who may not choose one", async () => {
    await withServer({ listen: "tcp", args: ["--databases", "4"] }, async (url) => {
      expect(await tried(single(`${url}/3`))).toEqual([]);
      expect(await failureOf(tried(single(`${url}/4`)))).toEqual(refusal(/has no database of the number in/));
    });
    await withServer({ args: ["--user", "app", "on", ">secret", "~*", "+@all", "-select"] }, async (url) => {
      const user = { username: "app", password: secret("secret") };
      expect(await tried(single(url), user)).toEqual([]);
      expect(await failureOf(tried(single(`${url}?db=3`), user))).toEqual(refusal(/needs ~PREFIX.*select/));
    });
  });

  test("a replica", async () => {
    await withServer({ args: ["--replicaof", "127.0.0.1", String(await freePort())] }, async (url) => {
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
    const asked = tried(single(`redis://127.0.0.1:${await freePort()}`), {}, 300);
    expect(await failureOf(asked)).toMatchObject({
      code: "store_unreachable",
      message: expect.stringMatching(/ECONNREFUSED/),
    });
  });

  test("a cluster that is not there, and a master that sentinels do not know, are named in words of the servers", async () => {
    const port = await freePort();
    expect(await failureOf(tried({ kind: "cluster", nodes: [{ host: "127.0.0.1", port }] }, {}, 300))).toMatchObject({
      code: "store_unreachable",
      message: `redis: cannot be reached: connect ECONNREFUSED 127.0.0.1:${port}`,
    });
    await withSentinel({ listen: "tcp" }, async (where) => {
      expect(await failureOf(tried({ ...where, name: "other" }, {}, 300))).toMatchObject({
        code: "store_unreachable",
        message: expect.stringMatching(/cannot be reached: the sentinel at .* knows no master named other/),
      });
    });
  });

  test("sentinels with a password of their own: missing, wrong, right", async () => {
    const guarded = async (where: RedisPlace & { kind: "sentinel" }) => {
      expect(await failureOf(tried(where))).toEqual(
        refusal(/the sentinels ask for a password: set sessions.redis.sentinel.password/),
      );
      expect(await failureOf(tried({ ...where, password: secret("wrong") }))).toEqual(
        refusal(/the username or password of the sentinels is wrong/),
      );
      expect(await tried({ ...where, password: secret("watch-word") })).toEqual([]);
      expect(await tried({ ...where, username: "hedgerow", password: secret("hedge-word") })).toEqual([]);
    };
    await withSentinel(
      { listen: "tcp" },
      guarded,
      "requirepass watch-word\nuser hedgerow on >hedge-word allchannels +@all",
    );
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
        tls: false,
        authority: null,
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
