import { afterAll, beforeAll, expect, test } from "bun:test";
import { describeWithRedis } from "../../world/redis.ts";
import { type RedisCluster, redisCluster } from "../../world/redis-cluster.ts";
import { type Member, member, SCOPE, until } from "./fleet.ts";

const key = (kind: string) => `hedgerow:{${SCOPE}}:active_session${kind}`;

describeWithRedis("a cluster one of whose nodes takes no writes", () => {
  let cluster: RedisCluster;
  beforeAll(async () => {
    cluster = await redisCluster({ replicas: false });
  }, 30_000);
  afterAll(() => cluster.stop());

  const storeEvents = (one: Member) => one.events.filter((event) => event.kind === "store").map((event) => event.up);
  const calls = (one: Member, op: string, failed: boolean) =>
    one.events.filter((event) => event.kind === "store_call" && event.op === op && event.failed === failed).length;

  test("that of a scope is full: the store is away until it has room, though the others take all", async () => {
    const { admin, port } = await cluster.masterOf(key("s"));
    expect((await cluster.masterOf("hedgerow:{instances}")).port).not.toBe(port);
    const one = await member({ where: { kind: "cluster", nodes: cluster.nodes }, name: "one", leaseTtlMs: 600 });
    const before = await one.ask("a", 4);
    await admin.config("SET", "maxmemory", "1");
    const held = [before, ...(await Promise.all(["b", "c", "d"].map((session) => one.ask(session, 4))))];
    await until(() => one.store.state() === "down");
    const beats = calls(one, "heartbeat", false);
    await until(() => calls(one, "probe", true) >= 2);
    expect(calls(one, "heartbeat", false)).toBeGreaterThanOrEqual(beats + 2); // the other node takes them
    expect(storeEvents(one)).toEqual([false]);

    await admin.config("SET", "maxmemory", "0");
    await until(() => one.store.state() === "up");
    await until(async () => (await admin.zcard(key("_leases"))) === held.length);
    for (const lease of held) if (lease) one.give(lease);
    await until(async () => (await admin.zcard(key("_leases"))) === 0);
    expect(storeEvents(one)).toEqual([false, true]);
    await one.close();
  });
});
