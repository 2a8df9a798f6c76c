/**
 * What a shared store costs a request, and what its faults cost clients: `bun test/bench/store-latency.bench.ts [REQUESTS]`
 * prints two Markdown tables. Needs redis-server. Latencies mean little on a busy machine.
 *
 * The request is small and not streamed; its client and its provider have limits, so it makes the two round trips that
 * a request makes at most where its first choice grants.
 */
import { answer } from "../../src/simulator/behaviour.ts";
import type { Hedgerow } from "../world/binary.ts";
import { asSession } from "../world/gates.ts";
import { ask } from "../world/http.ts";
import { installation } from "../world/installation.ts";
import { type RedisServer, redisServer } from "../world/redis.ts";
import { type RespProxy, respProxy } from "../world/resp-proxy.ts";

const REQUESTS = Number(process.argv[2] ?? 2_000);
const WARM_UP = Math.ceil(REQUESTS / 10);
const SESSIONS = 500;
const KEY = "client-key-123456";
const headers = { authorization: `Bearer ${KEY}` };

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

type Fault = Readonly<{
  name: string;
  cause(redis: RedisServer, between: RespProxy): void | Promise<unknown>;
  end(redis: RedisServer, between: RespProxy): void | Promise<unknown>;
}>;

const FAULTS: readonly Fault[] = [
  { name: "frozen (SIGSTOP)", cause: (redis) => redis.pause(), end: (redis) => redis.resume() },
  { name: "killed, back empty (SIGKILL)", cause: (redis) => redis.crash(), end: (redis) => redis.restart() },
  { name: "emptied (FLUSHALL)", cause: (redis) => redis.admin.flushall(), end: () => {} },
  { name: "replies lost", cause: (_, between) => between.loseReplies(), end: (_, between) => between.mend() },
  { name: "cut off", cause: (_, between) => between.cutOff(), end: (_, between) => between.mend() },
];

type Probe = Readonly<{ atMs: number; ms: number; served: boolean }>;

/** What clients saw of a fault, as a row: with the default timeout of a command, and `when_down: share`. */
async function seen(fault: Fault): Promise<string> {
  await using owned = new AsyncDisposableStack();
  const redis = await redisServer({ listen: "tcp" });
  owned.defer(() => redis.stop());
  const between = owned.use(respProxy({ port: redis.port }));
  const house = owned.use(installation({ a: answer() }, options));
  const proxy = await house.start("one", { store: "redis", redis: { url: `redis://127.0.0.1:${between.port}` } });
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
  await fault.cause(redis, between);
  await Bun.sleep(FAULT_MS);
  await fault.end(redis, between);
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

console.log(await addedLatency());
console.log(
  `\n| fault of ${FAULT_MS} ms | visible to clients for | slower or failed | failed | slowest |\n|---|---|---|---|---|`,
);
for (const fault of FAULTS) console.log(await seen(fault));
