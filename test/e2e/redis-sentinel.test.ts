import { afterEach, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { status } from "../../src/simulator/behaviour.ts";
import { pause, type Script } from "../../src/simulator/script.ts";
import type { SimulatedRequest } from "../../src/simulator/simulator.ts";
import { IMPATIENT_MS, type Member, member, SCOPE, until } from "../session/redis/fleet.ts";
import { judge, nowMs, type Seen } from "../session/redis/history.ts";
import type { Hedgerow } from "../world/binary.ts";
import { asSession, gates, sessionOf, startTalk } from "../world/gates.ts";
import { ask, type Heard } from "../world/http.ts";
import { installation } from "../world/installation.ts";
import { describeWithRedis } from "../world/redis.ts";
import { redisScope } from "../world/redis-scope.ts";
import { type RedisSentinels, redisSentinels } from "../world/redis-sentinels.ts";
import { eventually } from "../world/scripted-upstream.ts";

setDefaultTimeout(60_000);

const KEY = `hedgerow:{${SCOPE}}:active_session_leases`;
const SCOPE_OF_A = "provider:a";
const LIMIT = 4;
const LEASE_TTL_MS = 1000;
/** More than fit, so that a slot too many would be taken at once. */
const CLIENTS_EACH = 6;

describeWithRedis("a master and a replica watched by three sentinels", () => {
  let watched: RedisSentinels;
  beforeEach(async () => {
    watched = await redisSentinels();
  });
  afterEach(() => watched.stop());

  test("a master that is killed: decided here meanwhile, and its successor is told what runs", async () => {
    const { master, replica, name, nodes } = watched;
    const where = { kind: "sentinel" as const, name, nodes };
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
  });

  test("a master that is demoted under load: no stream notices, the limit holds but for the change, and its successor knows all that runs", async () => {
    const gate = gates();
    const seen: Seen[] = [];
    await using house = installation(
      { a: (request) => (sessionOf(request).startsWith("held") ? gate.talking(request) : refusing(request, seen)) },
      {
        each: { limits: { sessions: LIMIT } },
        config: {
          defaults: { hedge: { after: "off" } },
          sessions: { lease_ttl: `${LEASE_TTL_MS}ms`, store: "redis" },
        },
      },
    );
    const { master, replica, name, nodes } = watched;
    const sentinel = { name, nodes: nodes.map(({ host, port }) => `${host}:${port}`) };
    const start = (instance: string) => house.start(instance, { redis: { sentinel, timeout: "500ms" } });
    const proxies = await Promise.all(["one", "two"].map(start));
    await eventually(
      "both are known",
      async () => (await master.admin.zcard("hedgerow:{instances}")) === proxies.length,
    );
    const held = await Promise.all(proxies.map((proxy, at) => startTalk(proxy.url, `held-${at}`)));
    const load = proxies.map((proxy, at) => competing(proxy, `s${at}`));
    const peak = (fromMs = 0) => {
      const began = new Set(
        seen.flatMap(({ kind, atMs, lease }) => (kind === "granted" && atMs >= fromMs ? [lease] : [])),
      );
      return (
        held.length +
        judge(
          seen.filter(({ lease }) => began.has(lease)),
          SCOPE_OF_A,
        ).peakSessions
      );
    };
    await goOn(load);
    expect(peak()).toBeLessThanOrEqual(LIMIT);

    await watched.failover();
    const scope = redisScope(replica.admin, SCOPE_OF_A);
    await eventually("both proxies have told the successor what they hold", async () => {
      const live = (await scope.leases()).map(({ instance }) => instance);
      return new Set(live).size === proxies.length;
    });
    await goOn(load);
    const settledMs = nowMs();
    await goOn(load);
    for (const { stop } of load) await stop();
    expect(load.flatMap(({ wrong }) => wrong)).toEqual([]);
    // While one of the two is with the old master and the other with the new: twice the limit at worst.
    expect(peak()).toBeLessThanOrEqual(2 * LIMIT);
    expect(peak(settledMs)).toBeLessThanOrEqual(LIMIT);

    await eventually("what was held all the time is what is left", async () =>
      Bun.deepEquals(await scope.live(), { sessions: held.length, leases: held.length }),
    );
    for (const at of held.keys()) gate.open(`held-${at}`);
    for (const stream of held) expect(await stream.rest()).toMatchObject({ clean: true, error: false });
    await eventually("no lease is left", async () => (await scope.leases()).length === 0);
    expect(judge(house.history, SCOPE_OF_A)).toMatchObject({ unreleased: [], twice: [] });
    for (const proxy of proxies) expect(await proxy.metric("hedgerow_store_up")).toBe(1);
  });
});

type Competing = Readonly<{ served(): number; wrong: readonly Heard[]; stop(): Promise<void> }>;

/** Clients that reach the upstream or are told that all slots are taken, and nothing else. */
function competing(proxy: Hedgerow, name: string): Competing {
  const over = new AbortController();
  const wrong: Heard[] = [];
  let served = 0;
  const client = async (lane: number) => {
    for (let turn = 0; !over.signal.aborted; turn++) {
      const heard = await ask(proxy.url, "anthropic", asSession(`${name}-${lane}-${turn % 3}`));
      if (heard.status === UNWELCOME) served++;
      else if (heard.headers.get("x-hedgerow-error") !== "providers_full") wrong.push(heard);
    }
  };
  const running = Promise.all(Array.from({ length: CLIENTS_EACH }, (_, lane) => client(lane)));
  return {
    served: () => served,
    wrong,
    async stop() {
      over.abort();
      await running;
    },
  };
}

/** Until each has served many more. */
async function goOn(load: readonly Competing[]): Promise<void> {
  const before = load.map(({ served }) => served());
  await eventually("many more were served", () => load.every(({ served }, at) => served() > (before[at] ?? 0) + 50));
}

/** Leaves the session as it was, so that none resides: who runs is who holds a lease. */
const UNWELCOME = 400;
const unwelcome = status(UNWELCOME);

/**
 * Seen from its arrival until just before its answer is sent: the proxy holds its lease for longer. An upstream that waits
 * to hear of the end of its own answer hears of it when the slot may be another's already.
 */
async function refusing(request: SimulatedRequest, seen: Seen[]): Promise<Script> {
  const at = { process: "", scope: SCOPE_OF_A, session: sessionOf(request), lease: String(request.serial) };
  seen.push({ ...at, kind: "granted", atMs: nowMs() });
  const answer = await unwelcome(request);
  return (function* () {
    yield pause(20);
    seen.push({ ...at, kind: "released", atMs: nowMs() });
    yield* answer;
  })();
}
