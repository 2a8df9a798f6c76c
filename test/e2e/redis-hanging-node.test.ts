import { expect, setDefaultTimeout, test } from "bun:test";
import { sessionHash } from "../../src/core/ids.ts";
import { answer } from "../../src/simulator/behaviour.ts";
import { asSession } from "../world/gates.ts";
import { ask } from "../world/http.ts";
import { describeWithRedis, type RedisServer } from "../world/redis.ts";
import { type RedisCluster, redisCluster } from "../world/redis-cluster.ts";
import { redisScope } from "../world/redis-scope.ts";
import { eventually, startWorld } from "../world/scripted-upstream.ts";

setDefaultTimeout(60_000);

const SCOPE = "hedgerow:{provider:a}:active_sessions";
const INSTANCES = "hedgerow:{instances}";
const homeOf = (session: string) => `hedgerow:{home:${sessionHash("anonymous", session)}}`;

describeWithRedis("a cluster's node that holds nothing but homes hangs", () => {
  test("after three silences it is not asked until it answers again; the leases' store is up all the while", async () => {
    await using owned = new AsyncDisposableStack();
    const cluster = owned.adopt(await redisCluster({ replicas: false }), (one) => one.stop());
    const { node, itsSessions, others } = await homesAlone(cluster);
    const world = owned.use(
      await startWorld(
        { a: answer() },
        {
          each: { limits: { sessions: 100 } },
          config: {
            defaults: { hedge: { after: "off" } },
            sessions: { store: "redis", redis: { cluster: cluster.nodes.map(addressOf), timeout: "500ms" } },
          },
        },
      ),
    );
    const { hedgerow, url } = world;
    const failed = (op: string) => hedgerow.metric("hedgerow_store_errors_total", { op });
    const calls = (op: string) => hedgerow.metric("hedgerow_store_seconds_count", { op });
    const changes = () => hedgerow.log().filter(({ level, msg }) => level !== "info" || /store|homes/.test(msg));
    const stickyOf = async (session: string) =>
      (await ask(url, "anthropic", asSession(session))).headers.get("x-hedgerow-sticky");
    const all = [...itsSessions, ...others];
    for (const session of all) expect(await stickyOf(session)).toBe("miss");
    const written = async () => {
      const kept = await Promise.all(
        all.map(async (session) => (await cluster.masterOf(homeOf(session))).admin.exists(homeOf(session))),
      );
      return kept.every((count) => count === 1);
    };
    await eventually("each has a home", written);

    node.pause();
    owned.defer(() => node.resume());
    for (const session of itsSessions) await stickyOf(session);
    await eventually("it is found out", () => changes().length > 0);
    const reads = await calls("home_read");
    const lost = await failed("home_read");
    // Where they live is known here: this instance has served them.
    for (const session of itsSessions) expect(await stickyOf(session)).toBe("hit");
    expect(await calls("home_read")).toBe(reads);
    for (const session of others) expect(await stickyOf(session)).toBe("hit");
    expect(await calls("home_read")).toBe(reads + others.length);
    expect(await failed("home_read")).toBe(lost);

    const probes = await failed("homes_probe");
    await eventually("it is probed twice more", async () => (await failed("homes_probe")) >= probes + 2);
    expect(changes()).toMatchObject([{ level: "warn", msg: "homes_away", node: addressOf(node) }]);
    expect(await hedgerow.metric("hedgerow_store_up")).toBe(1);
    expect(await (await fetch(`${url}/readyz`)).json()).toMatchObject({ ready: true, store: "up" });

    node.resume();
    await eventually("it is back", () => changes().length > 1);
    expect(changes().slice(1)).toMatchObject([{ level: "info", msg: "homes_back", node: addressOf(node) }]);
    for (const session of itsSessions) expect(await stickyOf(session)).toBe("hit");
    expect(await calls("home_read")).toBe(reads + all.length);
    expect(await failed("home_read")).toBe(lost);
    await world.idle();
    const scope = redisScope((await cluster.masterOf(SCOPE)).admin, "provider:a");
    await eventually("no lease is left", async () => (await scope.leases()).length === 0);
    expect(await hedgerow.stop()).toBe(0);
  });
});

const addressOf = ({ port }: Readonly<{ port: number }>) => `127.0.0.1:${port}`;

type HomesAlone = Readonly<{
  node: RedisServer;
  /** Sessions whose homes it holds, and sessions whose homes it does not. */
  itsSessions: readonly string[];
  others: readonly string[];
}>;

/** A node without the scope and the instances. No other is told to take it for dead when it hangs. */
async function homesAlone(cluster: RedisCluster): Promise<HomesAlone> {
  const names = Array.from({ length: 24 }, (_, at) => `s${at}`);
  const homes = await Promise.all(
    names.map(async (session) => ({ session, node: await cluster.masterOf(homeOf(session)) })),
  );
  const busy = [await cluster.masterOf(SCOPE), await cluster.masterOf(INSTANCES)];
  const node = homes.map((home) => home.node).find((one) => !busy.includes(one));
  if (node === undefined) throw new Error("each node holds more than homes");
  for (const { admin } of new Set([...busy, ...homes.map((home) => home.node)]))
    await admin.config("SET", "cluster-node-timeout", "600000");
  const sessionsOf = (its: boolean) =>
    homes.filter((home) => (home.node === node) === its).map(({ session }) => session);
  return { node, itsSessions: sessionsOf(true).slice(0, 5), others: sessionsOf(false).slice(0, 5) };
}
