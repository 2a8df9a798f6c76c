import { expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Redis } from "ioredis";
import { asSession, gates, startTalk } from "../world/gates.ts";
import { ask } from "../world/http.ts";
import { certificate, describeWithRedis, redisServer } from "../world/redis.ts";
import { redisCluster } from "../world/redis-cluster.ts";
import { redisScope } from "../world/redis-scope.ts";
import { eventually, startWorld } from "../world/scripted-upstream.ts";

setDefaultTimeout(60_000);

const SCOPE = "provider:a";
const PREFIX = "house.of-one_7";

describeWithRedis("the binary counts its sessions in", () => {
  test("a server over TLS, for a user who may touch the prefix alone", async () => {
    await using owned = new AsyncDisposableStack();
    const folder = owned.adopt(mkdtempSync(join(tmpdir(), "hedgerow-places-")), (path) =>
      rmSync(path, { recursive: true }),
    );
    const passwordFile = join(folder, "password");
    const made = owned.adopt(await certificate("127.0.0.1"), ({ remove }) => remove());
    const user = ["--user", "app", "on", ">own-secret", `~${PREFIX}:*`, "+@all", "-@dangerous", "+info"];
    const server = await redisServer({
      listen: "tls",
      tls: made,
      args: ["--requirepass", "other", ...user],
      password: "other",
    });
    owned.defer(() => server.stop());
    const redis = { url: server.url, username: "app", password: "own-secret" };
    await countsIn(redis, server.admin, { NODE_EXTRA_CA_CERTS: made.ca });
    const { password: text, ...others } = redis;
    writeFileSync(passwordFile, `${text}\n`);
    await countsIn({ ...others, password_file: passwordFile, ca: made.ca }, server.admin);
  });

  test("the master that sentinels know", async () => {
    await using owned = new AsyncDisposableStack();
    const master = await redisServer({ listen: "tcp" });
    owned.defer(() => master.stop());
    const config = `sentinel monitor slots 127.0.0.1 ${master.port} 1`;
    const sentinel = await redisServer({ listen: "tcp", sentinel: true, config });
    owned.defer(() => sentinel.stop());
    await countsIn({ sentinel: { name: "slots", nodes: [`127.0.0.1:${sentinel.port}`] } }, master.admin);
  });

  test("the master that sentinels know, over TLS and with a password to them and to it", async () => {
    await using owned = new AsyncDisposableStack();
    const tls = owned.adopt(await certificate("127.0.0.1"), ({ remove }) => remove());
    const master = await redisServer({
      listen: "tls",
      tls,
      args: ["--requirepass", "open-sesame"],
      password: "open-sesame",
    });
    owned.defer(() => master.stop());
    const config = `sentinel monitor slots 127.0.0.1 ${master.port} 1\nsentinel auth-pass slots open-sesame\nrequirepass watch-word`;
    const args = ["--tls-replication", "yes"];
    const sentinel = await redisServer({ listen: "tls", tls, sentinel: true, config, args });
    owned.defer(() => sentinel.stop());
    const nodes = [`127.0.0.1:${sentinel.port}`];
    const watched = { name: "slots", nodes, password: "watch-word" };
    const redis = { sentinel: watched, password: "open-sesame", tls: true, ca: tls.ca };
    await countsIn(redis, master.admin);
  });

  test("a cluster, on the master of its scope", async () => {
    await using owned = new AsyncDisposableStack();
    const cluster = await redisCluster();
    owned.defer(() => cluster.stop());
    const { admin } = await cluster.masterOf(`${PREFIX}:{${SCOPE}}:active_sessions`);
    const [node] = cluster.nodes;
    await countsIn({ cluster: [`${node?.host}:${node?.port}`] }, admin);
  });

  test("a cluster over TLS, whose nodes go by a name", async () => {
    await using owned = new AsyncDisposableStack();
    const tls = owned.adopt(await certificate("localhost"), ({ remove }) => remove());
    const cluster = await redisCluster({ replicas: false, tls, name: "localhost" });
    owned.defer(() => cluster.stop());
    const { admin } = await cluster.masterOf(`${PREFIX}:{${SCOPE}}:active_sessions`);
    const [node] = cluster.nodes;
    await countsIn({ cluster: [`${node?.host}:${node?.port}`], tls: true, ca: tls.ca }, admin);
  });
});

/** One session fills a provider of one, is seen in the server, and leaves nothing but its residence. */
async function countsIn(
  redis: Readonly<Record<string, unknown>>,
  admin: Redis,
  env: Readonly<Record<string, string>> = {},
): Promise<void> {
  const gate = gates();
  await using world = await startWorld(
    { a: gate.talking },
    {
      env,
      each: { limits: { sessions: 1 } },
      config: { sessions: { store: "redis", redis: { ...redis, prefix: PREFIX, timeout: "5s", when_down: "refuse" } } },
    },
  );
  const scope = redisScope(admin, SCOPE, PREFIX);
  const stream = await startTalk(world.url, "one");
  expect(await scope.live()).toEqual({ sessions: 1, leases: 1 });
  expect((await ask(world.url, "anthropic", asSession("two"))).headers.get("x-hedgerow-error")).toBe("providers_full");
  gate.open("one");
  expect(await stream.rest()).toMatchObject({ clean: true, error: false });
  await eventually("it resides", async () => Bun.deepEquals(await scope.live(), { sessions: 1, leases: 0 }));
  expect(await world.hedgerow.stop()).toBe(0);
  expect(world.hedgerow.printed()).not.toMatch(/own-secret|open-sesame/);
}
