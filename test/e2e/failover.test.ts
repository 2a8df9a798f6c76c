import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { PROTOCOL_NAMES } from "../../src/protocol/protocol.ts";
import {
  answer,
  emptyBody,
  errorInside,
  headersThenSilence,
  htmlPage,
  inTurn,
  redirect,
  resetAtOnce,
  status,
  streamHead,
  forWish,
} from "../../src/simulator/behaviour.ts";
import { close, head, pause } from "../../src/simulator/script.ts";
import type { Behave } from "../../src/simulator/simulator.ts";
import { ask, PLAIN_TEXT } from "../world/http.ts";
import { eventually, startWorld, type WorldOptions } from "../world/scripted-upstream.ts";

setDefaultTimeout(60_000);

const NO_HEDGE = { config: { defaults: { hedge: { after: "off" } } } } satisfies WorldOptions;
const truncated: Behave = forWish((wish) => [
  wish.stream ? streamHead(wish) : head(200, "application/json", { "content-length": "500" }),
  pause(30),
  close,
]);

/** What fails before content and is answered by the second provider, the client noticing nothing. */
const MOVES: readonly Readonly<{ what: string; behave: Behave; only?: Readonly<Record<string, unknown>> }>[] = [
  { what: "a connect error", behave: answer(), only: { base_url: "http://127.0.0.1:1" } },
  { what: "an unknown host", behave: answer(), only: { base_url: "http://upstream.invalid" } },
  { what: "a reset", behave: resetAtOnce },
  { what: "a truncated answer", behave: truncated },
  ...[500, 502, 503, 504, 529].map((code) => ({ what: String(code), behave: status(code) })),
  { what: "an overloaded error inside a 200", behave: errorInside(529) },
  { what: "a rate limit inside a 200", behave: errorInside(429) },
  ...[429, 401, 402, 403, 404, 408, 409, 425].map((code) => ({ what: String(code), behave: status(code) })),
  { what: "a redirect", behave: redirect("http://127.0.0.1:1/elsewhere") },
  { what: "HTML in a 200", behave: htmlPage },
  { what: "an empty body in a 200", behave: emptyBody },
];

describe.each([{ stream: true }, { stream: false }])("failover before content (stream: $stream)", ({ stream }) => {
  test.each(MOVES.map((row, at) => ({ ...row, protocol: PROTOCOL_NAMES[at % 4] ?? "anthropic" })))(
    "$what ($protocol)",
    async ({ behave, only, protocol }) => {
      await using world = await startWorld(
        { a: behave, b: answer() },
        { ...NO_HEDGE, ...(only ? { only: { a: only } } : {}) },
      );
      const heard = await ask(world.url, protocol, { stream });
      expect(heard).toMatchObject({ status: 200, said: PLAIN_TEXT, clean: true, terminal: true, error: false });
      expect(heard.headers.get("x-hedgerow-provider")).toBe("b");
      expect(heard.headers.get("x-hedgerow-attempts")).toBe("2");
      await world.idle();
      expect(await world.hedgerow.metric("hedgerow_sessions", { provider: "a" })).toBe(0);
    },
  );
});

describe("failover in time", () => {
  test("no connection within connect", async () => {
    using silent = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
    await using world = await startWorld(
      { a: answer(), b: answer() },
      { ...NO_HEDGE, only: { a: { base_url: `https://127.0.0.1:${silent.port}`, timeouts: { connect: "300ms" } } } },
    );
    expect(await ask(world.url, "anthropic")).toMatchObject({ status: 200, said: PLAIN_TEXT, terminal: true });
    await world.idle();
    const [attempts] = world.hedgerow.log().flatMap((line) => ("attempts" in line ? [line["attempts"]] : []));
    expect(attempts).toMatchObject([
      { provider: "a", reason: "connect_timeout" },
      { provider: "b", outcome: "answered" },
    ]);
  });

  test("no content within first_token", async () => {
    await using world = await startWorld(
      { a: headersThenSilence, b: answer() },
      { config: { defaults: { hedge: { after: "off" }, timeouts: { first_token: "300ms" } } } },
    );
    expect(await ask(world.url, "anthropic")).toMatchObject({ status: 200, said: PLAIN_TEXT, terminal: true });
    expect((await world.upstream.a.exchanges()[0]?.ended)?.how).toBe("left");
    await world.idle();
  });

  test("a whole answer that takes longer than total", async () => {
    await using world = await startWorld(
      { a: answer({ firstMs: 60_000 }), b: answer() },
      { ...NO_HEDGE, only: { a: { timeouts: { total: "300ms" } } } },
    );
    expect(await ask(world.url, "anthropic", { stream: false })).toMatchObject({ status: 200, said: PLAIN_TEXT });
    await world.idle();
  });

  test("a healthy long stream is not cut by total", async () => {
    await using world = await startWorld(
      { a: answer({ gapMs: 200 }) },
      { ...NO_HEDGE, only: { a: { timeouts: { total: "300ms" } } } },
    );
    expect(await ask(world.url, "anthropic")).toMatchObject({ status: 200, said: PLAIN_TEXT, terminal: true });
  });

  test("everything out of time: timed_out", async () => {
    await using world = await startWorld(
      { a: headersThenSilence },
      { config: { defaults: { hedge: { after: "off" }, timeouts: { first_token: "200ms" } } } },
    );
    const heard = await ask(world.url, "anthropic");
    expect(heard).toMatchObject({ status: 504, error: true });
    expect(heard.headers.get("x-hedgerow-error")).toBe("timed_out");
  });
});

