import { PROTOCOL_NAMES } from "../../src/protocol/protocol.ts";
import {
  answer,
  cutMidStream,
  noHeaders,
  noTerminal,
  resetAtOnce,
  stallMidStream,
  status,
} from "../../src/simulator/behaviour.ts";
import { send } from "../../src/simulator/script.ts";
import type { Behave } from "../../src/simulator/simulator.ts";
import { startHedgerow } from "./binary.ts";
import { CANARIES } from "./canaries.ts";
import { type Asking, ask, begin, hear, hearUntil } from "./http.ts";
import { type MetricsPage, metricsPage } from "./metrics-page.ts";
import { BEGUN, heldOpen, reloadBy, replaceFile, rewrite } from "./operate.ts";
import type { RedisServer } from "./redis.ts";
import { eventually, startWorld, type World } from "./scripted-upstream.ts";

/** All that a proxy told of a run in which everything that can happen did. */
export type WholeRun = Readonly<{
  page: MetricsPage;
  /** Scrapes of moments that are over by then. */
  at: Readonly<Record<Moment, MetricsPage>>;
  printed: string;
  log: World<"a">["hedgerow"]["log"];
  /** Admin answers by path. */
  admin: Readonly<Record<string, string>>;
  feed: string;
}>;

/** `full`: one holds the only slot of c, another waits for it. `open`, `probing`: the breaker of b, without and with a probe under way. */
export type Moment = "full" | "open" | "probing" | "storeAway";

type House = World<"a" | "b" | "c">;

const CLIENTS = [
  { name: "team", key: CANARIES.clientKey },
  { name: "small", key: CANARIES.otherKey, limits: { requests: 1 } },
];

/** Model `m` is served by a, then b; `stalls` by b alone; `full` by c, which takes one session; `pair` by a, then c. */
export async function wholeRun(redis: RedisServer): Promise<WholeRun> {
  await using world = await startWorld(
    { a: answer(), b: answer(), c: answer() },
    {
      only: {
        a: { models: ["m", "pair"] },
        b: {
          models: ["m", "stalls"],
          timeouts: { idle: "300ms" },
          breaker: { failures: 1, open: "300ms", successes: 1 },
        },
        c: { models: ["full", "pair"], limits: { sessions: 1 } },
      },
      config: {
        server: { port: 0, drain: "100ms" },
        clients: CLIENTS,
        admin: { token: CANARIES.token },
        sessions: {
          store: "redis",
          redis: { url: redis.url, timeout: "1s" },
          ttl: "1s",
          lease_ttl: "1s",
          sweep_every: "1s",
          wait: "1s",
        },
        defaults: {
          hedge: { after: "150ms", budget: "1%" },
          timeouts: { first_token: "20s" },
          breaker: { failures: 1_000 },
          retry: { same: 0 },
        },
      },
    },
  );
  const guarded = { headers: { authorization: `Bearer ${CANARIES.token}` } };
  const listening = await fetch(`${world.url}/admin/api/events`, guarded);
  const feed = hear(listening, "anthropic");
  await answers(world);
  const full = await waits(world);
  await races(world);
  for (const step of [breaks, refusals, reloads, ends]) await step(world);
  const { open, probing } = await opens(world);
  await crashes(world, redis);
  await eventually("all sessions are swept", async () => (await metricsPage(world.url)).sum("hedgerow_sessions") === 0);
  const page = await metricsPage(world.url);
  const storeAway = await awayAndBack(world, redis);
  const paths = ["providers", "sessions", "requests?limit=1000", "config", "explain?protocol=anthropic&model=m"];
  const answered = await Promise.all(
    paths.map(async (path) => [path, await (await fetch(`${world.url}/admin/api/${path}`, guarded)).text()] as const),
  );
  await drains(world);
  return {
    page,
    at: { full, open, probing, storeAway },
    printed: world.hedgerow.printed(),
    log: world.hedgerow.log,
    admin: Object.fromEntries(answered),
    feed: (await feed).body,
  };
}

let serial = 0;
/** A session of its own, which goes by rank. */
const asking = (more: Asking = {}): Asking => ({
  session: `session-${++serial}`,
  model: "m",
  prompt: CANARIES.prompt,
  ...more,
  headers: { authorization: `Bearer ${CANARIES.clientKey}`, "x-custom": CANARIES.header, ...more.headers },
});
const counted = async (world: House, name: string, labels: Readonly<Record<string, string>>) =>
  (await metricsPage(world.url)).sum(name, labels) > 0;

