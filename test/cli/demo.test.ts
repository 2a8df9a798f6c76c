import { expect, test } from "bun:test";
import { parse } from "yaml";
import { decisionLine, demo } from "../../src/cli/demo.ts";
import { systemClock } from "../../src/core/clock.ts";
import type { AttemptRecord, Observer, RequestRecord } from "../../src/core/events.ts";

const attempt: AttemptRecord = {
  provider: "slow-start",
  kind: "first",
  outcome: "lost",
  status: 200,
  ttft_ms: null,
  ms: 1300,
  reason: "lost_race",
  at_ms: 0,
  tokens: null,
};

const record: RequestRecord = {
  request_id: "r",
  client: "anonymous",
  protocol: "anthropic",
  model: "demo",
  stream: true,
  session: "s",
  session_source: "content",
  provider: "steady",
  attempts: [
    attempt,
    { ...attempt, provider: "steady", kind: "hedge", outcome: "answered", at_ms: 900.4, ttft_ms: 300 },
  ],
  hedge: "won",
  sticky: "miss",
  status: 200,
  error: "",
  ttft_ms: 1200.2,
  wait_ms: 0,
  ms: 2400,
  input_tokens: 1,
  output_tokens: 1,
  cached_tokens: 0,
  ranked: [],
  left_out: [],
  hedge_after_ms: 900,
  hedge_denied: "",
};

test("a decision tells who was tried, how it went, and what the client saw", () => {
  expect(decisionLine(record, false)).toBe(
    "200 anthropic stream · slow-start lost, then steady (hedge after 900 ms) answered · " +
      "first content 1200 ms, all 2400 ms · hedge won · sticky miss",
  );
});

test("colours appear only where they are wanted", () => {
  expect(decisionLine(record, false)).not.toContain("\u001b");
  expect(decisionLine(record, true)).toStartWith("\u001b[32m200\u001b[0m");
});

test("an answer of our own is told by its code", () => {
  expect(decisionLine({ ...record, status: 429, error: "providers_full", attempts: [] }, false)).toContain(
    "providers_full",
  );
});

test("three providers that answer are configured, curl lines and decisions are printed, and the end closes all", async () => {
  const lines: string[] = [];
  const ended = new AbortController();
  const began = Promise.withResolvers<Readonly<{ config: string; observe: Observer }>>();
  let closed = false;
  const running = demo(
    {
      start: async (config, observe) => {
        began.resolve({ config, observe });
        return {
          url: "http://127.0.0.1:1",
          close: async () => {
            closed = true;
          },
        };
      },
      print: (line) => lines.push(line),
      colour: false,
      clock: systemClock,
      random: () => 0,
      port: 0,
    },
    ended.signal,
  );
  const { config, observe } = await began.promise;
  const { providers } = parse(config) as { providers: { name: string; base_url: string; protocols: string[] }[] };
  expect(providers.map((provider) => provider.name)).toEqual(["steady", "slow-start", "flaky"]);
  for (const provider of providers) expect(provider.protocols.length).toBe(4);
  const answered = await fetch(`${providers[0]?.base_url}/v1/messages`, { method: "POST", body: `{"model":"demo"}` });
  expect(await answered.json()).toMatchObject({ type: "message", model: "demo" });
  observe({ kind: "request_finished", wallMs: 0, record });
  ended.abort();
  await running;
  expect(lines.filter((line) => line.includes("curl")).length).toBe(5);
  expect(lines).toContainEqual(expect.stringContaining(" http://127.0.0.1:1/admin "));
  expect(lines.at(-1)).toBe(decisionLine(record, false));
  expect(closed).toBe(true);
  expect(fetch(`${providers[0]?.base_url}/`)).rejects.toThrow();
});
