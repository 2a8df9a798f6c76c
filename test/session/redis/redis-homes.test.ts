import { afterAll, beforeAll, expect, test } from "bun:test";
import { systemClock } from "../../../src/core/clock.ts";
import { afterServed, type Homes } from "../../../src/session/home.ts";
import { calls } from "../../../src/session/redis/calls.ts";
import { keys } from "../../../src/session/redis/keys.ts";
import { redisHomes } from "../../../src/session/redis/redis-homes.ts";
import { describeWithRedis, redisServer, type RedisServer } from "../../world/redis.ts";
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
      };
      expected = afterServed(expected, served);
      await homes.served(served, 60_000);
      expect(await homes.read(session)).toEqual(expected);
    }
    await close();
  });

  test("an alias of any length is a short key", async () => {
    const { homes, close } = await homesWorld();
    await homes.writeAlias("}x{".repeat(10_000), { session: sessionId("a"), provider: "main" }, 60_000);
    expect((await server.admin.keys("*")).map((key) => key.length)).toEqual(["hedgerow:{alias:}".length + 22]);
    await close();
  });
});
