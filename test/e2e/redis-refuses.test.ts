import { expect, setDefaultTimeout, test } from "bun:test";
import type { Redis } from "ioredis";
import { answer } from "../../src/simulator/behaviour.ts";
import { asSession, gates, sessionOf, startTalk } from "../world/gates.ts";
import { ask } from "../world/http.ts";
import { describeWithRedis, redisServer } from "../world/redis.ts";
import { redisScope } from "../world/redis-scope.ts";
import { eventually, startWorld } from "../world/scripted-upstream.ts";

setDefaultTimeout(60_000);

/** A way to answer and take no writes. */
type Refusal = Readonly<{
  name: string;
  /** What the log gives as the reason. */
  reason: RegExp;
  begin(admin: Redis): Promise<unknown>;
  end(admin: Redis): Promise<unknown>;
}>;

const FULL: Refusal = {
  name: "full",
  reason: /OOM/,
  begin: (admin) => admin.config("SET", "maxmemory", "1"),
  end: (admin) => admin.config("SET", "maxmemory", "0"),
};
const ALONE: Refusal = {
  name: "without the replicas it must have",
  reason: /NOREPLICAS/,
  begin: (admin) => admin.config("SET", "min-replicas-to-write", "1"),
  end: (admin) => admin.config("SET", "min-replicas-to-write", "0"),
};
const UNSAVED: Refusal = {
  name: "unable to save",
  reason: /MISCONF/,
  async begin(admin) {
    await admin.config("SET", "dir", "/proc");
    await admin.bgsave();
    await eventually("it has failed to save", async () =>
      (await admin.info("persistence")).includes("rdb_last_bgsave_status:err"),
    );
    await admin.config("SET", "save", "3600 1");
  },
  end: (admin) => admin.config("SET", "save", ""),
};
const DEMOTED: Refusal = {
  name: "made a replica",
  reason: /READONLY|isn't writeable/, // its successor is looked for by connecting anew
  begin: (admin) => admin.replicaof("127.0.0.1", 1),
  end: (admin) => admin.replicaof("NO", "ONE"),
};

describeWithRedis("a store that answers but takes no writes is a store that is down, told once, while it is", () => {
  for (const [refusal, whenDown] of [
    [FULL, "share"],
    [FULL, "open"],
    [FULL, "refuse"],
    [ALONE, "share"],
    [ALONE, "open"],
    [ALONE, "refuse"],
    [UNSAVED, "share"],
    [DEMOTED, "share"],
  ] as const) {
    test(`${refusal.name}, with ${whenDown}`, async () => {
      await using owned = new AsyncDisposableStack();
      const redis = await redisServer({ listen: "tcp", args: ["--enable-protected-configs", "yes"] });
      owned.defer(() => redis.stop());
      const scope = redisScope(redis.admin, "provider:a");
      const gate = gates();
      const passing = answer();
      const world = owned.use(
        await startWorld(
          { a: (request) => (sessionOf(request).startsWith("kept") ? gate.talking(request) : passing(request)) },
          {
            each: { limits: { sessions: 4 } },
            config: {
              defaults: { hedge: { after: "off" } },
              sessions: {
                store: "redis",
                lease_ttl: "1s",
                redis: { url: redis.url, timeout: "5s", when_down: whenDown },
              },
            },
          },
        ),
      );
      const { hedgerow, url } = world;
      const changes = () => hedgerow.log().filter(({ msg }) => msg === "store down" || msg === "store up");
      const failed = (op: string) => hedgerow.metric("hedgerow_store_errors_total", { op });
      const codeOf = async (session: string) =>
        (await ask(url, "anthropic", asSession(session))).headers.get("x-hedgerow-error");
      const judgedHere = whenDown === "refuse" ? "store_down" : null;
      const streams = [await startTalk(url, "kept-before")];
      expect(await codeOf("resident")).toBeNull();

      await refusal.begin(redis.admin);
      for (const session of ["one", "two", "three"]) expect(await codeOf(session)).toBe(judgedHere);
      expect(await hedgerow.metric("hedgerow_store_up")).toBe(0);
      const readyz = await fetch(`${url}/readyz`);
      expect(await readyz.json()).toMatchObject({ store: whenDown === "refuse" ? "down" : "degraded" });
      expect(readyz.status).toBe(whenDown === "refuse" ? 503 : 200);
      const asked = await failed("acquire");
      for (const session of ["four", "five", "resident"]) expect(await codeOf(session)).toBe(judgedHere);
      expect(await failed("acquire")).toBe(asked);
      if (whenDown !== "refuse") streams.push(await startTalk(url, "kept-meanwhile"));

      const probes = await failed("heartbeat");
      await eventually("it is probed twice more", async () => (await failed("heartbeat")) >= probes + 2);
      expect(await hedgerow.metric("hedgerow_store_up")).toBe(0);
      expect(changes()).toMatchObject([{ msg: "store down", reason: expect.stringMatching(refusal.reason) }]);

      await refusal.end(redis.admin);
      await eventually("it is up", async () => (await hedgerow.metric("hedgerow_store_up")) === 1);
      await eventually("what runs is restored", async () => (await scope.live()).leases === streams.length);
      expect(await codeOf("after")).toBeNull();
      for (const session of ["kept-before", "kept-meanwhile"]) gate.open(session);
      for (const stream of streams) expect(await stream.rest()).toMatchObject({ clean: true, error: false });
      await eventually("no lease is left", async () => (await scope.leases()).length === 0);
      expect(changes().map(({ msg }) => msg)).toEqual(["store down", "store up"]);
    });
  }
});
