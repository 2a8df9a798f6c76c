import { afterEach, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { sessionHash } from "../../src/core/ids.ts";
import { runHedgerow } from "../world/binary.ts";
import { asSession, gates, startTalk } from "../world/gates.ts";
import { ask, type Heard } from "../world/http.ts";
import { installation } from "../world/installation.ts";
import { admin } from "../world/operate.ts";
import { describeWithRedis, redisServer, type RedisServer } from "../world/redis.ts";
import { eventually } from "../world/scripted-upstream.ts";

setDefaultTimeout(60_000);

/** The talk had said all its content, but not that this was all. */
function expectCut({ body, clean, error }: Heard) {
  expect({ clean, error }).toEqual({ clean: true, error: true });
  expect(body).not.toContain("message_stop");
}

const HASH = sessionHash("anonymous", "mine");

describeWithRedis("instances that share their sessions", () => {
  let redis: RedisServer;
  beforeEach(async () => {
    redis = await redisServer({ listen: "tcp" });
  });
  afterEach(() => redis.stop());

  const shared = (more: Readonly<Record<string, unknown>> = {}) => ({
    sessions: { lease_ttl: "1s", store: "redis", redis: { url: redis.url, timeout: "5s", ...more } },
  });

  test("a session is ended everywhere by one of them, whether or not that one has ever seen it", async () => {
    const gate = gates();
    await using house = installation({ a: gate.talking }, { each: { limits: { sessions: 2 } }, config: shared() });
    const [here, there] = [await house.start("here"), await house.start("there")];
    const [one, two] = [await startTalk(there.url, "mine"), await startTalk(here.url, "mine")];
    await eventually("both are known", async () => (await here.metric("hedgerow_leases")) === 1);
    expect((await admin(here.url, "providers")).body).toMatchObject({
      providers: [{ name: "a", sessions: 1, requests: 2, leases: 1 }],
    });
    const ended = await admin(here.url, "sessions/mine", { method: "DELETE" });
    expect(ended.body).toEqual({ session: HASH, client: "anonymous", leases: 2, cut_here: 1, to_be_cut: 1, freed: 1 });
    for (const talk of [one, two]) expectCut(await talk.rest());
    for (const proxy of [here, there])
      await eventually("no lease is held", async () => (await proxy.metric("hedgerow_leases")) === 0);
    expect(await here.metric("hedgerow_sessions")).toBe(0);
    expect(await there.metric("hedgerow_streams_broken_total", { how: "ended" })).toBe(1);

    const elsewhere = await startTalk(there.url, "mine");
    const told = await runHedgerow(["sessions", "end", "mine", "--url", here.url]);
    expect(told).toMatchObject({
      code: 0,
      stdout: `ended ${HASH} of anonymous: 1 lease (0 cut here, 1 by other instances at their next heartbeat)\n`,
    });
    expectCut(await elsewhere.rest());
  });

  test("a store that is away: figures that only it has are left open, and an end that could not be said is no success", async () => {
    const gate = gates();
    await using house = installation({ a: gate.talking }, { config: shared({ timeout: "300ms" }) });
    const proxy = await house.start("one");
    const talk = await startTalk(proxy.url, "mine");
    redis.pause();
    try {
      await eventually("it is noticed", async () => (await proxy.metric("hedgerow_store_up")) === 0);
      const ready = await fetch(`${proxy.url}/readyz`);
      expect([ready.status, await ready.json()]).toEqual([200, { ready: true, reasons: [], store: "degraded" }]);
      const status = await runHedgerow(["status", "--url", proxy.url]);
      expect(status.code).toBe(0);
      const ended = await runHedgerow(["sessions", "end", "mine", "--url", proxy.url]);
      expect(ended).toMatchObject({ code: 1, stdout: "" });
      expect(ended.stderr).toContain("the session store does not answer");
      // Its own streams are cut all the same.
      expectCut(await talk.rest());
    } finally {
      redis.resume();
    }
    await eventually("the store is back", async () => (await proxy.metric("hedgerow_store_up")) === 1);
    gate.open("later");
    expect((await ask(proxy.url, "anthropic", asSession("later"))).status).toBe(200);
  });

  test("with refuse an instance whose store is away is not ready, and says why", async () => {
    await using house = installation(
      { a: gates().talking },
      { each: { limits: { sessions: 2 } }, config: shared({ timeout: "300ms", when_down: "refuse" }) },
    );
    const proxy = await house.start("one");
    await redis.crash();
    await eventually("it is not ready", async () => (await fetch(`${proxy.url}/readyz`)).status === 503);
    const health = await fetch(`${proxy.url}/health`);
    expect([health.status, await health.json()]).toEqual([
      503,
      { ready: false, reasons: ["store_down"], store: "down" },
    ]);
    expect((await fetch(`${proxy.url}/livez`)).status).toBe(200);
    await redis.restart();
    await eventually("it is ready again", async () => (await fetch(`${proxy.url}/readyz`)).ok);
  });
});
