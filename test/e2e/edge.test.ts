import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { gzipSync } from "node:zlib";
import * as fc from "fast-check";
import { answer } from "../../src/simulator/behaviour.ts";
import { bodyFor, pathFor } from "../world/http.ts";
import { parseAnswer, type RawAnswer, rawExchange } from "../world/raw.ts";
import { startWorld, type World } from "../world/scripted-upstream.ts";

setDefaultTimeout(180_000);

const CLIENT_KEY = "client-key-canary-123456";
const UPSTREAM_KEY = "upstream-key-canary-123456";
const PROMPT = "prompt-canary-123456";

let world: World<"a">;
beforeAll(async () => {
  world = await startWorld(
    { a: answer() },
    {
      config: { server: { port: 0, max_body: "64KiB" }, clients: [{ name: "c", key: CLIENT_KEY }] },
      only: { a: { api_key: UPSTREAM_KEY } },
    },
  );
});
afterAll(async () => {
  // Whatever was thrown at it, nothing of it is in the log, and nothing is left.
  await world.idle();
  const printed = world.hedgerow.printed();
  for (const canary of [CLIENT_KEY, UPSTREAM_KEY, PROMPT]) expect(printed).not.toContain(canary);
  expect(world.hedgerow.log().filter((record) => record.level === "error")).toEqual([]);
  await world[Symbol.asyncDispose]();
});

const KEY = `authorization: Bearer ${CLIENT_KEY}\r\n`;
const MESSAGE = bodyFor("anthropic", { stream: false, prompt: PROMPT });

function request(
  body: string | Uint8Array,
  options: Readonly<{ path?: string; method?: string; headers?: string; length?: boolean }> = {},
): Uint8Array {
  const { path = "/v1/messages", method = "POST", headers = KEY, length = true } = options;
  const bytes = Buffer.from(body);
  const lengthLine = length ? `content-length: ${bytes.length}\r\n` : "";
  const head = `${method} ${path} HTTP/1.1\r\nhost: h.example\r\nconnection: close\r\n${lengthLine}${headers}\r\n`;
  return Buffer.concat([Buffer.from(head, "latin1"), bytes]);
}

const chunked = (body: Uint8Array) => {
  const parts: Uint8Array[] = [];
  for (let at = 0; at < body.length; at += 10_000) {
    const part = body.subarray(at, at + 10_000);
    parts.push(Buffer.from(`${part.length.toString(16)}\r\n`), part, Buffer.from("\r\n"));
  }
  return Buffer.concat([...parts, Buffer.from("0\r\n\r\n")]);
};

const told = async (bytes: Uint8Array) => parseAnswer(await rawExchange(world.url, bytes));

/** In the envelope of whoever asked, with a code, and nothing of the inside. */
function expectEnvelope(heard: RawAnswer): void {
  const body = JSON.parse(heard.body) as { error?: { message?: unknown } };
  expect(typeof body.error?.message).toBe("string");
  expect(heard.headers.get("x-hedgerow-error")).toMatch(/^[a-z_]+$/);
  expectNothingInside(heard.body);
}

function expectNothingInside(text: string): void {
  expect(text).not.toMatch(
    /\bat .*:\d+:\d+|TypeError|ReferenceError|SyntaxError|node_modules|bunfs|\.ts\b|undefined is not/,
  );
  for (const key of [CLIENT_KEY, UPSTREAM_KEY]) expect(text).not.toContain(key);
}

