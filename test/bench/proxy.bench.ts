/**
 * What Hedgerow costs: CPU per small JSON request and per 100,000 streamed events beside a bare pass-through in the same
 * run, start-up, idle memory. `npm run build && npm run bench:proxy` prints a Markdown table. Linux only (/proc).
 *
 * CPU is counted (user + system time of the proxy's process), not time: it holds on a busy machine, where latencies do not.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";

const BINARY = "dist/hedgerow";
const PARTS = join(import.meta.dir, "proxy");
const CONCURRENCY = 32;
const JSON_REQUESTS = 20_000;
const EVENTS_PER_STREAM = 1_000;
const STREAMS = CONCURRENCY;
const ROUNDS = 5;
const STARTS = 5;
const SETTLE_MS = 2_000;
/** `sysconf(_SC_CLK_TCK)`: fixed at 100 on Linux' user interface. */
const TICKS_PER_SECOND = 100;

type Running = Readonly<{ pid: number; url: string; readyMs: number }>;
const running: Bun.Subprocess[] = [];

/** Starts a process that prints a JSON line with `msg: "listening"` and its `url`; the rest of its output is read and dropped. */
async function start(command: readonly string[]): Promise<Running> {
  const startedMs = performance.now();
  const child = Bun.spawn([...command], { stdin: "ignore", stdout: "pipe", stderr: "inherit", env: {} });
  running.push(child);
  const output = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { done, value } = await output.read();
    if (done) throw new Error(`${command.join(" ")} ended without listening:\n${text}`);
    text += value;
    const line = text.split("\n").find((each) => each.includes('"listening"') && each.endsWith("}"));
    if (line === undefined) continue;
    const readyMs = performance.now() - startedMs;
    // Its log must not fill the pipe; the reading ends as the process does.
    void (async () => {
      while (!(await output.read()).done);
    })();
    return { pid: child.pid, url: (JSON.parse(line) as { url: string }).url, readyMs };
  }
}

async function stop(pid: number): Promise<void> {
  const child = running.find((each) => each.pid === pid);
  child?.kill("SIGKILL");
  await child?.exited;
}

/** User and system time of a process so far. The name in the second field may hold spaces; what follows its `)` does not. */
function cpuMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return ((Number(fields[11]) + Number(fields[12])) * 1_000) / TICKS_PER_SECOND;
}

function rssMiB(pid: number): number {
  const kiB = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return Number(kiB) / 1_024;
}

type Load = Readonly<{ kind: "json" | "stream"; requests: number }>;
const JSON_LOAD: Load = { kind: "json", requests: JSON_REQUESTS };
const STREAM_LOAD: Load = { kind: "stream", requests: STREAMS };

/** Puts the load on the proxy and answers what CPU time it took there. */
async function cost(proxy: Running, load: Load): Promise<number> {
  const beforeMs = cpuMs(proxy.pid);
  const numbers = [load.requests, EVENTS_PER_STREAM, CONCURRENCY].map(String);
  const child = Bun.spawn([process.execPath, join(PARTS, "load.ts"), proxy.url, load.kind, ...numbers], {
    stdio: ["ignore", "inherit", "inherit"],
  });
  running.push(child);
  if ((await child.exited) !== 0) throw new Error(`the load on ${proxy.url} failed`);
  return cpuMs(proxy.pid) - beforeMs;
}

const median = (values: readonly number[]) => [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;

async function main(folder: string): Promise<string> {
  const upstream = await start([process.execPath, join(PARTS, "upstream.ts")]);
  const config = join(folder, "providers.yaml");
  writeFileSync(
    config,
    `log: { format: json }\nproviders:\n  - name: bench\n    protocols: [openai-chat]\n    base_url: ${upstream.url}\n    api_key: none\n`,
  );
  const serve = [BINARY, "serve", "-c", config, "--port", "0"];

  const starts: number[] = [];
  for (let i = 0; i < STARTS; i++) {
    const once = await start(serve);
    starts.push(once.readyMs);
    await stop(once.pid);
  }

  const proxies = [await start([process.execPath, join(PARTS, "pass-through.ts"), upstream.url]), await start(serve)];
  await Bun.sleep(SETTLE_MS);
  const idle = proxies.map(({ pid }) => rssMiB(pid));

  for (const proxy of proxies) await cost(proxy, { kind: "json", requests: JSON_REQUESTS / 10 });
  const jsonMs: number[][] = proxies.map(() => []);
  const streamMs: number[][] = proxies.map(() => []);
  // Turn about, so that what else the machine does meanwhile meets both.
  for (let round = 0; round < ROUNDS; round++) {
    for (const [index, proxy] of proxies.entries()) {
      jsonMs[index]?.push(await cost(proxy, JSON_LOAD));
      streamMs[index]?.push(await cost(proxy, STREAM_LOAD));
    }
  }
  return table({ starts, idle, jsonMs, streamMs });
}

type Measured = Readonly<{
  /** Milliseconds from spawning to "listening", one a start. */
  starts: readonly number[];
  /** MiB, bare first. */
  idle: readonly number[];
  /** CPU per round; bare first. */
  jsonMs: readonly number[][];
  streamMs: readonly number[][];
}>;

function table({ starts, idle, jsonMs, streamMs }: Measured): string {
  const row = (what: string, unit: string, digits: number, values: readonly number[]) => {
    const [bare = 0, ours = 0] = values;
    return `| ${what} | ${bare.toFixed(digits)} ${unit} | ${ours.toFixed(digits)} ${unit} | ${(ours / bare).toFixed(2)} |`;
  };
  const microsecondsEach = jsonMs.map((rounds) => (median(rounds) * 1_000) / JSON_REQUESTS);
  const secondsPer100k = streamMs.map((rounds) => (median(rounds) / 1_000) * (100_000 / (STREAMS * EVENTS_PER_STREAM)));
  return [
    `${cpus().length} cores, ${cpus()[0]?.model ?? ""}; ${CONCURRENCY} connections; median of ${ROUNDS} rounds`,
    "",
    "| | bare pass-through | Hedgerow | ratio |",
    "|---|---|---|---|",
    row("CPU per small JSON request", "µs", 0, microsecondsEach),
    row("CPU per 100,000 SSE events", "s", 2, secondsPer100k),
    row("memory when idle (RSS)", "MiB", 0, idle),
    `| start-up to listening | | ${median(starts).toFixed(0)} ms | |`,
  ].join("\n");
}

if (!existsSync(BINARY)) throw new Error(`${BINARY} is not there: npm run build`);
const folder = mkdtempSync(join(tmpdir(), "hedgerow-bench-"));
try {
  console.log(await main(folder));
} finally {
  for (const child of running) child.kill("SIGKILL");
  rmSync(folder, { recursive: true });
}
