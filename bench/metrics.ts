/**
 * How long one scrape takes with 50 providers whose every series has been used: `bun bench/metrics.ts`.
 * Aim: under 20 ms, because a scrape runs on the thread that serves the streams.
 */
import type { RequestRecord } from "../src/core/events.ts";
import { openMetrics } from "../src/observe/metrics.ts";

const PROVIDERS = 50;
const CLIENTS = 10;
const SCRAPES = 50;
const PROTOCOLS = ["anthropic", "openai-chat", "openai-responses", "gemini"];

const providers = Array.from({ length: PROVIDERS }, (_, index) => `provider-${index}`);
const clients = Array.from({ length: CLIENTS }, (_, index) => `client-${index}`);

const metrics = openMetrics({
  providers: async () =>
    providers.map((provider) => ({ provider, sessions: 3, leases: 2, sessionsLimit: 10, breaker: "closed" as const })),
  waiting: () => 0,
  isStoreUp: () => true,
  logLinesDropped: () => 0,
  startedWallMs: Date.now(),
});
metrics.configured({ providers, clients });

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

const startedMs = performance.now();
for (const provider of providers)
  for (const protocol of PROTOCOLS)
    for (const client of clients)
      metrics.observe({ kind: "request_finished", wallMs: 0, record: record(provider, protocol, client) });
const events = PROVIDERS * PROTOCOLS.length * CLIENTS;
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
console.log(`one request counted: ${eventUs.toFixed(1)} µs`);
console.log(`scrape of ${bytes} bytes: p50 ${at(0.5)} ms, p95 ${at(0.95)} ms, max ${at(1)} ms`);
