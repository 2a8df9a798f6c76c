import { expect, setDefaultTimeout, test } from "bun:test";
import { systemClock } from "../../../src/core/clock.ts";
import { connect } from "../../../src/session/redis/connect.ts";
import { describeWithRedis, type RedisServer } from "../../world/redis.ts";
import { redisSentinels } from "../../world/redis-sentinels.ts";
import { until } from "./fleet.ts";

setDefaultTimeout(60_000);

const KEY = "hedgerow:mark";

describeWithRedis("a client of sentinels", () => {
  test("leaves a master that they replaced, though it lives and takes writes still", async () => {
    await using owned = new AsyncDisposableStack();
    const house = await redisSentinels();
    owned.defer(() => house.stop());
    const { master, replica, sentinels, nodes, name } = house;
    const where = { kind: "sentinel", name, nodes } as const;
    const more = { username: null, password: null, tls: false, authority: null, timeoutMs: 5000 };
    const client = connect({ where, ...more, clock: systemClock });
    owned.defer(() => client.disconnect());
    const write = () =>
      client.set(KEY, "1").then(
        () => true,
        () => false,
      );
    await until(write);
    await until(async () => (await Promise.all(sentinels.map(listeners))).every((count) => count === 1));
    // The sentinels cannot demote it, so it never closes a connection of itself.
    await master.admin.acl("SETUSER", "default", "-replicaof", "-slaveof");
    await house.failover();
    await replica.admin.del(KEY);
    await until(async () => (await write()) && (await replica.admin.exists(KEY)) === 1);
    expect(await master.admin.info("replication")).toContain("role:master");
    client.disconnect();
    await until(async () => (await Promise.all(sentinels.map(listeners))).every((count) => count === 0));
  });
});

/** Connections of Hedgerow's that stay. */
async function listeners({ admin }: RedisServer): Promise<number> {
  return String(await admin.client("LIST")).split(" sub=1 ").length - 1;
}
