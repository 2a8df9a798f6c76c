import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { sessionHash } from "../../src/core/ids.ts";
import { leaseScripts } from "../../src/session/redis/lease-scripts.ts";
import homeServed from "../../src/session/redis/lua/home-served.lua" with { type: "text" };
import { answer, headersThenSilence, noHeaders, status } from "../../src/simulator/behaviour.ts";
import type { Behave } from "../../src/simulator/simulator.ts";
import { ask } from "../world/http.ts";
import { describeWithRedis, redisServer, type RedisServer } from "../world/redis.ts";
import { type Command, respProxy } from "../world/resp-proxy.ts";
import { eventually, startWorld } from "../world/scripted-upstream.ts";

setDefaultTimeout(60_000);

const headers = { authorization: "Bearer client-key-123456" };
/** The request that is counted: every command for it names its session. */
const SESSION = sessionHash("c", "counted");

/** What one request cost, by operation and place. */
type Cost = Readonly<{
  /** Had arrived at the store when the last upstream was called. */
  before: readonly string[];
  roundTripsBefore: number;
  after: readonly string[];
}>;

type Scene = Readonly<{
  limits?: Readonly<Record<string, number>>;
  clientLimits?: Readonly<Record<string, number>>;
  hedgeAfter?: string;
  /** The first provider's slots are taken by another session: one that runs, or one that only resides. */
  taken?: "running" | "idle";
}>;

describeWithRedis("commands a proxied request", () => {
  let redis: RedisServer;
  beforeAll(async () => {
    redis = await redisServer({ listen: "tcp" });
    // Every other script is tried, and so known to the server, when a proxy starts.
    await redis.admin.script("LOAD", homeServed);
  });
  afterAll(() => redis.stop());

  test("the first choice grants: three in two round trips before the upstream call, three after it that nobody waits for", async () => {
    const { before, roundTripsBefore, after } = await costOf(redis, { a: answer() });
    expect(before.toSorted()).toEqual(["acquire client:c", "acquire provider:a", "home_read"]);
    expect(before.at(-1)).toBe("acquire provider:a");
    expect(roundTripsBefore).toBe(2);
    expect(after.toSorted()).toEqual(["home_served", "release client:c", "release provider:a"]);
  });

  test("a client without limits has no scope, and a provider without limits none that is asked first", async () => {
    const { before, roundTripsBefore, after } = await costOf(redis, { a: answer() }, { limits: {}, clientLimits: {} });
    const claim = "acquire provider:a";
    expect(before.filter((what) => what !== claim)).toEqual(["home_read"]);
    expect([...before, ...after].toSorted()).toEqual([claim, "home_read", "home_served", "release provider:a"]);
    expect(roundTripsBefore).toBeLessThanOrEqual(2);
  });

  test("a refusal adds one", async () => {
    const scene: Scene = { limits: { sessions: 1 }, taken: "running" };
    const { before, roundTripsBefore, after } = await costOf(redis, { a: answer(), b: answer() }, scene);
    expect(before.slice(2)).toEqual(["acquire provider:a", "acquire provider:b"]);
    expect(roundTripsBefore).toBe(3);
    expect(after.length).toBe(3);
  });

  test("a second pass, for the slot of an idle session, adds one", async () => {
    const scene: Scene = { limits: { sessions: 1 }, taken: "idle" };
    const { before, after } = await costOf(redis, { a: answer() }, scene);
    expect(before.slice(2)).toEqual(["acquire provider:a", "acquire provider:a"]);
    expect(after.length).toBe(3);
  });

  test("a failover adds two", async () => {
    const { before, after } = await costOf(redis, { a: status(500), b: answer() });
    const claims = before.filter((what) => what.startsWith("acquire provider"));
    expect(claims).toEqual(["acquire provider:a", "acquire provider:b"]);
    expect(before.length + after.length).toBe(8);
  });

  test("a hedge adds two", async () => {
    const { before, roundTripsBefore, after } = await costOf(
      redis,
      { a: headersThenSilence, b: answer() },
      { hedgeAfter: "50ms" },
    );
    expect(before.slice(2)).toEqual(["acquire provider:a", "acquire provider:b"]);
    expect(roundTripsBefore).toBe(3);
    expect(after.toSorted()).toEqual(["home_served", "release client:c", "release provider:a", "release provider:b"]);
  });
});

/** Costs of one request, from its arrival to the proxy's end. */
async function costOf(
  redis: RedisServer,
  upstreams: Readonly<Record<string, Behave>>,
  scene: Scene = {},
): Promise<Cost> {
  await redis.admin.flushall();
  using proxy = respProxy({ port: redis.port });
  await using world = await startWorld(upstreams, {
    each: { limits: scene.limits ?? { sessions: 9, requests: 9 } },
    config: {
      server: { port: 0, drain: "0s" },
      clients: [{ name: "c", key: "client-key-123456", limits: scene.clientLimits ?? { sessions: 9, rpm: 600 } }],
      defaults: { hedge: { after: scene.hedgeAfter ?? "off" } },
      sessions: {
        lease_ttl: "10m", // no renewal comes in between
        store: "redis",
        redis: { url: `redis://127.0.0.1:${proxy.port}`, timeout: "10s" },
      },
    },
  });
  const names = Object.keys(upstreams);
  const [first = "", last = first] = names;
  const asking = { session: "counted", headers };
  let other: Promise<unknown> = Promise.resolve();
  if (scene.taken === "idle") {
    await ask(world.url, "anthropic", { session: "other", headers });
    await world.idle();
  }
  if (scene.taken === "running") {
    world.upstream[first]?.behave(noHeaders);
    other = ask(world.url, "anthropic", { session: "other", headers });
    await eventually("the other runs", () => world.upstream[first]?.running() === 1);
  }
  // Once the last upstream is called replies are kept back: whoever waited for one would leave the client without an answer.
  let before: readonly Command[] = [];
  world.upstream[last]?.behave((request) => {
    before = ofSession(proxy.commands());
    proxy.holdReplies();
    return upstreams[last]?.(request) ?? [];
  });
  expect(await ask(world.url, "anthropic", asking)).toMatchObject({ status: 200, clean: true, terminal: true });
  proxy.passReplies();
  expect(await world.hedgerow.stop()).toBe(0);
  await other;
  return {
    before: before.map(told),
    roundTripsBefore: roundTrips(before),
    after: ofSession(proxy.commands()).slice(before.length).map(told),
  };
}

function ofSession(commands: readonly Command[]): readonly Command[] {
  return commands.filter(({ words }) => words.some((word) => word.includes(SESSION)));
}

/** How many of them come one after the reply to the other. */
function roundTrips(commands: readonly Command[]): number {
  const depths: number[] = [];
  for (const { sentAt } of commands) {
    const waitedFor = depths.filter((_, at) => (commands[at]?.answeredAt() ?? Number.POSITIVE_INFINITY) < sentAt);
    depths.push(1 + Math.max(0, ...waitedFor));
  }
  return Math.max(...depths);
}

const OPERATIONS = new Map(Object.values(leaseScripts()).map(({ name, sha }) => [sha, name]));

/** `acquire provider:a`, or the command's own name where it is about a home. */
function told({ words }: Command): string {
  const [name = "", subject = ""] = words;
  const place = /\{((?:provider|client):[^}]+)\}/.exec(words.join(" "))?.[1];
  if (place !== undefined) return `${OPERATIONS.get(subject) ?? name} ${place}`;
  return name.toUpperCase() === "EVALSHA" ? "home_served" : name.toUpperCase() === "HGETALL" ? "home_read" : name;
}
