import { describe, expect, test } from "bun:test";
import { type HealthState, healthRoute } from "../../src/http/health.ts";

const WELL: HealthState = { draining: false, store: "up", providersEnabled: 2 };

async function ask(path: string, state: Partial<HealthState> = {}) {
  const response = healthRoute(path, () => ({ ...WELL, ...state }));
  return response === null ? null : { status: response.status, body: await response.json() };
}

describe("readiness", () => {
  test.each([
    [{}, 200, { ready: true, reasons: [], store: "up" }],
    [{ draining: true }, 503, { ready: false, reasons: ["draining"], store: "up" }],
    [{ store: "degraded" }, 200, { ready: true, reasons: [], store: "degraded" }],
    [{ store: "down" }, 503, { ready: false, reasons: ["store_down"], store: "down" }],
    [{ providersEnabled: 0 }, 503, { ready: false, reasons: ["no_providers"], store: "up" }],
    [
      { draining: true, store: "down", providersEnabled: 0 },
      503,
      { ready: false, reasons: ["draining", "store_down", "no_providers"], store: "down" },
    ],
  ] as const)("with %j", async (state, status, body) => {
    for (const path of ["/readyz", "/health"]) expect(await ask(path, state)).toEqual({ status, body });
  });
});

test("liveness does not depend on anything a restart would not cure", async () => {
  const ill = { draining: true, store: "down", providersEnabled: 0 } as const;
  expect(await ask("/livez", ill)).toEqual({ status: 200, body: { live: true } });
});

test("other paths are somebody else's", async () => {
  for (const path of ["/", "/healthz", "/readyz/", "/v1/messages"]) expect(await ask(path)).toBeNull();
});