describe("requests that are wrong", () => {
  const big = new Uint8Array(70_000).fill(0x20);
  const zipped = gzipSync(MESSAGE);
  const bomb = gzipSync(Buffer.alloc(50 * 1024 * 1024, 0x20));
  const gzipHeader = `${KEY}content-encoding: gzip\r\n`;
  const chunkedHeader = `${KEY}transfer-encoding: chunked\r\n`;

  const ROWS: readonly Readonly<{ what: string; bytes: Uint8Array; status: number; code: string }>[] = [
    { what: "not JSON", bytes: request("{not json"), status: 400, code: "invalid_request" },
    { what: "an empty body", bytes: request(""), status: 400, code: "invalid_request" },
    { what: "no object", bytes: request(`[1,2]`), status: 400, code: "invalid_request" },
    { what: "no model", bytes: request(`{"messages":[]}`), status: 400, code: "invalid_request" },
    {
      what: "a model that is no text",
      bytes: request(`{"model":7,"messages":[]}`),
      status: 400,
      code: "invalid_request",
    },
    { what: "a model that is empty", bytes: request(`{"model":""}`), status: 400, code: "invalid_request" },
    {
      what: "stream that is no boolean",
      bytes: request(`{"model":"m","stream":"yes"}`),
      status: 400,
      code: "invalid_request",
    },
    {
      what: "JSON that is no UTF-8",
      bytes: request(Buffer.from([0x7b, 0xff, 0xfe, 0x7d])),
      status: 400,
      code: "invalid_request",
    },
    {
      what: "JSON nested without end",
      bytes: request(`{"model":${"[".repeat(30_000)}`),
      status: 400,
      code: "invalid_request",
    },
    { what: "a body over the limit", bytes: request(big), status: 413, code: "body_too_large" },
    {
      what: "a chunked body over the limit",
      bytes: request(chunked(big), { headers: chunkedHeader, length: false }),
      status: 413,
      code: "body_too_large",
    },
    {
      what: "an unknown content-encoding",
      bytes: request(MESSAGE, { headers: `${KEY}content-encoding: snappy\r\n` }),
      status: 415,
      code: "unsupported_encoding",
    },
    {
      what: "a body that is no gzip though it says so",
      bytes: request(MESSAGE, { headers: gzipHeader }),
      status: 400,
      code: "",
    },
    { what: "a gzip bomb", bytes: request(bomb, { headers: gzipHeader }), status: 413, code: "" },
    { what: "no key", bytes: request(MESSAGE, { headers: "" }), status: 401, code: "unauthorized" },
    {
      what: "a wrong key",
      bytes: request(MESSAGE, { headers: "x-api-key: wrong\r\n" }),
      status: 401,
      code: "unauthorized",
    },
    {
      what: "two keys that differ",
      bytes: request(MESSAGE, { headers: `${KEY}x-api-key: other\r\n` }),
      status: 401,
      code: "unauthorized",
    },
    { what: "an unknown path", bytes: request(MESSAGE, { path: "/v1/nothing" }), status: 404, code: "not_found" },
    { what: "an unknown method", bytes: request(MESSAGE, { method: "PUT" }), status: 404, code: "not_found" },
    { what: "GET where only POST is", bytes: request("", { method: "GET" }), status: 404, code: "not_found" },
    {
      what: "a Gemini path that cannot be decoded",
      bytes: request("{}", { path: "/v1beta/models/%zz:generateContent" }),
      status: 400,
      code: "invalid_request",
    },
    {
      what: "an unknown Gemini verb",
      bytes: request("{}", { path: "/v1beta/models/g:doSomething" }),
      status: 404,
      code: "not_found",
    },
  ];
  test.each(ROWS)("$what", async ({ bytes, status, code }) => {
    const heard = await told(bytes);
    // A gzip body may be refused as such (415) or read and then judged.
    if (code === "") expect([status, 415]).toContain(heard.status);
    else expect([heard.status, heard.headers.get("x-hedgerow-error")]).toEqual([status, code]);
    expectEnvelope(heard);
  });

  test("a gzip body within the limits is refused as such, or served", async () => {
    const heard = await told(request(zipped, { headers: gzipHeader }));
    expect([200, 415]).toContain(heard.status);
  });

  test("the same key twice is no conflict", async () => {
    expect((await told(request(MESSAGE, { headers: `${KEY}x-api-key: ${CLIENT_KEY}\r\n` }))).status).toBe(200);
  });

  test("a truncated body reaches no upstream", async () => {
    const before = world.upstream.a.arrived();
    const whole = request(MESSAGE);
    await rawExchange(world.url, whole.subarray(0, whole.length - 10), 200);
    expect(world.upstream.a.arrived()).toBe(before);
  });

  test.each([
    ["anthropic", { type: "error", error: { type: "authentication_error" } }],
    ["openai-chat", { error: { code: "unauthorized", param: null } }],
    ["openai-responses", { error: { code: "unauthorized", param: null } }],
    ["gemini", { error: { code: 401, status: "UNAUTHENTICATED" } }],
  ] as const)("%s has its own envelope", async (protocol, envelope) => {
    const heard = await told(request(bodyFor(protocol), { path: pathFor(protocol), headers: "x-api-key: wrong\r\n" }));
    expect(JSON.parse(heard.body)).toMatchObject(envelope);
  });

  test("HEAD works where GET does", async () => {
    expect((await told(request("", { method: "HEAD", path: "/livez" }))).status).toBe(200);
    expect((await told(request("", { method: "HEAD", path: "/v1/models" }))).status).toBe(200);
  });

  test.each(["HTTP/1.0\r\n\r\n", "HTTP/1.1\r\nhost: [::\r\n\r\n"])("no Host is needed: %j", async (rest) => {
    const heard = async (path: string) => parseAnswer(await rawExchange(world.url, `GET ${path} ${rest}`, 500));
    expect((await heard("/livez")).status).toBe(200);
    expectEnvelope(await heard("/v1/messages"));
  });

  test("metrics and health answer without a key", async () => {
    for (const path of ["/livez", "/readyz", "/health", "/metrics"])
      expect((await told(request("", { method: "GET", path, headers: "" }))).status).toBe(200);
  });
});

