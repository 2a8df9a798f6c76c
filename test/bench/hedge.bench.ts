/**
 * What hedging buys and what it costs: time to first content with hedging off, fixed and learned, at three loads, through
 * the compiled binary. `npm run build && npm run bench:hedge` prints a Markdown table; it takes about ten minutes.
 *
 * All times are a tenth of real ones, those of the configuration too. Providers, proxies and clients run in processes of
 * their own. The proxies take turns at each load and meet the same requests with the same luck.
 */
import { cpus } from "node:os";
import { join } from "node:path";
import { type Hedgerow, startHedgerow } from "../world/binary.ts";
import { meanServiceMs } from "./hedge/chance.ts";
import type { Told } from "./hedge/load.ts";

const PARTS = join(import.meta.dir, "hedge");
const PROVIDERS = ["north", "south"] as const;
const SLOTS_EACH = 40;
const LOADS = [0.3, 0.5, 0.8] as const;
const HEDGING = { off: "off", fixed: "300ms", auto: "auto" } as const;
type Hedging = keyof typeof HEDGING;
/** The slowest percent of a row are a hundred requests. */
const REQUESTS = 10_000;
/** Sent before and not counted: 30 samples a provider are enough for `auto` to have learned. */
const WARM_UP = 400;
const WARM_UP_LOAD = 0.3;
const BUDGET = "10%";
const SETTLE_MS = 1_000;

const running: Bun.Subprocess[] = [];

/** Runs a part of the benchmark as a process; resolves with the first thing it tells. */
function part<Message>(script: string, ...args: readonly string[]): Promise<Message> {
  return new Promise((resolve, reject) => {
    const child = Bun.spawn([process.execPath, join(PARTS, script), ...args], {
      // More streams are open at once than `fetch` lets a process have by default.
      env: { BUN_CONFIG_MAX_HTTP_REQUESTS: "65535" },
      stdio: ["ignore", "inherit", "inherit"],
      ipc: (message) => resolve(message as Message),
      onExit: (_, code) => reject(new Error(`${script} ended with ${code} and told nothing`)),
    });
    running.push(child);
  });
}

function configOf(after: string, urls: readonly string[]): string {
  const providers = PROVIDERS.map((name, at) => ({
    name,
    protocols: ["anthropic"],
    base_url: urls[at],
    api_key: "none",
    limits: { requests: SLOTS_EACH },
  }));
  return JSON.stringify({
    server: { port: 0 },
    log: { format: "json" },
    // At 80 % load all slots are taken now and then: requests stand in line for a moment rather than being refused.
    sessions: { wait: "3s" },
    defaults: {
      timeouts: { first_token: "6s" },
      hedge: { after, min: "150ms", max: "3s", cold: "800ms", budget: BUDGET },
    },
    providers,
  });
}

/** What a run of requests on one proxy came to. */
type Cell = Readonly<{ told: Told; hedges: number; wastedTokens: number; tokens: number }>;

async function load(proxy: Hedgerow, name: string, share: number, requests: number): Promise<Cell> {
  const before = proxy.log().length;
  const meanGapMs = meanServiceMs() / (share * SLOTS_EACH * PROVIDERS.length);
  const told = await part<Told>("load.ts", proxy.url, name, String(requests), String(meanGapMs));
  // A line is written when the last loser has ended, a moment after its client has its answer.
  await Bun.sleep(SETTLE_MS);
  const lines = attemptsOf(proxy, before);
  if (lines.length !== requests) throw new Error(`${requests} requests, but ${lines.length} lines in the log`);
  const attempts = lines.flat();
  const tokensOf = (some: readonly Attempt[]) =>
    some.reduce((sum, { tokens }) => sum + (tokens ? tokens.input + tokens.output : 0), 0);
  return {
    told,
    hedges: attempts.filter(({ kind }) => kind === "hedge").length,
    wastedTokens: tokensOf(attempts.filter(({ outcome }) => outcome === "lost")),
    tokens: tokensOf(attempts.filter(({ outcome }) => outcome === "answered")),
  };
}

type Attempt = Readonly<{ kind: string; outcome: string; tokens?: Readonly<{ input: number; output: number }> }>;

/** The attempts of each request that the log tells of from line `from` on. */
function attemptsOf(proxy: Hedgerow, from: number): readonly (readonly Attempt[])[] {
  return proxy
    .log()
    .slice(from)
    .flatMap(({ attempts }) => (Array.isArray(attempts) ? [attempts as readonly Attempt[]] : []));
}

function quantile(values: readonly number[], q: number): number {
  return [...values].sort((a, b) => a - b)[Math.ceil(q * values.length) - 1] ?? Number.NaN;
}

async function main(): Promise<string> {
  const urls = await part<readonly string[]>("providers.ts", ...PROVIDERS);
  const modes = Object.keys(HEDGING) as Hedging[];
  const rows: string[] = [];
  const lateMs: number[] = [];
  await using owned = new AsyncDisposableStack();
  const proxies: Hedgerow[] = [];
  for (const mode of modes) {
    const proxy = owned.use(await startHedgerow({ config: configOf(HEDGING[mode], urls) }));
    await load(proxy, "warm-up", WARM_UP_LOAD, WARM_UP);
    proxies.push(proxy);
  }
  for (const share of LOADS) {
    let unhedgedMs = Number.NaN;
    for (const [at, proxy] of proxies.entries()) {
      const { told, hedges, wastedTokens, tokens } = await load(proxy, `load-${share}`, share, REQUESTS);
      const [p50 = 0, p95 = 0, p99 = 0] = [0.5, 0.95, 0.99].map((q) => quantile(told.contentMs, q));
      if (at === 0) unhedgedMs = p99;
      lateMs.push(...told.lateMs);
      const ms = [p50, p95, p99].map((value) => value.toFixed(0));
      const ratios = [p99 / unhedgedMs, hedges / REQUESTS, wastedTokens / tokens].map((ratio) => percent(ratio));
      rows.push(`| ${[percent(share, 0), modes[at], ...ms, ...ratios, told.failures].join(" | ")} |`);
    }
  }
  const [cpu] = cpus();
  return [
    `${cpus().length} cores, ${cpu?.model ?? ""}; ${REQUESTS} requests a row; milliseconds, a tenth of real ones; ` +
      `fixed: ${HEDGING.fixed}; budget ${BUDGET}; requests were sent ${quantile(lateMs, 0.99).toFixed(0)} ms late (p99)`,
    "",
    "| load | hedging | p50 | p95 | p99 | p99 of unhedged | extra requests | wasted tokens | failures |",
    "|---|---|---|---|---|---|---|---|---|",
    ...rows,
  ].join("\n");
}

function percent(share: number, digits = 1): string {
  return `${(share * 100).toFixed(digits)} %`;
}

try {
  console.log(await main());
} finally {
  for (const child of running) child.kill("SIGKILL");
}
