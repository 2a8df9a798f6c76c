import { expect, setDefaultTimeout, test } from "bun:test";
import { asSession, gates, startTalk } from "../world/gates.ts";
import { ask } from "../world/http.ts";
import { describeWithRedis, redisServer } from "../world/redis.ts";
import { redisScope } from "../world/redis-scope.ts";
import { eventually, startWorld } from "../world/scripted-upstream.ts";

setDefaultTimeout(60_000);

describeWithRedis("a store that is frozen", () => {
  test("when it thaws it grants nothing of what a proxy asked that was killed meanwhile: nobody would give it back", async () => {
    await using owned = new AsyncDisposableStack();
    const redis = await redisServer({ listen: "tcp" });
    owned.defer(() => redis.stop());
    const scope = redisScope(redis.admin, "provider:a");
    const gate = gates();
    const sessions = { store: "redis", lease_ttl: "10m", redis: { url: redis.url, timeout: "500ms" } };
    const world = owned.use(
      await startWorld(
        { a: gate.talking },
        { each: { limits: { sessions: 4 } }, config: { defaults: { hedge: { after: "off" } }, sessions } },
      ),
    );
    const { hedgerow, url } = world;
    gate.open("first");
    expect((await ask(url, "anthropic", asSession("first"))).status).toBe(200); // the server's clock is known by that
    await eventually("it resides", async () => Bun.deepEquals(await scope.live(), { sessions: 1, leases: 0 }));

    redis.pause();
    for (const session of ["a1", "a2", "a3"]) await startTalk(url, session);
    const probed = () => hedgerow.metric("hedgerow_store_errors_total", { op: "heartbeat" });
    await eventually("a probe has failed, after all that was asked", async () => (await probed()) > 0);
    await hedgerow.kill9();
    redis.resume();
    // What lay in its connections has been read when they are gone.
    await eventually("it is gone", async () => !String(await redis.admin.client("LIST")).includes("name=hedgerow "));
    expect(await scope.leases()).toEqual([]);
    expect(await scope.live()).toEqual({ sessions: 1, leases: 0 });
    expect(await redis.admin.info("errorstats")).toMatch(/errorstat_DEADLINE:count=[1-9]/); // it was asked, late
  });
});