describe("anything at all", () => {
  /** Short: most garbage is answered or cut at once, the rest would wait for bytes that never come. */
  const PATIENCE_MS = 150;

  const heardOf = async (bytes: Uint8Array) => {
    const heard = await rawExchange(world.url, bytes, PATIENCE_MS);
    expectNothingInside(heard);
    expect(heard === "" || heard.startsWith("HTTP/1.1 ")).toBe(true);
    return heard;
  };
  const alive = async () => expect((await fetch(`${world.url}/livez`)).status).toBe(200);

  test("random bytes", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 2_000 }), async (bytes) => {
        await heardOf(bytes);
      }),
      { numRuns: 60 },
    );
    await alive();
  });

  test("random paths, headers and methods of well-formed requests get an envelope, or the server's refusal", async () => {
    const token = fc.stringMatching(/^[A-Za-z-]{1,12}$/);
    const value = fc.stringMatching(/^[\x20-\x7e\x80-\xff]{0,60}$/);
    const path = fc.stringMatching(/^\/[\x21-\x7e]{0,60}$/);
    const ours = fc.constantFrom(
      "/v1/messages",
      "/v1/responses",
      "/v1beta/models/m:generateContent",
      "/admin/api/config",
    );
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom("GET", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"),
        fc.oneof(path, ours),
        fc.array(fc.tuple(token, value), { maxLength: 6 }),
        fc.oneof(fc.json(), fc.string({ maxLength: 200 })),
        async (method, target, headers, body) => {
          const lines = headers.map(([name, content]) => `x-${name}: ${content}\r\n`).join("");
          const heard = parseAnswer(await heardOf(request(body, { method, path: target, headers: KEY + lines })));
          if (heard.headers.has("x-hedgerow-error")) expectEnvelope(heard);
          else expect(heard.status === 0 || heard.status < 500).toBe(true);
        },
      ),
      { numRuns: 200 },
    );
    await alive();
  });

  test("random bodies on the proxied paths get an envelope or an answer", async () => {
    const paths = fc.constantFrom("/v1/messages", "/v1/chat/completions", "/v1/responses", "/v1/embeddings");
    const body = fc.oneof(
      fc.json(),
      fc.uint8Array({ maxLength: 500 }),
      fc
        .record({
          model: fc.oneof(fc.string(), fc.anything()),
          stream: fc.anything(),
          messages: fc.anything(),
          metadata: fc.anything(),
        })
        .map((value) => JSON.stringify(value, (_, inner: unknown) => (typeof inner === "bigint" ? 1 : inner))),
    );
    await fc.assert(
      fc.asyncProperty(paths, body, async (path, sent) => {
        const heard = parseAnswer(await heardOf(request(sent, { path })));
        expect(heard.status).toBeGreaterThan(0);
        if (heard.status >= 400) expectEnvelope(heard);
      }),
      { numRuns: 200 },
    );
    await alive();
  });

  test("random cuts of a good request never reach an upstream unless whole", async () => {
    const whole = request(MESSAGE);
    const before = world.upstream.a.arrived();
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: whole.length - 1 }), async (length) => {
        await rawExchange(world.url, whole.subarray(0, length), 20);
      }),
      { numRuns: 40 },
    );
    expect(world.upstream.a.arrived()).toBe(before);
    await alive();
  });
});
