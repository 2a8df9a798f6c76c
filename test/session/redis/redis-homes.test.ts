import { afterAll, beforeAll, expect, test } from "bun:test";
import { Cluster, Redis } from "ioredis";
import { systemClock } from "../../../src/core/clock.ts";
import type { ProxyEvent } from "../../../src/core/events.ts";
import { afterServed, type Homes } from "../../../src/session/home.ts";
import { calls, type RedisClient } from "../../../src/session/redis/calls.ts";
import { keys } from "../../../src/session/redis/keys.ts";
import { redisHomes } from "../../../src/session/redis/redis-homes.ts";
import { freePort } from "../../world/free-port.ts";
import { redisCluster } from "../../world/redis-cluster.ts";
import { describeWithRedis, redisServer, type RedisServer } from "../../world/redis.ts";
import { eventually } from "../../world/scripted-upstream.ts";
import { START_MS, sessionId } from "../contract-world.ts";
import { describeHomeContract, type TestHomes } from "../home-contract.ts";
import { redisWorld } from "./redis-world.ts";
import { seeded } from "../../world/seeded.ts";

describeWithRedis("redis homes", () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await redisServer();
  });
  afterAll(() => server.stop());

  async function homesWorld(): Promise<TestHomes> {
    const { client, close } = await redisWorld(server);
    const homes = redisHomes(
      calls({ client, clock: systemClock, observe: () => {}, timeoutMs: 10_000 }),
      keys("hedgerow"),
    );
    let nowMs = START_MS;
    return {
      homes,
      close,
      /** The server's clock cannot be moved; bringing every expiry nearer by as much comes to the same. */
      async setNow(ms) {
        const passedMs = ms - nowMs;
        nowMs = ms;
        for (const key of await server.admin.keys("*")) {
          await server.admin.pexpire(key, (await server.admin.pttl(key)) - passedMs);
        }
      },
    };
  }

  describeHomeContract("redis", homesWorld);

  test("the script decides as the rule does, for 2,000 answers", async () => {
    const { homes, close } = await homesWorld();
    const random = seeded(1);
    const one = <T>(of: readonly T[]): T => of[Math.floor(random() * of.length)] as T;
    const session = sessionId("a");
    let expected: Homes = [];
    for (let i = 0; i < 2000; i++) {
      const served = {
        session,
        model: one(["", "m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8", "m|9", "m 10"]),
        provider: one(["main", "spare", "other"]),
        homeLost: random() < 0.1,
        race: one(["won", "lost", null, null] as const),
        aliases: [],
      };
      expected = afterServed(expected, served);
      await homes.served(served, 60_000);
      expect(await homes.read(session)).toEqual(expected);
    }
    await close();
  });

  /** The operations of two answers with an id each, which are then found again with their sessions. */
  async function asked(client: RedisClient, cluster: boolean): Promise<readonly string[][]> {
    const ops: string[] = [];
    const observe = (event: ProxyEvent) => {
      if (event.kind === "store_call") ops.push(event.failed ? `${event.op} refused` : event.op);
    };
    const homes = redisHomes(calls({ client, clock: systemClock, observe, timeoutMs: 10_000 }), keys("h"), cluster);
    const told: string[][] = [];
    for (const name of ["a", "b"]) {
      const answer = { session: sessionId(name), model: "m", provider: "main", homeLost: false, race: null };
      await homes.served({ ...answer, aliases: [`resp_${name}`] }, 60_000);
      told.push(ops.splice(0).toSorted());
      expect(await homes.readAlias(`resp_${name}`)).toEqual({ session: sessionId(name), provider: "main" });
      expect(await homes.read(sessionId(name))).toEqual([{ model: "m", home: { provider: "main", races: "" } }]);
      ops.length = 0;
    }
    return told;
  }

  test("one server takes an answer's ids with its home", async () => {
    const { client, close } = await redisWorld(server);
    expect(await asked(client, false)).toEqual([["home_served"], ["home_served"]]);
    await close();
  });

  test("a cluster keeps an answer's ids elsewhere than its home", async () => {
    await using owned = new AsyncDisposableStack();
    const cluster = owned.adopt(await redisCluster({ replicas: false }), (one) => one.stop());
    const client = new Cluster([...cluster.nodes], { enableAutoPipelining: true });
    owned.defer(() => client.disconnect());
    const apart = ["alias_write", "home_served"];
    expect(await asked(client, true)).toEqual([apart, apart]);
  });

  test("a cluster behind a single address tells so once", async () => {
    await using owned = new AsyncDisposableStack();
    const args = ["--cluster-enabled", "yes", "--cluster-port", String(await freePort())];
    const node = owned.adopt(await redisServer({ listen: "tcp", args }), (one) => one.stop());
    await node.admin.call("CLUSTER", "ADDSLOTSRANGE", 0, 16_383);
    const ready = async () => (await node.admin.cluster("INFO")).includes("cluster_state:ok");
    await eventually("it serves all slots", ready);
    const client = owned.adopt(new Redis(node.port, "127.0.0.1"), (one) => one.disconnect());
    const apart = ["alias_write", "home_served"];
    expect(await asked(client, false)).toEqual([[...apart, "home_served refused"], apart]);
  });

  test("an alias of any length is a short key", async () => {
    const { homes, close } = await homesWorld();
    await homes.writeAlias("}x{".repeat(10_000), { session: sessionId("a"), provider: "main" });
    expect((await server.admin.keys("*")).map((key) => key.length)).toEqual(["hedgerow:{alias:}".length + 22]);
    await close();
  });
});