describe("a definitive answer is the client's", () => {
  const POLICY = JSON.stringify({
    type: "error",
    error: { type: "permission_error", message: "This request violates our content policy." },
  });
  const DEFINITIVE: readonly Readonly<{ code: number; body?: string }>[] = [
    { code: 400 },
    { code: 413 },
    { code: 422 },
    { code: 418 },
    { code: 403, body: POLICY },
  ];
  for (const stream of [true, false]) {
    test.each(DEFINITIVE)(`$code (stream: ${stream})`, async ({ code, body }) => {
      await using world = await startWorld({ a: status(code, body ? { body } : {}), b: answer() }, NO_HEDGE);
      const heard = await ask(world.url, "anthropic", { stream });
      expect(heard).toMatchObject({ status: code, error: true });
      expect(heard.body).toContain(body ?? `simulated ${code}`);
      expect(world.upstream.b.arrived()).toBe(0);
      await world.idle();
    });
  }
});

describe("what is remembered of a failure", () => {
  const session = (at: number) => ({ session: `s${at}` });

  test("a 429 rests key and model for its retry-after, another model is asked", async () => {
    await using world = await startWorld(
      { a: status(429, { headers: { "retry-after": "60" } }), b: answer() },
      NO_HEDGE,
    );
    await ask(world.url, "anthropic", session(1));
    await ask(world.url, "anthropic", session(2));
    expect(world.upstream.a.arrived()).toBe(1);
    await ask(world.url, "anthropic", { ...session(3), model: "model-2" });
    expect(world.upstream.a.arrived()).toBe(2);
  });

  test("a second key is used while the first one rests", async () => {
    await using world = await startWorld(
      {
        a: (request) => (request.header("x-api-key") === "key-one-0123456" ? status(429)(request) : answer()(request)),
      },
      { ...NO_HEDGE, only: { a: { api_key: undefined, api_keys: ["key-one-0123456", "key-two-0123456"] } } },
    );
    for (const at of [1, 2, 3, 4]) {
      const heard = await ask(world.url, "anthropic", session(at));
      if (at > 2) expect(heard).toMatchObject({ status: 200, said: PLAIN_TEXT });
    }
    const keys = world.upstream.a.exchanges().map((exchange) => exchange.request.header("x-api-key"));
    expect(keys.filter((key) => key === "key-one-0123456").length).toBe(1);
  });

  test("a 404 rests the model there", async () => {
    await using world = await startWorld({ a: status(404), b: answer() }, NO_HEDGE);
    await ask(world.url, "anthropic", session(1));
    await ask(world.url, "anthropic", session(2));
    expect(world.upstream.a.arrived()).toBe(1);
    await ask(world.url, "anthropic", { ...session(3), model: "model-2" });
    expect(world.upstream.a.arrived()).toBe(2);
  });

  test("a 409 is remembered by nobody", async () => {
    await using world = await startWorld({ a: status(409), b: answer() }, NO_HEDGE);
    for (const at of [1, 2, 3]) await ask(world.url, "anthropic", session(at));
    expect(world.upstream.a.arrived()).toBe(3);
  });

  test("failures in a row open the breaker, one probe closes it again", async () => {
    await using world = await startWorld(
      { a: status(500), b: answer() },
      { config: { defaults: { hedge: { after: "off" }, breaker: { failures: 2, open: "300ms", successes: 1 } } } },
    );
    for (const at of [1, 2, 3, 4])
      expect(await ask(world.url, "anthropic", session(at))).toMatchObject({ said: PLAIN_TEXT });
    expect(world.upstream.a.arrived()).toBe(2);
    world.upstream.a.behave(answer());
    await eventually("the probe is answered", async () => {
      const heard = await ask(world.url, "anthropic", session(world.upstream.b.arrived() + 100));
      return heard.headers.get("x-hedgerow-provider") === "a";
    });
    expect(await world.hedgerow.metric("hedgerow_breaker_state", { provider: "a" })).toBe(0);
  });

  test("every breaker open: providers_down with retry-after", async () => {
    await using world = await startWorld(
      { a: status(500) },
      { config: { defaults: { breaker: { failures: 1, open: "60s" } } } },
    );
    expect((await ask(world.url, "anthropic")).status).toBe(500);
    const heard = await ask(world.url, "anthropic");
    expect(heard.status).toBe(503);
    expect(heard.headers.get("x-hedgerow-error")).toBe("providers_down");
    expect(Number(heard.headers.get("retry-after"))).toBeGreaterThan(0);
  });

  test("everybody cooling down after 429: providers_full with the earliest retry-after", async () => {
    await using world = await startWorld({
      a: status(429, { headers: { "retry-after": "200" } }),
      b: status(429, { headers: { "retry-after": "100" } }),
    });
    expect((await ask(world.url, "anthropic")).status).toBe(429);
    const heard = await ask(world.url, "anthropic");
    expect(heard.status).toBe(429);
    expect(heard.headers.get("x-hedgerow-error")).toBe("providers_full");
    expect(Number(heard.headers.get("retry-after"))).toBeLessThanOrEqual(100);
    expect(world.upstream.a.arrived() + world.upstream.b.arrived()).toBe(2);
  });
});

