import { afterAll, beforeAll, expect, test } from "bun:test";
import { IMPATIENT_MS, type Member, member, SCOPE, until } from "../session/redis/fleet.ts";
import { describeWithRedis, redisServer, type RedisServer } from "../world/redis.ts";

const NAME = "slots";
const KEY = `hedgerow:{${SCOPE}}:active_session_leases`;

describeWithRedis("a master and a replica watched by three sentinels", () => {
  let master: RedisServer;
  let replica: RedisServer;
  let sentinels: RedisServer[];
  beforeAll(async () => {
    master = await redisServer({ listen: "tcp", args: ["--repl-diskless-sync-delay", "0"] });
    replica = await redisServer({ listen: "tcp", args: ["--replicaof", "127.0.0.1", String(master.port)] });
    await until(async () => (await replica.admin.info("replication")).includes("master_link_status:up"));
    const config = [
      `sentinel monitor ${NAME} 127.0.0.1 ${master.port} 2`,
      `sentinel down-after-milliseconds ${NAME} 500`,
      `sentinel failover-timeout ${NAME} 2000`,
    ].join("\n");
    sentinels = await Promise.all([1, 2, 3].map(() => redisServer({ listen: "tcp", sentinel: true, config })));
    for (const one of sentinels) {
      await until(async () => {
        const info = await one.admin.info("sentinel");
        return info.includes("sentinels=3") && info.includes("slaves=1");
      });
    }
  }, 30_000);
  afterAll(async () => {
    for (const one of [...sentinels, replica, master]) await one.stop();
  });

  test("a master that is killed: decided here meanwhile, and its successor is told what runs", async () => {
    const nodes = sentinels.map(({ port }) => ({ host: "127.0.0.1", port }));
    const where = { kind: "sentinel" as const, name: NAME, nodes };
    const one: Member = await member({ where, name: "one", leaseTtlMs: 900, timeoutMs: IMPATIENT_MS });
    const running = [await one.ask("a", 3), await one.ask("b", 3)];
    await master.crash();
    await until(() => one.store.state() === "down");
    running.push(await one.ask("c", 3));
    expect(await one.ask("d", 3)).toBeNull();
    await until(() => one.store.state() === "up");
    expect((await replica.admin.info("replication")).includes("role:master")).toBe(true);
    await until(async () => (await replica.admin.zcard(KEY)) === 3);
    expect(await one.ask("d", 3)).toBeNull();
    for (const held of running) if (held) one.give(held);
    await until(async () => (await replica.admin.zcard(KEY)) === 0);
    await one.close();
  }, 60_000);
});
