import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { sessionHash } from "../../src/core/ids.ts";
import { answer } from "../../src/simulator/behaviour.ts";
import { judge, nowMs } from "../session/redis/history.ts";
import type { Hedgerow } from "../world/binary.ts";
import { asSession, gates, sessionOf, startTalk } from "../world/gates.ts";
import { ask } from "../world/http.ts";
import { installation } from "../world/installation.ts";
import { describeWithRedis, redisServer, type RedisServer } from "../world/redis.ts";
import { redisScope } from "../world/redis-scope.ts";
import { eventually } from "../world/scripted-upstream.ts";

setDefaultTimeout(60_000);

const LIMIT = 4;
const LEASE_TTL_MS = 2_000;
const SCOPE = "provider:a";
/** Every so often a client leaves, at some moment within what an answer takes. */
const LEAVES_EVERY = 4;
const LEAVES_WITHIN_MS = 13;
const hashOf = (session: string) => sessionHash("anonymous", session);

describeWithRedis("several proxies under load, one killed by -9", () => {
  let redis: RedisServer;
  beforeAll(async () => {
    redis = await redisServer();
  });
  afterAll(() => redis.stop());

  for (const others of [1, 2]) {
    test(`${1 + others} of them: its slots are back within the lease's ttl, the others' are untouched, the limit holds`, async () => {
      await redis.admin.flushall();
      const scope = redisScope(redis.admin, SCOPE);
      const gate = gates();
      const passing = answer({ gapMs: 2 });
      await using house = installation(
        { a: (request) => (sessionOf(request).startsWith("kept") ? gate.talking(request) : passing(request)) },
        {
          each: { limits: { sessions: LIMIT } },
          config: {
            defaults: { hedge: { after: "off" } },
            // A busy machine must not look like a store that is away: nobody judges by himself in this test.
            sessions: {
              lease_ttl: `${LEASE_TTL_MS}ms`,
              sweep_every: "1s",
              store: "redis",
              redis: { url: redis.url, timeout: "5s", when_down: "refuse" },
            },
          },
        },
      );
      const doomed = await house.start("doomed");
      const survivors = await Promise.all(Array.from({ length: others }, (_, at) => house.start(`survivor${at}`)));
      const [first = doomed] = survivors;
      const ofDoomed = [await startTalk(doomed.url, "kept-doomed-1"), await startTalk(doomed.url, "kept-doomed-2")];
      const survives = await startTalk(first.url, "kept-survivor");
      const load = startLoad([doomed, ...survivors]);
      await eventually("many were served", () => load.served() > 60);

      const killedAtMs = nowMs();
      await doomed.kill9();
      // Nothing that it sent can reach the server any more, so none of its leases can be prolonged from here on.
      const lapsesMs = (await scope.nowMs()) + LEASE_TTL_MS;
      const all = await scope.leases();
      const dead = all.find(({ session }) => session === hashOf("kept-doomed-1"))?.instance;
      const left = all.filter(({ instance }) => instance === dead);
      expect(left.length).toBeGreaterThanOrEqual(ofDoomed.length);
      for (const { untilMs } of left) expect(untilMs).toBeLessThanOrEqual(lapsesMs);
      const prolonged = async () => {
        const now = new Map((await scope.leases()).map(({ lease, untilMs }) => [lease, untilMs]));
        return left.filter(({ lease, untilMs }) => (now.get(lease) ?? 0) > untilMs);
      };
      await eventually("its leases are swept", async () => {
        expect(await prolonged()).toEqual([]);
        return (await scope.leases()).every(({ instance }) => instance !== dead);
      });
      for (const stream of ofDoomed) expect((await stream.rest()).clean).toBe(false);

      // The survivor's lease has been renewed meanwhile, and there is room for all but it again.
      const [kept] = (await scope.leases()).filter(({ session }) => session === hashOf("kept-survivor"));
      expect(kept?.untilMs).toBeGreaterThan(Math.max(...left.map(({ untilMs }) => untilMs)));
      await load.stop();
      await eventually("the others are given back", async () => (await scope.live()).leases === 1);
      const next = [];
      for (let at = 1; at < LIMIT; at++) next.push(await startTalk(first.url, `kept-next-${at}`));
      expect((await ask(first.url, "anthropic", asSession("one-too-many"))).status).toBe(429);
      for (const session of ["kept-survivor", "kept-next-1", "kept-next-2", "kept-next-3"]) gate.open(session);
      for (const stream of [survives, ...next]) expect(await stream.rest()).toMatchObject({ clean: true });
      await eventually("no lease is left", async () => (await scope.leases()).length === 0);

      const verdict = judge(house.history, SCOPE, new Map([["doomed", killedAtMs]]));
      expect(verdict).toMatchObject({ unreleased: [], twice: [], peakSessions: LIMIT });
      for (const survivor of survivors) expect(await survivor.stop()).toBe(0);
    });
  }
});

/** Clients that ask one proxy after the other, each for a session of its own, until they are told to stop. */
function startLoad(proxies: readonly Hedgerow[]): Readonly<{ served(): number; stop(): Promise<void> }> {
  let served = 0;
  const over = new AbortController();
  const client = async (lane: number) => {
    for (let turn = 0; !over.signal.aborted; turn++) {
      const proxy = proxies[(lane + turn) % proxies.length];
      const leaves = turn % LEAVES_EVERY === 0 ? { signal: AbortSignal.timeout(1 + (turn % LEAVES_WITHIN_MS)) } : {};
      const asking = { ...asSession(`s${(lane * 5 + turn) % 13}`), ...leaves };
      // One that was killed answers nobody.
      const heard = await ask(proxy?.url ?? "", "anthropic", asking).catch(() => null);
      if (heard?.status === 200) served++;
    }
  };
  const clients = [0, 1, 2, 3, 4].map(client);
  return {
    served: () => served,
    async stop() {
      over.abort();
      await Promise.all(clients);
    },
  };
}
