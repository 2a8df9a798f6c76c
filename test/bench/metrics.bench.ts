/**
 * How long one scrape takes with 50 providers and 10 clients whose every series has been used, each provider asked in
 * one protocol or in all four: `bun test/bench/metrics.bench.ts`. Aim: under 20 ms, because a scrape runs on the thread that
 * serves the streams.
 */
import type { RequestRecord } from "../../src/core/events.ts";
import { openMetrics } from "../../src/observe/metrics.ts";

const PROVIDERS = 50;
const CLIENTS = 10;
const SCRAPES = 50;
const PROTOCOLS = ["anthropic", "openai-chat", "openai-responses", "gemini"];

const providers = Array.from({ length: PROVIDERS }, (_, index) => `provider-${index}`);
const clients = Array.from({ length: CLIENTS }, (_, index) => `client-${index}`);

function record(provider: string, protocol: string, client: string): RequestRecord {
  return {
    request_id: "r",
    client,
    protocol,
    model: "m",
    stream: true,
    session: "s",
    session_source: "content",
    provider,
    attempts: [],
    hedge: "idle",
    sticky: "hit",
    status: 200,
    error: "",
    ttft_ms: 800,
    wait_ms: 0,
    ms: 4_000,
    input_tokens: 1,
    output_tokens: 1,
    cached_tokens: 0,
    ranked: [],
    left_out: [],
    hedge_after_ms: null,
    hedge_denied: "",
  };
}

for (const protocols of [PROTOCOLS.slice(0, 1), PROTOCOLS]) await measure(protocols);

async function measure(protocols: readonly string[]): Promise<void> {
  const metrics = openMetrics({
    providers: async () =>
      providers.map((provider) => ({
        provider,
        sessions: 3,
        leases: 2,
        sessionsLimit: 10,
        breaker: "closed" as const,
      })),
    leasesOfRemoved: () => 0,
    waiting: () => 0,
    isStoreUp: () => true,
    logLinesDropped: () => 0,
    startedWallMs: Date.now(),
  });
  metrics.configured({ providers, clients });
  const startedMs = performance.now();
  for (const provider of providers)
    for (const protocol of protocols)
      for (const client of clients)
        metrics.observe({ kind: "request_finished", wallMs: 0, record: record(provider, protocol, client) });
  const events = PROVIDERS * protocols.length * CLIENTS;
  const eventUs = ((performance.now() - startedMs) * 1_000) / events;
  const scrapesMs: number[] = [];
  let bytes = 0;
  for (let round = 0; round < SCRAPES; round++) {
    const fromMs = performance.now();
    bytes = (await metrics.text()).length;
    scrapesMs.push(performance.now() - fromMs);
  }
  scrapesMs.sort((a, b) => a - b);
  const at = (share: number) => scrapesMs[Math.floor(share * (SCRAPES - 1))]?.toFixed(1);
  console.log(
    `${protocols.length} protocols each: a request counted in ${eventUs.toFixed(1)} µs,`,
    `a scrape of ${Math.round(bytes / 1_000)} kB p50 ${at(0.5)} ms, p95 ${at(0.95)} ms, max ${at(1)} ms`,
  );
}
