/**
 * What a shared store costs a request, and what its faults cost clients: `bun test/bench/store-latency.bench.ts [REQUESTS]`
 * prints two Markdown tables and a line, in some three minutes. Needs redis-server. Latencies mean little on a busy machine.
 *
 * The request is small and not streamed; its client and its provider have limits, so it makes the two round trips that
 * a request makes at most where its first choice grants.
 *
 * A step of the server's clock is not among the faults: to cause one takes the machine's own clock, and so root. What it may
 * do to leases is tested with a clock that is an argument of the scripts (test/session).
 */
import { answer } from "../../src/simulator/behaviour.ts";
import type { Hedgerow } from "../world/binary.ts";
import { asSession, gates, startTalk } from "../world/gates.ts";
import { ask } from "../world/http.ts";
import { installation } from "../world/installation.ts";
import { redisCluster } from "../world/redis-cluster.ts";
import { redisSentinels } from "../world/redis-sentinels.ts";
import { type RedisServer, redisServer } from "../world/redis.ts";
import { type RespProxy, respProxy } from "../world/resp-proxy.ts";

const REQUESTS = Number(process.argv[2] ?? 2_000);
const WARM_UP = Math.ceil(REQUESTS / 10);
const SESSIONS = 500;
const KEY = "client-key-123456";
const headers = { authorization: `Bearer ${KEY}` };

/** So many clients ask the proxy that is killed. */
const LANES = 4;
const PROBE_EVERY_MS = 10;
const BEFORE_MS = 1_500;
const FAULT_MS = 2_500;
const AFTER_MS = 2_500;
/** Slower than the slowest before the fault by so much: somebody may have noticed. */
const NOTICED_MS = 20;

const options = {
  each: { limits: { sessions: 10 * SESSIONS } },
  config: {
    clients: [{ name: "c", key: KEY, limits: { sessions: 10 * SESSIONS } }],
    defaults: { hedge: { after: "off" } },
  },
};

/** Milliseconds from sending a request to the end of its answer, and whether it was served. */
async function once(proxy: Hedgerow, turn: number): Promise<Readonly<{ ms: number; served: boolean }>> {
  const startMs = performance.now();
  const asking = { ...asSession(`s${turn % SESSIONS}`), headers, stream: false };
  const heard = await ask(proxy.url, "anthropic", asking).catch(() => null);
  return { ms: performance.now() - startMs, served: heard?.status === 200 };
}

function quantile(values: readonly number[], share: number): number {
  return (
    [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))] ?? Number.NaN
  );
}

async function addedLatency(): Promise<string> {
  await using owned = new AsyncDisposableStack();
  const [tcp, unix] = [await redisServer({ listen: "tcp" }), await redisServer()];
  for (const server of [tcp, unix]) owned.defer(() => server.stop());
  const house = owned.use(installation({ a: answer() }, options));
  const redisAt = ({ url }: RedisServer) => ({ store: "redis", redis: { url, timeout: "1s" } });
  const stores = [
    { name: "memory", proxy: await house.start("memory"), tookMs: [] as number[] },
    { name: "Redis, unix socket", proxy: await house.start("unix", redisAt(unix)), tookMs: [] as number[] },
    { name: "Redis, TCP", proxy: await house.start("tcp", redisAt(tcp)), tookMs: [] as number[] },
  ];
  for (const { proxy } of stores) for (let turn = 0; turn < WARM_UP; turn++) await once(proxy, turn);
  // Turn about, so that what else the machine does meanwhile meets all of them.
  for (let turn = 0; turn < REQUESTS; turn++)
    for (const { proxy, tookMs } of stores) tookMs.push((await once(proxy, turn)).ms);
  const [memory] = stores;
  const rows = stores.map(({ name, tookMs }) => {
    const [p50, p99] = [quantile(tookMs, 0.5), quantile(tookMs, 0.99)];
    const [less50, less99] = [0.5, 0.99].map((share) => quantile(memory?.tookMs ?? [], share));
    const added =
      name === "memory" ? "| |" : `| ${(p50 - (less50 ?? 0)).toFixed(2)} ms | ${(p99 - (less99 ?? 0)).toFixed(2)} ms`;
    return `| ${name} | ${p50.toFixed(2)} ms | ${p99.toFixed(2)} ms ${added} |`;
  });
  return ["| store | p50 | p99 | added, p50 | added, p99 |", "|---|---|---|---|---|", ...rows].join("\n");
}