const breakerOfB = async ({ url }: House) => (await metricsPage(url)).sum("hedgerow_breaker_state", { provider: "b" });

async function answers(world: House) {
  for (const protocol of PROTOCOL_NAMES) {
    await ask(world.url, protocol, asking());
    await ask(world.url, protocol, asking({ stream: false }));
  }
  world.upstream.a.behave(status(400));
  await ask(world.url, "anthropic", asking());
  world.upstream.a.behave(status(500));
  await ask(world.url, "anthropic", asking());
  for (const name of ["a", "b"] as const) world.upstream[name].behave(resetAtOnce);
  await ask(world.url, "anthropic", asking());
}

async function races(world: House) {
  const { a, b } = world.upstream;
  b.behave(answer());
  // The breaker of b has one failure, and is not asked for hedges until it has answered again.
  a.behave(answer({ headMs: 400 }));
  await eventually("a hedge is denied for health", async () => {
    await ask(world.url, "anthropic", asking());
    return counted(world, "hedgerow_hedges_total", { result: "denied_health" });
  });
  a.behave(status(500));
  await eventually("b is well", async () => {
    await ask(world.url, "anthropic", asking());
    return (await breakerOfB(world)) === 0;
  });
  a.behave(noHeaders);
  await ask(world.url, "anthropic", asking());
  a.behave(answer({ headMs: 600 }));
  b.behave(noHeaders);
  await ask(world.url, "anthropic", asking());
  b.behave(answer());
  await eventually("a hedge is denied for want of budget", async () => {
    await ask(world.url, "anthropic", asking());
    return counted(world, "hedgerow_hedges_total", { result: "denied_budget" });
  });
}

async function breaks(world: House) {
  world.upstream.b.behave(stallMidStream);
  await ask(world.url, "anthropic", asking({ model: "stalls" }));
  for (const behave of [cutMidStream, noTerminal, errorAfterContent]) {
    world.upstream.a.behave(behave);
    await ask(world.url, "anthropic", asking());
  }
  world.upstream.a.behave(heldOpen().behave);
  const leaving = new AbortController();
  await hearUntil(await begin(world.url, "anthropic", asking({ signal: leaving.signal })), BEGUN);
  leaving.abort();
  await eventually("it is told", () => counted(world, "hedgerow_requests_total", { outcome: "client_left" }));
  world.upstream.a.behave(answer());
}

const errorAfterContent: Behave = async (request) => {
  const steps = [...(await cutMidStream(request))].slice(0, -1);
  const error = { type: "error", error: { type: "overloaded_error", message: "simulated" } };
  return [...steps, send(`event: error\ndata: ${JSON.stringify(error)}\n\n`)];
};

async function refusals(world: House) {
  await ask(world.url, "anthropic", asking({ headers: { authorization: "Bearer canary-wrong-key" } }));
  await ask(world.url, "anthropic", asking({ model: "nobody-serves-this" }));
  const held = heldOpen();
  world.upstream.a.behave(held.behave);
  const small = asking({ headers: { authorization: `Bearer ${CANARIES.otherKey}` } });
  const running = await begin(world.url, "anthropic", small);
  await ask(world.url, "anthropic", small);
  held.release();
  await hear(running, "anthropic");
  world.upstream.a.behave(answer());
}

async function reloads({ hedgerow }: House) {
  await reloadBy(hedgerow, () => hedgerow.signal("SIGHUP"));
  const broken = { file: "" };
  await reloadBy(hedgerow, () =>
    rewrite(hedgerow, (config) => {
      broken.file = JSON.stringify({ ...config, log: { format: "json", level: "debug" } });
      return { ...config, servre: {} };
    }),
  );
  await reloadBy(hedgerow, () => replaceFile(hedgerow.configFile, broken.file));
}

