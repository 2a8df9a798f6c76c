import { afterAll, beforeAll, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { sessionHash } from "../../src/core/ids.ts";
import { answer, status } from "../../src/simulator/behaviour.ts";
import type { Hedgerow } from "../world/binary.ts";
import { asSession, gates, startTalk } from "../world/gates.ts";
import { ask } from "../world/http.ts";
import { installation } from "../world/installation.ts";
import { describeWithRedis, redisServer, type RedisServer } from "../world/redis.ts";
import { respProxy } from "../world/resp-proxy.ts";
import { redisScope } from "../world/redis-scope.ts";
import { eventually, type WorldOptions } from "../world/scripted-upstream.ts";

setDefaultTimeout(60_000);

describeWithRedis("proxies that share a store", () => {
  let redis: RedisServer;
  beforeAll(async () => {
    redis = await redisServer({ listen: "tcp" });
  });
  beforeEach(async () => void (await redis.admin.flushall()));
  afterAll(() => redis.stop());

  const options = (sessions: Readonly<Record<string, unknown>>): WorldOptions => ({
    each: { limits: { sessions: 2 } },
    config: {
      server: { port: 0, drain: "0s" },
      defaults: { hedge: { after: "off" } },
      sessions: { store: "redis", redis: { url: redis.url, timeout: "5s" }, ...sessions },
    },
  });

  test("the operator of one ends a session: its stream at the other is cut with an honest end, and its slot is free", async () => {
    const gate = gates();
    const scope = redisScope(redis.admin, "provider:a");
    await using house = installation({ a: gate.talking }, options({ lease_ttl: "1s", idle: "hold" }));
    const [one, two] = [await house.start("one"), await house.start("two")];
    const stuck = await startTalk(two.url, "stuck");
    const other = await startTalk(two.url, "other");
    const session = sessionHash("anonymous", "stuck");
    const told = await fetch(`${one.url}/admin/api/sessions/${session}`, { method: "DELETE" });
    expect(told.status).toBe(200);
    expect(await told.json()).toMatchObject({ session, leases: 1, cut_here: 0, to_be_cut: 1 });
    expect(await startTalk(one.url, "next").then(() => "served")).toBe("served");
    expect(await stuck.rest()).toMatchObject({ error: true });
    await eventually("two streams run", () => house.upstream.a.running() === 2);
    expect(await scope.live()).toEqual({ sessions: 2, leases: 2 });
    for (const name of ["other", "next", "stuck"]) gate.open(name);
    expect(await other.rest()).toMatchObject({ clean: true, error: false });
    await eventually("no lease is left", async () => (await scope.leases()).length === 0);
    // It was that conversation's requests that were ended: a new one is as good as any, once there is room.
    expect((await ask(one.url, "anthropic", asSession("stuck"))).headers.get("x-hedgerow-error")).toBe(
      "providers_full",
    );
    expect((await ask(two.url, "anthropic", asSession("next"))).status).toBe(200);
  });

  test("a home that one moved is where the other asks first", async () => {
    await using house = installation({ a: status(500), b: answer() }, options({}));
    const [one, two] = [await house.start("one"), await house.start("two")];
    expect(await placeOf(one, "wanderer")).toEqual({ provider: "b", sticky: "miss", attempts: "2" });
    house.upstream.a.behave(answer());
    await eventually("its home is known", async () => (await redis.admin.keys("hedgerow:{home:*")).length === 1);
    expect(await placeOf(two, "wanderer")).toEqual({ provider: "b", sticky: "hit", attempts: "1" });
    expect(await placeOf(two, "stranger")).toEqual({ provider: "a", sticky: "miss", attempts: "1" });
  });

  test("a limit is one limit, whoever is asked", async () => {
    const gate = gates();
    await using house = installation({ a: gate.talking }, options({ idle: "hold" }));
    const [one, two] = [await house.start("one"), await house.start("two")];
    await startTalk(one.url, "first");
    await startTalk(two.url, "second");
    for (const proxy of [one, two]) {
      expect((await ask(proxy.url, "anthropic", asSession("third"))).status).toBe(429);
      expect(await proxy.metric("hedgerow_sessions", { provider: "a" })).toBe(2);
      expect(await proxy.metric("hedgerow_leases", { provider: "a" })).toBe(1);
    }
    // A session that counts already is let in anywhere.
    gate.open("first");
    expect((await ask(two.url, "anthropic", asSession("first"))).status).toBe(200);
  });

  test("a freed slot at one is found by who waits at the other", async () => {
    const gate = gates();
    await using house = installation({ a: gate.talking }, options({ wait: "30s" }));
    const [one, two] = [await house.start("one"), await house.start("two")];
    for (const name of ["first", "second"]) await startTalk(one.url, name);
    const waiting = startTalk(two.url, "third");
    await eventually("one waits", async () => (await two.metric("hedgerow_waiting")) === 1);
    gate.open("first");
    expect(await waiting.then(() => "served")).toBe("served");
  });

  test("with refuse a provider without limits serves on while the store is away", async () => {
    using between = respProxy({ port: redis.port });
    const store = { url: `redis://127.0.0.1:${between.port}`, timeout: "500ms", when_down: "refuse" };
    await using house = installation(
      { a: answer(), b: answer() },
      { ...options({ lease_ttl: "1s" }), only: { b: { limits: {} } } },
    );
    const one = await house.start("one", { redis: store });
    expect((await placeOf(one, "first")).provider).toBe("a");
    between.cutOff();
    await eventually("the store is away", async () => (await one.metric("hedgerow_store_up")) === 0);
    expect((await placeOf(one, "second")).provider).toBe("b");
    expect((await fetch(`${one.url}/readyz`)).status).toBe(503);
    between.mend();
    await eventually("the store is back", async () => (await one.metric("hedgerow_store_up")) === 1);
    expect((await placeOf(one, "third")).provider).toBe("a");
  });

  test("one that shuts down has given everything back when it is gone", async () => {
    const gate = gates();
    const scope = redisScope(redis.admin, "provider:a");
    // No lease lapses and nothing is swept while this test runs: what goes was given back.
    await using house = installation({ a: gate.talking }, options({ lease_ttl: "10m", sweep_every: "10m" }));
    const [one, two] = [await house.start("one"), await house.start("two")];
    gate.open("resident");
    expect((await ask(one.url, "anthropic", asSession("resident"))).status).toBe(200);
    const cut = await startTalk(one.url, "cut");
    expect(await scope.live()).toMatchObject({ sessions: 2 });
    expect(await one.stop()).toBe(0);
    expect(await cut.rest()).toMatchObject({ error: true });
    expect((await scope.leases()).length).toBe(0);
    expect(await redis.admin.zcard("hedgerow:{instances}")).toBe(1);
    // Who was answered resides on, at whichever proxy it asks next.
    expect(await scope.live()).toEqual({ sessions: 1, leases: 0 });
    expect((await placeOf(two, "resident")).sticky).toBe("hit");
  });

  test("one that shuts down while the store hangs is gone all the same", async () => {
    const gate = gates();
    await using house = installation({ a: gate.talking }, options({ lease_ttl: "10m" }));
    const one = await house.start("one");
    const cut = await startTalk(one.url, "cut");
    redis.pause();
    try {
      expect(await one.stop()).toBe(0);
    } finally {
      redis.resume();
    }
    expect(await cut.rest()).toMatchObject({ error: true });
  });
});

/** Where a session is served, and how it came there. */
async function placeOf(proxy: Hedgerow, session: string) {
  const { headers } = await ask(proxy.url, "anthropic", asSession(session));
  const of = (name: string) => headers.get(`x-hedgerow-${name}`);
  return { provider: of("provider"), sticky: of("sticky"), attempts: of("attempts") };
}
