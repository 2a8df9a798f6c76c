import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { leaseScripts } from "../../src/session/redis/lease-scripts.ts";
import homeServed from "../../src/session/redis/lua/home-served.lua" with { type: "text" };
import { answer, headersThenSilence, noHeaders, status } from "../../src/simulator/behaviour.ts";
import type { Behave } from "../../src/simulator/simulator.ts";
import { ask } from "../world/http.ts";
import { describeWithRedis, redisServer, type RedisServer } from "../world/redis.ts";
import { type Command, respProxy } from "../world/resp-proxy.ts";
import { eventually, startWorld, type World } from "../world/scripted-upstream.ts";

setDefaultTimeout(60_000);

const headers = { authorization: "Bearer client-key-123456" };
/** Names the request that is counted, and its session where it has a name. */
const COUNTED = "counted";

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
  /** A Responses request that goes on from an answer kept upstream, or from one that nobody here knows. */
  from?: "known" | "unknown";
  /** Nothing but what it goes on from says whose it is. */
  unnamed?: boolean;
  /** Responses requests are streamed. */
  stream?: boolean;
  /** From this command on the store does what it is told, and no reply of it arrives before the client has its answer. */
  unheard?: string;
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

  test("a client without limits has no scope", async () => {
    const { before, after } = await costOf(redis, { a: answer() }, { clientLimits: {} });
    expect(before).toEqual(["home_read", "acquire provider:a"]);
    expect(after.toSorted()).toEqual(["home_served", "release provider:a"]);
  });

  test("a provider without limits is asked while nobody waits for it", async () => {
    const scene: Scene = { limits: {}, clientLimits: {}, unheard: "acquire provider:a" };
    const { before, roundTripsBefore, after } = await costOf(redis, { a: answer() }, scene);
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

  test.each([
    { from: "known" },
    { from: "known", unnamed: true },
    { from: "unknown" },
    { from: "unknown", unnamed: true },
    { from: "known", stream: true },
    { from: "known", unnamed: true, stream: true },
    { from: "unknown", stream: true },
    { from: "unknown", unnamed: true, stream: true },
  ] as const)(
    "going on from an object: %j: three in two round trips as well, and the next object's id with its home after it",
    async (scene) => {
      const { before, roundTripsBefore, after } = await costOf(redis, { a: answer() }, scene);
      expect(before[0]).toBe("alias_read");
      expect(before.slice(1).toSorted()).toEqual(["acquire client:c", "acquire provider:a"]);
      expect(roundTripsBefore).toBe(2);
      expect(after.toSorted()).toEqual(["home_served", "release client:c", "release provider:a"]);
    },
  );
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
  const request = scene.from === undefined ? plain(world) : await goingOn(world, scene);
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
  const seen = proxy.commands().length;
  proxy.holdRepliesFrom((command) => told(command) === scene.unheard);
  // Once the last upstream is called replies are kept back: whoever waited for one would leave the client without an answer.
  let arrived = 0;
  world.upstream[last]?.behave((asked) => {
    arrived = proxy.commands().length;
    proxy.holdReplies();
    return upstreams[last]?.(asked) ?? [];
  });
  await request();
  proxy.passReplies();
  // Nor has anybody waited until a reply was given up.
  expect(await world.hedgerow.metric("hedgerow_store_errors_total")).toBe(0);
  expect(await world.hedgerow.stop()).toBe(0);
  await other;
  const session = String(world.hedgerow.log().find(({ request_id: id }) => id === COUNTED)?.["session"]);
  const its = ({ words }: Command) => words.some((word) => word.includes(session) || word.includes("{alias:"));
  const before = proxy.commands().slice(seen, arrived).filter(its);
  return {
    before: before.map(told),
    roundTripsBefore: roundTrips(before),
    after: proxy.commands().slice(arrived).filter(its).map(told),
  };
}

type Asking = () => Promise<void>;

/** A request of a session with a name. */
function plain({ url }: World<string>): Asking {
  const asking = { session: COUNTED, headers: { ...headers, "x-hedgerow-request-id": COUNTED } };
  return async () =>
    expect(await ask(url, "anthropic", asking)).toMatchObject({ status: 200, clean: true, terminal: true });
}

/** A request that goes on from an answer to one before it. */
async function goingOn(world: World<string>, { from, unnamed = false, stream = false }: Scene): Promise<Asking> {
  const respond = async (more: Readonly<Record<string, string>>, body: Readonly<Record<string, string>>) => {
    const session = unnamed ? {} : { "x-hedgerow-session": COUNTED };
    const response = await fetch(`${world.url}/v1/responses`, {
      method: "POST",
      headers: { ...headers, ...session, ...more },
      body: JSON.stringify({ model: "m", input: "x", stream, ...body }),
    });
    expect(response.status).toBe(200);
    return stream ? completed(await response.text()) : ((await response.json()) as { id: string });
  };
  const { id } = await respond({}, {});
  await world.idle();
  const previous = from === "known" ? id : "resp_of_nobody";
  return async () =>
    void (await respond({ "x-hedgerow-request-id": COUNTED }, { previous_response_id: previous, input: "and then?" }));
}

/** The object that a stream was about, from its last event. */
function completed(events: string): { id: string } {
  const last = /^data: (\{"type":"response\.completed".*\})$/m.exec(events)?.[1];
  return (JSON.parse(last ?? "null") as { response: { id: string } }).response;
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

/** `acquire provider:a`, or the command's own name where it is about a home or an alias. */
function told({ words }: Command): string {
  const [name = "", subject = ""] = words;
  if (subject.includes("{alias:")) return name.toUpperCase() === "GET" ? "alias_read" : "alias_write";
  const place = /\{((?:provider|client):[^}]+)\}/.exec(words.join(" "))?.[1];
  if (place !== undefined) return `${OPERATIONS.get(subject) ?? name} ${place}`;
  return name.toUpperCase() === "EVALSHA" ? "home_served" : name.toUpperCase() === "HGETALL" ? "home_read" : name;
}
