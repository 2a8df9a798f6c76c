import { afterAll, beforeAll, expect, test } from "bun:test";
import { describeWithRedis, redisServer, type RedisServer } from "../../world/redis.ts";
import { claim, sessionId, START_MS } from "../contract-world.ts";
import { describeLeaseContract } from "../contract.ts";
import { runClockSteps, runModel } from "../model-run.ts";
import { firstDifference } from "./differential.ts";
import { redisWorld } from "./redis-world.ts";

describeWithRedis("redis leases", () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await redisServer();
  });
  afterAll(() => server.stop());

  describeLeaseContract("redis", () => redisWorld(server));

  test("replies as the model does to random sequences", async () => {
    await runModel(() => redisWorld(server), { runs: 40 });
  });

  test("keeps nothing too long after a clock that went both ways", async () => {
    await runClockSteps(() => redisWorld(server), { runs: 15 });
  });

  for (const seed of [1, 2, 3, 4, 5, 6, 7, 8]) {
    test(`replies as the memory store does to 5,000 operations, seed ${seed}`, async () => {
      const world = await redisWorld(server);
      expect(await firstDifference(world, { seed, operations: 5000 })).toBeNull();
      await world.close();
    });
  }

  test("replies the same when the server forgets its scripts between any two commands", async () => {
    const world = await redisWorld(server);
    const flush = async () => void (await server.admin.script("FLUSH"));
    expect(await firstDifference(world, { seed: 5, operations: 1000, before: flush })).toBeNull();
    await world.close();
  });

  test("a member of an older version counts until its score, is adopted by an acquire and swept once lapsed", async () => {
    const world = await redisWorld(server);
    const [old, other] = [sessionId("old"), sessionId("other")];
    world.setNow(START_MS);
    const key = "hedgerow:{provider:main}:active_sessions";
    await server.admin.zadd(key, START_MS + 5000, old, START_MS + 1000, other);
    expect(await world.store.acquire(claim("l1", sessionId("new"), { sessionsMax: 2 }))).toMatchObject({
      by: "sessions",
    });
    // Nobody can say that it is idle, so it is not displaced either.
    expect(await world.store.acquire(claim("l1", sessionId("new"), { sessionsMax: 2, displace: 64 }))).toMatchObject({
      by: "sessions",
    });
    expect(await world.store.acquire(claim("l2", old, { sessionsMax: 2, ttlMs: 100 }))).toMatchObject({
      isNew: false,
      refs: 1,
    });
    expect(await world.store.release("provider:main", { lease: "l2", session: old }, "reverted", 0)).toMatchObject({
      freed: false,
    });
    world.setNow(START_MS + 1000);
    expect(await world.store.sweep("provider:main", 10, 60_000)).toEqual({
      leases: 0,
      sessions: 1,
      more: false,
      sessionsLeft: 1,
    });
    world.setNow(START_MS + 5000);
    expect(await world.store.sweep("provider:main", 10, 60_000)).toMatchObject({ sessions: 1, sessionsLeft: 0 });
    expect(await server.admin.keys("*")).toEqual([]);
    await world.close();
  });

  test("a field of refs that nothing stands for is removed by the sweep", async () => {
    const world = await redisWorld(server);
    world.setNow(START_MS);
    await world.store.acquire(claim("l1", sessionId("a"), { ttlMs: 1000 }));
    await server.admin.zrem("hedgerow:{provider:main}:active_session_leases", `l1|${sessionId("a")}`);
    world.setNow(START_MS + 1000);
    await world.store.sweep("provider:main", 10, 60_000);
    expect(await server.admin.keys("*")).toEqual([]);
    await world.close();
  });

  test("a script that arrives after its deadline does nothing, and the call is made once more on the server's own time", async () => {
    const world = await redisWorld(server);
    world.setNow(START_MS);
    await world.store.count(["provider:main"]);
    world.setNow(START_MS + 3_600_000);
    await server.admin.config("RESETSTAT");
    expect(await world.store.acquire(claim("l1", sessionId("a")))).toMatchObject({ kind: "granted", requests: 1 });
    expect(await server.admin.info("commandstats")).toMatch(/cmdstat_evalsha:calls=2,/);
    await world.close();
  });

  test("every key of an operation lies in one cluster slot", async () => {
    const world = await redisWorld(server);
    world.setNow(START_MS);
    await world.store.acquire(claim("l1", sessionId("a"), { scope: "client:app", rpm: 60 }));
    await world.store.release("client:app", { lease: "l1", session: sessionId("a") }, "done", 1000);
    await world.store.acquire(claim("l2", sessionId("a"), { scope: "client:app" }));
    const names = await server.admin.keys("*");
    expect(names.map((name) => name.slice(name.indexOf(":"))).sort()).toEqual([
      ":{client:app}:active_session_leases",
      ":{client:app}:active_session_marks",
      ":{client:app}:active_session_rate",
      ":{client:app}:active_session_refs",
      ":{client:app}:active_sessions",
    ]);
    await world.close();
  });
});
