import { afterAll, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { sessionHash } from "../../src/core/ids.ts";
import { answer, headersThenSilence, inTurn, noHeaders, status } from "../../src/simulator/behaviour.ts";
import { asSession, gates, startTalk } from "../world/gates.ts";
import { ask, begin, hearUntil, PLAIN_TEXT } from "../world/http.ts";
import { installation } from "../world/installation.ts";
import { describeWithRedis, redisServer, type RedisServer } from "../world/redis.ts";
import { redisScope } from "../world/redis-scope.ts";
import { eventually, startWorld, type WorldOptions } from "../world/scripted-upstream.ts";

setDefaultTimeout(60_000);

/** What a provider's scope holds: sessions that count, and leases. */
type Shelf = Readonly<{ sessions: number; leases: number }>;
type Scraped = Readonly<{ metric(name: string, labels?: Readonly<Record<string, string>>): Promise<number> }>;

/** A store that the stories are told on. */
type Store = Readonly<{
  sessions(): Readonly<Record<string, unknown>>;
  shelf(hedgerow: Scraped, provider: string): Promise<Shelf>;
  /** What is left of a provider's scope, by name, whether it counts or not. */
  traces(provider: string): Promise<readonly string[]>;
}>;

/** The faults of the system that this one replaces, each told as it was lived through. */
function stories(store: Store): void {
  const options = (more: Readonly<Record<string, unknown>> = {}): WorldOptions => ({
    each: { limits: { sessions: 2 } },
    config: { defaults: { hedge: { after: "off" } }, sessions: { idle: "hold", ...store.sessions(), ...more } },
  });
  const comesTo = (hedgerow: Scraped, provider: string, shelf: Shelf) =>
    eventually(`${provider} has ${shelf.sessions} sessions and ${shelf.leases} leases`, async () =>
      Bun.deepEquals(await store.shelf(hedgerow, provider), shelf),
    );

  test("ten successes then one failure leave nothing that should not be there", async () => {
    await using world = await startWorld({ a: answer() }, options());
    for (let turn = 0; turn < 10; turn++) {
      expect(await ask(world.url, "anthropic", asSession("one"))).toMatchObject({ status: 200, said: PLAIN_TEXT });
    }
    await comesTo(world.hedgerow, "a", { sessions: 1, leases: 0 });
    world.upstream.a.behave(status(500));
    expect((await ask(world.url, "anthropic", asSession("one"))).status).toBe(500);
    await comesTo(world.hedgerow, "a", { sessions: 0, leases: 0 });
    expect(await store.traces("a")).toEqual([]);
  });

  test("a failed request does not free a session that another request still uses", async () => {
    const gate = gates();
    await using world = await startWorld({ a: inTurn(gate.talking, status(500), answer()) }, options());
    const running = ask(world.url, "anthropic", asSession("one"));
    await comesTo(world.hedgerow, "a", { sessions: 1, leases: 1 });
    expect((await ask(world.url, "anthropic", asSession("one"))).status).toBe(500);
    await comesTo(world.hedgerow, "a", { sessions: 1, leases: 1 });
    expect((await ask(world.url, "anthropic", asSession("two"))).status).toBe(200);
    expect((await ask(world.url, "anthropic", asSession("three"))).status).toBe(429);
    gate.open("one");
    expect(await running).toMatchObject({ status: 200, clean: true, terminal: true });
    await comesTo(world.hedgerow, "a", { sessions: 2, leases: 0 });
  });

  test("a hedge attempt takes and gives back its own slot", async () => {
    const gate = gates();
    await using world = await startWorld(
      { a: headersThenSilence, b: gate.silent },
      { ...options(), config: { ...options().config, defaults: { hedge: { after: "100ms" } } } },
    );
    const running = ask(world.url, "anthropic", asSession("one"));
    await comesTo(world.hedgerow, "a", { sessions: 1, leases: 1 });
    await comesTo(world.hedgerow, "b", { sessions: 1, leases: 1 });
    gate.open("one");
    const heard = await running;
    expect(heard).toMatchObject({ status: 200, said: PLAIN_TEXT });
    expect(heard.headers.get("x-hedgerow-hedge")).toBe("won");
    await comesTo(world.hedgerow, "a", { sessions: 0, leases: 0 });
    await comesTo(world.hedgerow, "b", { sessions: 1, leases: 0 });
    expect(await store.traces("a")).toEqual([]);
  });

  test("a failover attempt takes and gives back its own slot", async () => {
    const gate = gates();
    await using world = await startWorld({ a: status(500), b: gate.silent }, options());
    const running = ask(world.url, "anthropic", asSession("one"));
    await comesTo(world.hedgerow, "b", { sessions: 1, leases: 1 });
    await comesTo(world.hedgerow, "a", { sessions: 0, leases: 0 });
    world.upstream.b.behave(status(500));
    expect((await ask(world.url, "anthropic", asSession("two"))).status).toBe(500);
    await comesTo(world.hedgerow, "b", { sessions: 1, leases: 1 });
    gate.open("one");
    expect(await running).toMatchObject({ status: 200, said: PLAIN_TEXT });
    await comesTo(world.hedgerow, "b", { sessions: 1, leases: 0 });
    expect(await store.traces("a")).toEqual([]);
  });

  test("client abort before and after headers leaves nothing in flight", async () => {
    const gate = gates();
    await using world = await startWorld({ a: noHeaders }, options());
    for (const behave of [noHeaders, headersThenSilence]) {
      world.upstream.a.behave(behave);
      const leaving = new AbortController();
      const asked = ask(world.url, "anthropic", { ...asSession("one"), signal: leaving.signal }).catch(() => "left");
      await comesTo(world.hedgerow, "a", { sessions: 1, leases: 1 });
      await eventually("the upstream was asked", () => world.upstream.a.running() === 1);
      leaving.abort();
      expect(await asked).toBe("left");
      await comesTo(world.hedgerow, "a", { sessions: 0, leases: 0 });
      await eventually("nothing runs upstream", () => world.upstream.a.running() === 0);
      expect(await store.traces("a")).toEqual([]);
    }
    world.upstream.a.behave(gate.talking);
    const leaving = new AbortController();
    const response = await begin(world.url, "anthropic", { ...asSession("one"), signal: leaving.signal });
    await hearUntil(response, "row.");
    leaving.abort();
    // The conversation goes on where it was: the session keeps its place, and nothing runs there.
    await comesTo(world.hedgerow, "a", { sessions: 1, leases: 0 });
    await eventually("nothing runs upstream", () => world.upstream.a.running() === 0);
  });

  test("two aborted requests never refuse a third session", async () => {
    await using world = await startWorld({ a: noHeaders }, options());
    const leaving = new AbortController();
    const aborted = ["one", "two"].map((session) =>
      ask(world.url, "anthropic", { ...asSession(session), signal: leaving.signal }).catch(() => "left"),
    );
    await comesTo(world.hedgerow, "a", { sessions: 2, leases: 2 });
    expect((await ask(world.url, "anthropic", asSession("three"))).status).toBe(429);
    leaving.abort();
    expect(await Promise.all(aborted)).toEqual(["left", "left"]);
    await comesTo(world.hedgerow, "a", { sessions: 0, leases: 0 });
    world.upstream.a.behave(answer());
    expect((await ask(world.url, "anthropic", asSession("three"))).status).toBe(200);
    expect((await ask(world.url, "anthropic", asSession("four"))).status).toBe(200);
  });

  test("a session that fails over counts at the new provider and no longer at the old", async () => {
    await using world = await startWorld({ a: answer(), b: answer() }, options());
    expect((await ask(world.url, "anthropic", asSession("one"))).headers.get("x-hedgerow-provider")).toBe("a");
    await comesTo(world.hedgerow, "a", { sessions: 1, leases: 0 });
    world.upstream.a.behave(status(500));
    const moved = await ask(world.url, "anthropic", asSession("one"));
    expect(moved.headers.get("x-hedgerow-provider")).toBe("b");
    expect(moved.headers.get("x-hedgerow-sticky")).toBe("moved");
    await comesTo(world.hedgerow, "a", { sessions: 0, leases: 0 });
    await comesTo(world.hedgerow, "b", { sessions: 1, leases: 0 });
    expect(await store.traces("a")).toEqual([]);
    world.upstream.a.behave(answer());
    const after = await ask(world.url, "anthropic", asSession("one"));
    expect(after.headers.get("x-hedgerow-provider")).toBe("b");
    expect(after.headers.get("x-hedgerow-sticky")).toBe("hit");
  });

  test("an instance that dies gives its slots back", async () => {
    const gate = gates();
    await using house = installation({ a: gate.talking }, options({ lease_ttl: "1s", sweep_every: "1s" }));
    const doomed = await house.start("doomed");
    const streams = await Promise.all(["one", "two"].map((session) => startTalk(doomed.url, session)));
    await comesTo(doomed, "a", { sessions: 2, leases: 2 });
    await doomed.kill9();
    for (const stream of streams) expect((await stream.rest()).clean).toBe(false);
    const heir = await house.start("heir");
    for (const session of ["three", "four"]) gate.open(session);
    await eventually("a third and a fourth session are served", async () => {
      const heard = await Promise.all(
        ["three", "four"].map((session) => ask(heir.url, "anthropic", asSession(session))),
      );
      return heard.every(({ status }) => status === 200);
    });
    await eventually("no trace of the dead", async () =>
      (await store.traces("a")).every((trace) => DEAD.every((session) => !trace.includes(session))),
    );
    await comesTo(heir, "a", { sessions: 2, leases: 0 });
  });
}

const DEAD = ["one", "two"].map((session) => sessionHash("anonymous", session));

describe("the seven stories, in memory", () => {
  stories({
    sessions: () => ({}),
    async shelf(hedgerow, provider) {
      const [sessions = 0, leases = 0] = await Promise.all(
        ["hedgerow_sessions", "hedgerow_leases"].map((name) => hedgerow.metric(name, { provider })),
      );
      return { sessions, leases };
    },
    traces: async () => [],
  });
});

describeWithRedis("the seven stories, in Redis", () => {
  let redis: RedisServer;
  beforeAll(async () => {
    redis = await redisServer();
  });
  beforeEach(async () => void (await redis.admin.flushall()));
  afterAll(() => redis.stop());

  stories({
    // A busy machine must not look like a store that is away.
    sessions: () => ({ store: "redis", redis: { url: redis.url, timeout: "5s" } }),
    async shelf(hedgerow, provider) {
      const live = await redisScope(redis.admin, `provider:${provider}`).live();
      const told = await hedgerow.metric("hedgerow_sessions", { provider });
      return { ...live, sessions: told === live.sessions ? told : Number.NaN };
    },
    traces: (provider) => redisScope(redis.admin, `provider:${provider}`).traces(),
  });
});
