import { afterEach, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { judge } from "../session/redis/history.ts";
import type { Hedgerow } from "../world/binary.ts";
import { asSession, type Gates, gates, startTalk } from "../world/gates.ts";
import { ask } from "../world/http.ts";
import { type Installation, installation } from "../world/installation.ts";
import { describeWithRedis, redisServer, type RedisServer } from "../world/redis.ts";
import { type RedisScope, redisScope } from "../world/redis-scope.ts";
import { respProxy } from "../world/resp-proxy.ts";
import { eventually } from "../world/scripted-upstream.ts";

setDefaultTimeout(60_000);

type RedisKeys = Readonly<Record<string, unknown>>;

const SCOPE = "provider:a";
const LEASE_TTL_MS = 1_000;
/** Long enough for a busy machine, short enough to be waited for. */
const TIMEOUT = "500ms";

describeWithRedis("a store that goes away", () => {
  let redis: RedisServer;
  let scope: RedisScope;
  let gate: Gates;
  let house: Installation<"a">;
  beforeEach(async () => {
    redis = await redisServer({ listen: "tcp" });
    scope = redisScope(redis.admin, SCOPE);
    gate = gates();
  });
  afterEach(async () => {
    await house[Symbol.asyncDispose]();
    await redis.stop();
  });

  /** Proxies that share the limit, and know of each other. */
  async function start(limit: number, names: readonly string[], keysOf: (name: string) => RedisKeys = () => ({})) {
    house = installation(
      { a: gate.talking },
      {
        each: { limits: { sessions: limit } },
        config: {
          defaults: { hedge: { after: "off" } },
          sessions: { lease_ttl: `${LEASE_TTL_MS}ms`, store: "redis" },
        },
      },
    );
    const proxies = await Promise.all(
      names.map((name) => house.start(name, { redis: { url: redis.url, timeout: TIMEOUT, ...keysOf(name) } })),
    );
    const sinceMs = await scope.nowMs();
    await eventually("each has counted all", async () => {
      const beats = await redis.admin.zcount("hedgerow:{instances}", `(${sinceMs}`, "+inf");
      return beats === names.length && proxies.length === names.length;
    });
    return proxies;
  }

  test("frozen for longer than two lease TTLs: shared out meanwhile, restored whole, and no stream notices", async () => {
    const [one, two] = pair(await start(4, ["one", "two"]));
    const sessions = ["a1", "a2", "a3", "a4"];
    const streams = await Promise.all(sessions.map((session) => startTalk(one.url, session)));
    redis.pause();
    await down(one, two);
    const frozenMs = performance.now();
    for (const proxy of [one, two]) {
      expect(await readyz(proxy)).toEqual({ status: 200, ready: true, reasons: [], store: "degraded" });
      expect(await proxy.metric("hedgerow_store_up")).toBe(0);
    }
    // Half of the limit each, on its own count: the one has its part and more, the other has none yet.
    expect(await refusal(one, "b0")).toBe("providers_full");
    streams.push(await startTalk(two.url, "b1"), await startTalk(two.url, "b2"));
    expect(await refusal(two, "b3")).toBe("providers_full");
    await eventually("two lease TTLs are over", () => performance.now() - frozenMs > 2 * LEASE_TTL_MS);
    expect(house.upstream.a.running()).toBe(6);
    redis.resume();
    await up(one, two);
    await eventually("all is restored", async () => Bun.deepEquals(await scope.live(), { sessions: 6, leases: 6 }));
    for (const proxy of [one, two]) {
      expect(await readyz(proxy)).toEqual({ status: 200, ready: true, reasons: [], store: "up" });
      expect(await proxy.metric("hedgerow_store_up")).toBe(1);
      expect(await refusal(proxy, "c1")).toBe("providers_full");
    }
    // Nobody new comes in until the excess is gone.
    for (const session of ["a1", "a2"]) gate.open(session);
    await eventually("four run", async () => (await scope.live()).leases === 4);
    expect(await refusal(two, "c1")).toBe("providers_full");
    gate.open("a3");
    await eventually("three run", async () => (await scope.live()).leases === 3);
    streams.push(await startTalk(two.url, "c1"));
    expect((await scope.live()).sessions).toBe(4);

    for (const session of ["a4", "b1", "b2", "c1"]) gate.open(session);
    for (const stream of streams) expect(await stream.rest()).toMatchObject({ clean: true, error: false });
    await eventually("no lease is left", async () => (await scope.leases()).length === 0);
    // All of the limit, and the other's share of it: (instances - 1) x ceil(limit / instances) more.
    expect(judge(house.history, SCOPE)).toMatchObject({ unreleased: [], twice: [], peakSessions: 6 });
    for (const proxy of [one, two]) expect(changes(proxy)).toEqual(["store down", "store up"]);
  });

  test("killed, and back empty: it is told all that runs", async () => {
    const [one, two] = pair(await start(4, ["one", "two"]));
    const streams = [await startTalk(one.url, "a1"), await startTalk(one.url, "a2"), await startTalk(two.url, "b1")];
    await redis.crash();
    await down(one, two);
    await redis.restart();
    await up(one, two);
    await eventually("all is restored", async () => Bun.deepEquals(await scope.live(), { sessions: 3, leases: 3 }));
    streams.push(await startTalk(two.url, "b2"));
    for (const proxy of [one, two]) expect(await refusal(proxy, "c1")).toBe("providers_full");
    for (const session of ["a1", "a2", "b1", "b2"]) gate.open(session);
    for (const stream of streams) expect(await stream.rest()).toMatchObject({ clean: true, error: false });
    await eventually("no lease is left", async () => (await scope.leases()).length === 0);
    expect(judge(house.history, SCOPE)).toMatchObject({ unreleased: [], twice: [], peakSessions: 4 });
    for (const proxy of [one, two]) expect(changes(proxy)).toEqual(["store down", "store up"]);
  });

  test("emptied while it runs: a heartbeat later it knows again what runs", async () => {
    const [one, two] = pair(await start(3, ["one", "two"]));
    const streams = [await startTalk(one.url, "a1"), await startTalk(one.url, "a2"), await startTalk(two.url, "b1")];
    await redis.admin.flushall();
    await eventually("all is restored", async () => Bun.deepEquals(await scope.live(), { sessions: 3, leases: 3 }));
    for (const proxy of [one, two]) expect(await refusal(proxy, "c1")).toBe("providers_full");
    for (const session of ["a1", "a2", "b1"]) gate.open(session);
    for (const stream of streams) expect(await stream.rest()).toMatchObject({ clean: true, error: false });
    await eventually("no lease is left", async () => (await scope.leases()).length === 0);
    for (const proxy of [one, two]) expect(changes(proxy)).toEqual([]);
  });

  test("its replies are lost: whoever asks is served, and no slot is left that nobody knows of", async () => {
    using proxy = respProxy({ port: redis.port });
    const [one] = pair(await start(2, ["one"], () => ({ url: `redis://127.0.0.1:${proxy.port}` })));
    proxy.loseReplies();
    const streams = await Promise.all(["a1", "a2"].map((session) => startTalk(one.url, session)));
    expect(await refusal(one, "a3")).toBe("providers_full");
    await down(one);
    proxy.mend();
    await up(one);
    for (const session of ["a1", "a2"]) gate.open(session);
    for (const stream of streams) expect(await stream.rest()).toMatchObject({ clean: true, error: false });
    await eventually("both reside", async () => Bun.deepEquals(await scope.live(), { sessions: 2, leases: 0 }));
    await eventually("no lease is left", async () => (await scope.leases()).length === 0);
    expect(judge(house.history, SCOPE)).toMatchObject({ unreleased: [], twice: [], peakSessions: 2 });
    expect(changes(one)).toEqual(["store down", "store up"]);
  });

  test("out of reach for one of two: it keeps what it has, takes no more, and tells all of it when it is back", async () => {
    using proxy = respProxy({ port: redis.port });
    const [one, two] = pair(
      await start(2, ["one", "two"], (name) => (name === "one" ? { url: `redis://127.0.0.1:${proxy.port}` } : {})),
    );
    const streams = [await startTalk(one.url, "a1"), await startTalk(one.url, "a2")];
    proxy.cutOff();
    await down(one);
    await eventually("its leases have lapsed", async () => (await scope.live()).leases === 0);
    expect(await refusal(one, "a3")).toBe("providers_full");
    streams.push(await startTalk(two.url, "b1"), await startTalk(two.url, "b2"));
    expect(await refusal(two, "b3")).toBe("providers_full");
    proxy.mend();
    await up(one);
    expect(await scope.live()).toEqual({ sessions: 4, leases: 4 });
    for (const each of [one, two]) expect(await refusal(each, "c1")).toBe("providers_full");
    for (const session of ["a1", "a2", "b1", "b2"]) gate.open(session);
    for (const stream of streams) expect(await stream.rest()).toMatchObject({ clean: true, error: false });
    await eventually("no lease is left", async () => (await scope.leases()).length === 0);
    // The limit at those who have the store, and once more at the one who does not.
    expect(judge(house.history, SCOPE)).toMatchObject({ unreleased: [], twice: [], peakSessions: 4 });
    expect(changes(one)).toEqual(["store down", "store up"]);
    expect(changes(two)).toEqual([]);
  });

  test("with open each proxy goes up to the whole limit by itself", async () => {
    const [one, two] = pair(await start(2, ["one", "two"], () => ({ when_down: "open" })));
    await redis.crash();
    await down(one, two);
    const streams = [];
    for (const [name, proxy] of [
      ["a", one],
      ["b", two],
    ] as const) {
      streams.push(await startTalk(proxy.url, `${name}1`), await startTalk(proxy.url, `${name}2`));
      expect(await refusal(proxy, `${name}3`)).toBe("providers_full");
    }
    for (const session of ["a1", "a2", "b1", "b2"]) gate.open(session);
    for (const stream of streams) expect(await stream.rest()).toMatchObject({ clean: true, error: false });
    expect(judge(house.history, SCOPE)).toMatchObject({ unreleased: [], twice: [], peakSessions: 4 });
  });

  test("with refuse nobody new comes in, readiness says so, and what runs goes on", async () => {
    const [one] = pair(await start(2, ["one"], () => ({ when_down: "refuse" })));
    const stream = await startTalk(one.url, "a1");
    await redis.crash();
    await down(one);
    expect(await readyz(one)).toEqual({ status: 503, ready: false, reasons: ["store_down"], store: "down" });
    const refused = await ask(one.url, "anthropic", asSession("a2"));
    expect(refused).toMatchObject({ status: 503, error: true });
    expect(refused.headers.get("x-hedgerow-error")).toBe("store_down");
    gate.open("a1");
    expect(await stream.rest()).toMatchObject({ clean: true, error: false });
    await redis.restart();
    await up(one);
    expect(await readyz(one)).toMatchObject({ status: 200, store: "up" });
    gate.open("a2");
    expect((await ask(one.url, "anthropic", asSession("a2"))).status).toBe(200);
    // The answered session resides, though the store was away when it was answered.
    await eventually("both reside", async () => Bun.deepEquals(await scope.live(), { sessions: 2, leases: 0 }));
    expect(changes(one)).toEqual(["store down", "store up"]);
  });
});

function pair(proxies: readonly Hedgerow[]): readonly [Hedgerow, Hedgerow] {
  const [one, two = one] = proxies;
  if (!one || !two) throw new Error("no proxy was started");
  return [one, two];
}

/** What the log says of the store, in order. */
function changes(proxy: Hedgerow): readonly string[] {
  return proxy.log().flatMap(({ msg }) => (msg === "store down" || msg === "store up" ? [msg] : []));
}

const down = (...proxies: readonly Hedgerow[]) => last("store down", proxies);
const up = (...proxies: readonly Hedgerow[]) => last("store up", proxies);

function last(msg: string, proxies: readonly Hedgerow[]): Promise<void> {
  return eventually(msg, () => proxies.every((proxy) => changes(proxy).at(-1) === msg));
}

async function readyz(proxy: Hedgerow): Promise<Readonly<Record<string, unknown>>> {
  const response = await fetch(`${proxy.url}/readyz`);
  return { status: response.status, ...((await response.json()) as Readonly<Record<string, unknown>>) };
}

/** Why a session gets no slot. */
async function refusal(proxy: Hedgerow, session: string): Promise<string | null> {
  const heard = await ask(proxy.url, "anthropic", asSession(session));
  return heard.headers.get("x-hedgerow-error");
}