/** A store as a proxy is told of it, and what happens to it. */
type Scene = Readonly<{ redis: unknown; cause(): unknown; end(): unknown }>;
type Fault = Readonly<{ name: string; prepare(owned: AsyncDisposableStack, house: House): Promise<Scene> }>;
type House = ReturnType<typeof installation>;

/** Of one server, through a proxy that can lose what it says. */
function ofOne(
  name: string,
  cause: (redis: RedisServer, between: RespProxy) => unknown,
  end: (redis: RedisServer, between: RespProxy) => unknown = () => {},
): Fault {
  const prepare = async (owned: AsyncDisposableStack) => {
    const redis = await redisServer({ listen: "tcp" });
    owned.defer(() => redis.stop());
    const between = owned.use(respProxy({ port: redis.port }));
    const place = { url: `redis://127.0.0.1:${between.port}` };
    return { redis: place, cause: () => cause(redis, between), end: () => end(redis, between) };
  };
  return { name, prepare };
}

const placeOf = ({ host, port }: Readonly<{ host: string; port: number }>) => `${host}:${port}`;

const clusterMaster: Fault = {
  name: "Cluster: the provider's master killed (SIGKILL)",
  async prepare(owned) {
    const cluster = await redisCluster();
    owned.defer(() => cluster.stop());
    const master = await cluster.masterOf("hedgerow:{provider:a}:active_sessions");
    return { redis: { cluster: cluster.nodes.map(placeOf) }, cause: () => master.crash(), end: () => {} };
  },
};

function sentinel(name: string, kind: "killed" | "ordered"): Fault {
  const prepare = async (owned: AsyncDisposableStack) => {
    const watched = await redisSentinels();
    owned.defer(() => watched.stop());
    const redis = { sentinel: { name: watched.name, nodes: watched.nodes.map(placeOf) } };
    const cause = () => (kind === "killed" ? watched.master.crash() : watched.failover());
    return { redis, cause, end: () => {} };
  };
  return { name, prepare };
}

/** As a server does that is restarted again and again, but without losing what it holds. */
const scriptsForgotten: Fault = {
  name: "SCRIPT FLUSH every millisecond",
  async prepare(owned) {
    const redis = await redisServer({ listen: "tcp" });
    owned.defer(() => redis.stop());
    const over = new AbortController();
    const flushing = async () => {
      for (; !over.signal.aborted; await Bun.sleep(1)) await redis.admin.script("FLUSH");
    };
    let flushed: Promise<void> = Promise.resolve();
    return {
      redis: { url: redis.url },
      cause: () => void (flushed = flushing()),
      end: () => {
        over.abort();
        return flushed;
      },
    };
  },
};

/** Seen by the clients of one that goes on, while there are slots beside those that the killed one held. */
const otherKilled: Fault = {
  name: "another proxy killed (SIGKILL)",
  async prepare(owned, house) {
    const redis = await redisServer({ listen: "tcp" });
    owned.defer(() => redis.stop());
    const place = { url: redis.url };
    const other = await house.start("other", { store: "redis", redis: place });
    const over = new AbortController();
    const busy = async (lane: number) => {
      for (let turn = lane; !over.signal.aborted; turn += LANES) await once(other, turn);
    };
    const load = Promise.all(Array.from({ length: LANES }, (_, lane) => busy(lane)));
    const cause = async () => {
      await other.kill9();
      over.abort();
      await load;
    };
    return { redis: place, cause, end: () => {} };
  },
};