test("Google's retry delay, which is in the body alone, reaches the client as retry-after", async () => {
  const retryInfo = { "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: "17.3s" };
  const error = { code: 429, message: "Quota exceeded.", status: "RESOURCE_EXHAUSTED", details: [retryInfo] };
  const body = JSON.stringify({ error });
  await using world = await startWorld({ a: status(500), b: status(429, { body }) }, NO_HEDGE);
  const heard = await ask(world.url, "gemini");
  expect(heard).toMatchObject({ status: 429, body });
  expect([heard.headers.get("retry-after"), heard.headers.get("x-should-retry")]).toEqual(["18", null]);
});

describe("the status counts where the body's own word says less", () => {
  /** OpenAI and its relays call almost every 4xx so. */
  const vague = JSON.stringify({
    error: { message: "quotes sk-…0123", type: "invalid_request_error", param: null, code: null },
  });

  test.each([401, 402, 403, 404, 408, 409, 425, 429])("%d with invalid_request_error moves on", async (code) => {
    await using world = await startWorld({ a: status(code, { body: vague }), b: answer() }, NO_HEDGE);
    expect(await ask(world.url, "openai-chat")).toMatchObject({ status: 200, said: PLAIN_TEXT });
    await world.idle();
  });

  test.each([401, 402, 403])("%d with invalid_request_error is never shown", async (code) => {
    await using world = await startWorld({ a: status(code, { body: vague }) }, NO_HEDGE);
    const heard = await ask(world.url, "openai-chat");
    expect(heard.status).toBe(502);
    expect(heard.body).not.toContain("sk-");
  });
});

describe("the same provider once more", () => {
  test("a reset before any answer byte", async () => {
    await using world = await startWorld({ a: inTurn(resetAtOnce, answer()), b: answer() }, NO_HEDGE);
    const heard = await ask(world.url, "anthropic");
    expect(heard).toMatchObject({ status: 200, said: PLAIN_TEXT });
    expect(heard.headers.get("x-hedgerow-provider")).toBe("a");
    expect(world.upstream.b.arrived()).toBe(0);
    expect(await world.hedgerow.metric("hedgerow_breaker_state", { provider: "a" })).toBe(0);
  });
});

describe("the client's own credentials", () => {
  const PASSED = { only: { a: { api_key: undefined }, b: { api_key: undefined } }, ...NO_HEDGE };

  test.each([401, 402, 403, 429])("%d is the client's answer, another origin is never asked", async (code) => {
    await using world = await startWorld({ a: status(code), b: answer() }, PASSED);
    const heard = await ask(world.url, "anthropic", { headers: { "x-api-key": "the-clients-own-key" } });
    expect(heard.status).toBe(code);
    expect(world.upstream.a.exchanges()[0]?.request.header("x-api-key")).toBe("the-clients-own-key");
    expect(world.upstream.b.arrived()).toBe(0);
  });

  test("a failure moves them to no other origin", async () => {
    await using world = await startWorld({ a: status(500), b: answer() }, PASSED);
    const heard = await ask(world.url, "anthropic", { headers: { "x-api-key": "the-clients-own-key" } });
    expect(heard.status).toBe(500);
    expect(world.upstream.b.arrived()).toBe(0);
  });
});
