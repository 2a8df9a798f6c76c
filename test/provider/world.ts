import type { Provider } from "../../src/provider/provider.ts";

/** A provider with everything at its default, and what a test says about it. */
export function provider(name: string, more: Partial<Provider> = {}): Provider {
  return {
    name,
    protocols: ["anthropic"],
    baseUrl: `https://${name}.test`,
    origin: `https://${name}.test`,
    keys: [],
    auth: null,
    enabled: true,
    priority: 0,
    weight: 1,
    groups: ["default"],
    models: null,
    modelMap: [],
    headers: {},
    proxy: null,
    http2: "auto",
    active: null,
    limits: { sessions: 0, requests: 0 },
    timeouts: { connectMs: 10_000, firstTokenMs: 60_000, idleMs: 120_000, totalMs: 600_000 },
    hedge: { after: "off", minMs: 1_500, maxMs: 30_000, coldMs: 8_000 },
    retrySame: 1,
    breaker: { failures: 5, openMs: 30_000, successes: 2 },
    ...more,
  };
}