/** One holds the only slot of c: another waits in vain for it, and a third finds no hedge. */
async function waits(world: House): Promise<MetricsPage> {
  const held = heldOpen();
  world.upstream.c.behave(held.behave);
  const running = await begin(world.url, "anthropic", asking({ model: "full", session: "one" }));
  const waiting = ask(world.url, "anthropic", asking({ model: "full", session: "two" }));
  await eventually("it waits", async () => (await metricsPage(world.url)).sum("hedgerow_waiting") === 1);
  const page = await metricsPage(world.url);
  world.upstream.a.behave(answer({ headMs: 400 }));
  await ask(world.url, "anthropic", asking({ model: "pair", session: "three" }));
  await waiting;
  held.release();
  await hear(running, "anthropic");
  world.upstream.a.behave(answer());
  return page;
}

/** The breaker of b opens, lets one probe through, and closes. */
async function opens(world: House): Promise<Readonly<{ open: MetricsPage; probing: MetricsPage }>> {
  const { b } = world.upstream;
  b.behave(status(500));
  const open = await opened(world);
  b.behave(noHeaders);
  await eventually("a probe is let through", async () => (await breakerOfB(world)) === 1);
  const leaving = new AbortController();
  const probe = ask(world.url, "anthropic", asking({ model: "stalls", signal: leaving.signal })).catch(() => "left");
  await eventually("it runs", () => b.running() === 1);
  const probing = await metricsPage(world.url);
  leaving.abort();
  await probe;
  b.behave(answer());
  await world.idle();
  await eventually("b is well", async () => {
    await ask(world.url, "anthropic", asking({ model: "stalls" }));
    return (await breakerOfB(world)) === 0;
  });
  return { open, probing };
}

/** It does not stay open for long: looked at until it is seen so. */
async function opened(world: House): Promise<MetricsPage> {
  await eventually("b may be asked", async () => (await breakerOfB(world)) < 2);
  await ask(world.url, "anthropic", asking({ model: "stalls" }));
  const page = await metricsPage(world.url);
  return page.sum("hedgerow_breaker_state") === 2 ? page : opened(world);
}

/** The process is told to stop while a stream runs that would not end by itself. */
async function drains(world: House) {
  world.upstream.a.behave(heldOpen().behave);
  const running = await begin(world.url, "anthropic", asking({ session: "drained" }));
  await hearUntil(running, BEGUN);
  await Promise.all([world.hedgerow.stop(), hear(running, "anthropic")]);
}

async function ends(world: House) {
  world.upstream.a.behave(heldOpen().behave);
  const running = await begin(world.url, "anthropic", asking({ session: "ended" }));
  await hearUntil(running, BEGUN);
  const path = "/admin/api/sessions/ended?client=team";
  await fetch(world.url + path, { method: "DELETE", headers: { authorization: `Bearer ${CANARIES.token}` } });
  await hear(running, "anthropic");
}

/** Another instance dies with a lease in its hands, and the store forgets everything while a stream runs here. */
async function crashes(world: House, redis: RedisServer) {
  const held = heldOpen();
  world.upstream.a.behave(held.behave);
  const config = await Bun.file(world.hedgerow.configFile).text();
  const other = await startHedgerow({ config });
  await begin(other.url, "anthropic", asking({ session: "orphan" }));
  await eventually("it is in the store", async () => (await metricsPage(world.url)).sum("hedgerow_sessions") > 0);
  await other.kill9();
  await eventually("it is swept", () => counted(world, "hedgerow_lease_events_total", { event: "expired" }));
  const running = await begin(world.url, "anthropic", asking({ session: "kept" }));
  await hearUntil(running, BEGUN);
  await redis.admin.flushall();
  await eventually("it is restored", () => counted(world, "hedgerow_lease_events_total", { event: "restored" }));
  held.release();
  await hear(running, "anthropic");
}

async function awayAndBack(world: House, redis: RedisServer): Promise<MetricsPage> {
  const held = heldOpen();
  world.upstream.a.behave(held.behave);
  const running = await begin(world.url, "anthropic", asking({ session: "over the outage" }));
  await redis.crash();
  await eventually("it is noticed", async () => (await metricsPage(world.url)).sum("hedgerow_store_up") === 0);
  const page = await metricsPage(world.url);
  await redis.restart();
  await eventually("it is back", async () => (await metricsPage(world.url)).sum("hedgerow_store_up") === 1);
  held.release();
  await hear(running, "anthropic");
  await world.idle();
  return page;
}