const FAULTS: readonly Fault[] = [
  ofOne(
    "frozen (SIGSTOP)",
    (redis) => redis.pause(),
    (redis) => redis.resume(),
  ),
  ofOne(
    "killed, back empty (SIGKILL)",
    (redis) => redis.crash(),
    (redis) => redis.restart(),
  ),
  ofOne("emptied (FLUSHALL)", (redis) => redis.admin.flushall()),
  ofOne(
    "replies lost",
    (_, between) => between.loseReplies(),
    (_, between) => between.mend(),
  ),
  ofOne(
    "cut off",
    (_, between) => between.cutOff(),
    (_, between) => between.mend(),
  ),
  scriptsForgotten,
  clusterMaster,
  sentinel("Sentinel: the master killed (SIGKILL)", "killed"),
  sentinel("Sentinel: a failover ordered, the master lives", "ordered"),
  otherKilled,
];

type Probe = Readonly<{ atMs: number; ms: number; served: boolean }>;

/** What clients saw of a fault, as a row: with the default timeout of a command, and `when_down: share`. */
async function seen(fault: Fault): Promise<string> {
  await using owned = new AsyncDisposableStack();
  const house = owned.use(installation({ a: answer() }, options));
  const { redis, cause, end } = await fault.prepare(owned, house);
  const proxy = await house.start("one", { store: "redis", redis });
  for (let turn = 0; turn < WARM_UP; turn++) await once(proxy, turn);

  const probes: Promise<Probe>[] = [];
  const over = new AbortController();
  const probing = (async () => {
    for (let turn = 0; !over.signal.aborted; turn++) {
      const atMs = performance.now();
      probes.push(once(proxy, turn).then((heard) => ({ atMs, ...heard })));
      await Bun.sleep(PROBE_EVERY_MS);
    }
  })();
  await Bun.sleep(BEFORE_MS);
  const causedMs = performance.now();
  await cause();
  await Bun.sleep(FAULT_MS);
  await end();
  await Bun.sleep(AFTER_MS);
  over.abort();
  await probing;

  const all = await Promise.all(probes);
  const slowestBefore = Math.max(...all.filter(({ atMs }) => atMs < causedMs - NOTICED_MS).map(({ ms }) => ms));
  const after = all.filter(({ atMs, ms }) => atMs + ms >= causedMs);
  const noticed = after.filter(({ ms, served }) => !served || ms > slowestBefore + NOTICED_MS);
  const from = Math.min(...noticed.map(({ atMs }) => atMs));
  const to = Math.max(...noticed.map(({ atMs, ms }) => atMs + ms));
  const span = noticed.length === 0 ? "not at all" : `${(to - from).toFixed(0)} ms`;
  const failed = after.filter(({ served }) => !served).length;
  const worst = Math.max(...after.map(({ ms }) => ms));
  return `| ${fault.name} | ${span} | ${noticed.length} of ${after.length} | ${failed} | ${worst.toFixed(0)} ms |`;
}

const SLOTS = 8;

/** A full provider's slots, all held by a proxy that is killed: how long until a client of another gets one. */
async function slotsOfTheDead(): Promise<string> {
  await using owned = new AsyncDisposableStack();
  const redis = await redisServer({ listen: "tcp" });
  owned.defer(() => redis.stop());
  const gate = gates();
  const more = { each: { limits: { sessions: SLOTS } }, config: { defaults: { hedge: { after: "off" } } } };
  const house = owned.use(installation({ a: gate.talking }, more));
  const place = { store: "redis", redis: { url: redis.url } };
  const [doomed, survivor] = [await house.start("doomed", place), await house.start("survivor", place)];
  for (let at = 0; at < SLOTS; at++) await startTalk(doomed.url, `held-${at}`);
  gate.open("next");
  const served = async () => (await ask(survivor.url, "anthropic", asSession("next"))).status === 200;
  if (await served()) throw new Error("the provider is not full");
  await doomed.kill9();
  const killedMs = performance.now();
  while (!(await served())) await Bun.sleep(PROBE_EVERY_MS);
  const seconds = (performance.now() - killedMs) / 1000;
  return `A full provider's slots, all held by a proxy that is killed: a client of another gets one after ${seconds.toFixed(1)} s.`;
}

console.log(await addedLatency());
console.log(
  `\n| fault of ${FAULT_MS} ms | visible to clients for | slower or failed | failed | slowest |\n|---|---|---|---|---|`,
);
for (const fault of FAULTS) console.log(await seen(fault));
console.log(`\n${await slotsOfTheDead()}`);
