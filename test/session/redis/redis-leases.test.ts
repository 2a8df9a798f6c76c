import { afterAll, beforeAll, expect, test } from "bun:test";
import { describeWithRedis, redisServer, type RedisServer } from "../../world/redis.ts";
import { claim, sessionId, START_MS } from "../contract-world.ts";
import { describeLeaseContract } from "../contract.ts";
import { runClockSteps, runModel } from "../model-run.ts";
import { firstDifference } from "./differential.ts";
import { redisWorld } from "./redis-world.ts";

/** How many commands the scripts of an operation gave the server, and how many members of sets they asked for. */
async function insideOf(
  { admin }: RedisServer,
  operation: () => Promise<unknown>,
): Promise<Readonly<{ reply: unknown; commands: number; looked: number }>> {
  const monitor = await admin.monitor();
  const seen: string[][] = [];
  const marker = Promise.withResolvers<void>();
  monitor.on("monitor", (_time: string, words: string[], source: string) => {
    if (source === "lua") seen.push(words);
    if (words[1] === "all was done") marker.resolve();
  });
  const reply = await operation();
  await admin.echo("all was done");
  await marker.promise;
  monitor.disconnect();
  const asked = (words: readonly string[]) => {
    const limit = words.findIndex((word) => word.toUpperCase() === "LIMIT");
    if (limit >= 0) return Number(words[limit + 2]);
    const [name = "", , from = "0", to = "0"] = words;
    return name.toUpperCase() === "ZRANGE" ? Number(to) - Number(from) + 1 : 0;
  };
  return { reply, commands: seen.length, looked: seen.reduce((sum, words) => sum + asked(words), 0) };
}

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

  test("what an older version runs is neither displaced nor forgotten", async () => {
    const world = await redisWorld(server);
    const [old, idle, next] = [sessionId("old"), sessionId("idle"), sessionId("next")];
    const key = "hedgerow:{provider:main}:active_session";
    const asked = { sessionsMax: 2, displace: 16 };
    world.setNow(START_MS);
    await world.store.acquire(claim("l1", idle));
    await world.store.release("provider:main", { lease: "l1", session: idle }, "done", 9000);
    // As it takes a lease for a session that resides: it neither files the residence elsewhere nor notes the lease's name.
    await server.admin.zadd(`${key}s`, START_MS + 5000, old);
    await server.admin.zadd(`${key}_marks`, START_MS + 2000, `R|${old}`);
    await server.admin.zadd(`${key}_leases`, START_MS + 5000, `l9|${old}`);
    await server.admin.hincrby(`${key}_refs`, old, 1);
    expect(await world.store.acquire(claim("l2", next, asked))).toMatchObject({ displaced: [idle] });
    expect(await world.store.acquire(claim("l3", idle, asked))).toMatchObject({ by: "sessions" });
    // Both of its leases are known to the other when one of them ends.
    await world.store.acquire(claim("l4", old));
    await world.store.release("provider:main", { lease: "l4", session: old }, "failed", 0);
    world.setNow(START_MS + 4999);
    expect(await world.store.count(["provider:main"])).toEqual([{ sessions: 2, requests: 2 }]);
    world.setNow(START_MS + 5000);
    expect(await world.store.count(["provider:main"])).toEqual([{ sessions: 1, requests: 1 }]);
    await world.close();
  });

  test("a session with more leases than are noted counts until the last of them", async () => {
    const world = await redisWorld(server);
    const many = sessionId("many");
    world.setNow(START_MS);
    const leases = Array.from({ length: 200 }, (_, at) => `instance.boot.${at}`);
    for (const [at, lease] of leases.entries()) await world.store.acquire(claim(lease, many, { ttlMs: 1000 + at }));
    const [last = "", ...others] = leases.toReversed();
    expect(await server.admin.hget("hedgerow:{provider:main}:active_session_refs", `L|${many}`)).not.toContain(last);
    for (const lease of others.slice(1))
      await world.store.release("provider:main", { lease, session: many }, "reverted", 0);
    world.setNow(START_MS + 1198);
    expect(await world.store.count(["provider:main"])).toEqual([{ sessions: 1, requests: 1 }]);
    expect(await world.store.release("provider:main", { lease: last, session: many }, "reverted", 0)).toMatchObject({
      freed: true,
      refs: 1,
    });
    await world.store.sweep("provider:main", 10, 60_000);
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

  test("an acquire asks the server for little on every path, however many sessions run or reside", async () => {
    const world = await redisWorld(server);
    const [many, residenceMs] = [600, 100_000];
    const named = (at: number) => sessionId(`s${at}`);
    const full = { sessionsMax: many, displace: 1024 };
    const settle = async (at: number) => {
      await world.store.acquire(claim(`l${at}`, named(at)));
      await world.store.release("provider:main", { lease: `l${at}`, session: named(at) }, "done", residenceMs);
    };
    world.setNow(START_MS);
    for (let at = 0; at < many; at++) await settle(at);
    const displacing = await insideOf(server, () => world.store.acquire(claim("new", sessionId("new"), full)));
    expect(displacing.reply).toMatchObject({ displaced: [named(0)] });
    for (let at = 1; at < many; at++) await world.store.acquire(claim(`m${at}`, named(at), { ttlMs: 60_000 }));
    const refused = await insideOf(server, () => world.store.acquire(claim("x", sessionId("x"), full)));
    expect(refused.reply).toMatchObject({ by: "sessions" });
    await settle(many);
    const behind = await insideOf(server, () =>
      world.store.acquire(claim("y", sessionId("y"), { ...full, sessionsMax: many + 1 })),
    );
    expect(behind.reply).toMatchObject({ displaced: [named(many)] });
    const second = await insideOf(server, () => world.store.acquire(claim("new2", sessionId("new"), full)));
    expect(second.reply).toMatchObject({ kind: "granted", refs: 2 });
    for (const { commands, looked } of [displacing, refused, behind, second]) {
      expect(commands).toBeLessThanOrEqual(35);
      expect(looked).toBeLessThanOrEqual(16);
    }
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
