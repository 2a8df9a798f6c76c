import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { answer, gzipped, huge, splitEvery, status } from "../../src/simulator/behaviour.ts";
import { head, send, wholeScript } from "../../src/simulator/script.ts";
import type { Behave, Simulator } from "../../src/simulator/simulator.ts";
import { parseAnswer, rawExchange } from "../world/raw.ts";
import { startWorld } from "../world/scripted-upstream.ts";

setDefaultTimeout(120_000);

const post = (url: string, body: string | Uint8Array, headers: Readonly<Record<string, string>> = {}) =>
  fetch(url, { method: "POST", body, headers: { "content-type": "application/json", ...headers } });

const received = (upstream: Simulator) => upstream.exchanges().at(-1)?.request;
const text = (bytes: Uint8Array | undefined) => new TextDecoder().decode(bytes);

/** Odd on purpose: what a parser would normalise must come out as it went in. */
const ODD_BODY = `{ "model" : "model-1",\t"max_tokens": 6.40e+1, "unknown": [1.0, 1e400, -0, 12345678901234567890],\r
  "dup": 1, "dup": 2, "esc": "\\u00e9\\/\\ud83c\\udf31", "raw": "é🌱\u2028", "nested": {"model": "not-this"},
  "messages": [ {"role": "user", "content": [ {"type": "image", "source": {"type": "base64", "data": "${"QUJD".repeat(2_000)}"}},
  {"type": "text", "text": "grüße"} ]} ], "tools": [ {"name": "t", "input_schema": {"type": "object"}} ] }\n `;

describe("request bodies go upstream as they came", () => {
  test.each(["/v1/messages", "/v1/chat/completions", "/v1/responses"])("%s", async (path) => {
    await using world = await startWorld({ a: answer() });
    await (await post(world.url + path, ODD_BODY)).text();
    expect(text(received(world.upstream.a)?.body)).toBe(ODD_BODY);
    expect(received(world.upstream.a)?.header("content-length")).toBe(String(Buffer.byteLength(ODD_BODY)));
  });

  test("Gemini, with its target untouched but for the key", async () => {
    await using world = await startWorld({ a: answer() });
    const body = `{"contents" :[{"parts":[{"inlineData":{"mimeType":"image/png","data":"QUJD"}}]}], "x":1.50}`;
    await (
      await post(`${world.url}/v1beta/models/gemini-x:streamGenerateContent?b=2&key=mine&alt=sse&a=%2F`, body)
    ).text();
    expect(received(world.upstream.a)?.target).toBe("/v1beta/models/gemini-x:streamGenerateContent?b=2&alt=sse&a=%2F");
    expect(text(received(world.upstream.a)?.body)).toBe(body);
  });

  test("20 MiB, sent chunked and cut anywhere", async () => {
    await using world = await startWorld({ a: answer() });
    const filler = "äö🌱".repeat((20 * 1024 * 1024) / 8);
    const body = new TextEncoder().encode(
      `{"model":"model-1","max_tokens":1,"messages":[{"role":"user","content":"${filler}"}]}`,
    );
    const pieces = new ReadableStream<Uint8Array>({
      start(controller) {
        for (let at = 0; at < body.length; at += 65_537) controller.enqueue(body.subarray(at, at + 65_537));
        controller.close();
      },
    });
    const answered = await fetch(`${world.url}/v1/messages`, { method: "POST", body: pieces });
    expect(answered.status).toBe(200);
    await answered.text();
    expect(Buffer.compare(received(world.upstream.a)?.body ?? new Uint8Array(0), body)).toBe(0);
  });

  test("a mapped model is spliced in, nothing else moves", async () => {
    await using world = await startWorld({ a: answer() }, { each: { model_map: { "model-*": "upstream-model" } } });
    await (await post(`${world.url}/v1/messages`, ODD_BODY)).text();
    expect(text(received(world.upstream.a)?.body)).toBe(ODD_BODY.replace('"model-1"', '"upstream-model"'));
    await (await post(`${world.url}/v1beta/models/model-1:generateContent`, `{"contents":[]}`)).text();
    expect(received(world.upstream.a)?.target).toBe("/v1beta/models/upstream-model:generateContent");
  });

  test("a failed first attempt sends the second the same bytes", async () => {
    await using world = await startWorld({ a: status(500), b: answer() });
    await (await post(`${world.url}/v1/messages`, ODD_BODY)).text();
    expect(text(received(world.upstream.a)?.body)).toBe(ODD_BODY);
    expect(text(received(world.upstream.b)?.body)).toBe(ODD_BODY);
  });
});

test.each([
  ["anthropic", "/v1/messages"],
  ["openai", "/v1/chat/completions"],
  ["openai", "/v1/responses"],
])("%s: a body that names its model twice is refused in the caller's envelope (%s)", async (kind, path) => {
  await using world = await startWorld({ a: answer() }, { each: { models: ["cheap"] } });
  for (const names of [`"model":"dear","model":"cheap"`, `"model":"dear","mod\\u0065l":"cheap"`]) {
    const answered = await post(world.url + path, `{${names},"max_tokens":1,"messages":[],"input":"x"}`);
    const { error, ...around } = (await answered.json()) as { error: { type: string; message: string } };
    expect([answered.status, answered.headers.get("x-hedgerow-error")]).toEqual([400, "invalid_request"]);
    expect(error).toMatchObject({ type: "invalid_request_error", message: expect.stringContaining("more than once") });
    expect("request_id" in around).toBe(kind === "anthropic");
  }
  expect(world.upstream.a.arrived()).toBe(0);
});

test("a model in the path that would climb out of its name is refused", async () => {
  await using world = await startWorld({ a: answer() }, { each: { models: ["claude-*"] } });
  const asked = (model: string) => post(`${world.url}/v1beta/models/${model}:generateContent`, `{"contents":[]}`);
  const refused = await asked("claude-a%2F..%2F..");
  expect([refused.status, refused.headers.get("x-hedgerow-error")]).toEqual([400, "invalid_request"]);
  expect(await refused.json()).toMatchObject({ error: { code: 400, status: "INVALID_ARGUMENT" } });
  expect(world.upstream.a.arrived()).toBe(0);
  expect((await asked("claude-a%2Fb..c")).status).toBe(200);
});

describe("answers reach the client as they came", () => {
  const whole = `{ "id":"x", "type" : "message", "content":[{"type":"text","text":"\\u00e9 é🌱"}], "stop_reason":"end_turn",\r\n "n":1.0 }`;

  /** Not true of the proxy's origin. */
  const OF_ORIGIN = { "alt-svc": 'h3=":443"', "strict-transport-security": "max-age=31536000" };

  test("a whole body, with its headers", async () => {
    await using world = await startWorld({
      a: () =>
        wholeScript(200, whole, {
          headers: { "x-ratelimit-left": "9", "set-cookie": "a=1", "request-id": "req_up", ...OF_ORIGIN },
        }),
    });
    const answered = await post(`${world.url}/v1/messages`, ODD_BODY);
    expect(await answered.text()).toBe(whole);
    expect(answered.headers.get("x-ratelimit-left")).toBe("9");
    expect(answered.headers.get("request-id")).toBe("req_up");
    for (const name of ["set-cookie", ...Object.keys(OF_ORIGIN)])
      expect([name, answered.headers.has(name)]).toEqual([name, false]);
  });

  const STREAM = JSON.stringify({ ...JSON.parse(`{"model":"model-1","max_tokens":9,"messages":[]}`), stream: true });
  const odd: Behave = () => [
    head(200, "text/event-stream"),
    send(': hello\r\n\r\nevent: ping\ndata: {"type": "ping"}\n\n'),
    send(
      'event: message_start\r\ndata: {"type":"message_start","message":{"id":"m","usage":{"input_tokens":1}}}\r\n\r\n',
    ),
    send('data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}\r\r'),
    send(
      'id: 7\nevent: content_block_delta\ndata: {"type":"content_block_delta","index":0,\ndata: "delta":{"type":"text_delta","text":"é🌱"}}\n\n',
    ),
    send('event: new_thing\ndata: {"type":"new_thing","x":1.0}\n\n: note\n\n'),
    send(
      'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":1}}\n\n',
    ),
    send('event: message_stop\ndata: {"type":"message_stop"}\n\n'),
  ];
  // Comments and pings before content are liveness for the proxy and are not kept.
  const afterPings = async (body: string) => body.slice(body.indexOf("event: message_start"));

  test.each([1, 2, 5, 4_096])("a stream with odd line ends, in pieces of %d bytes", async (bytes) => {
    await using world = await startWorld({ a: splitEvery(bytes, odd) });
    const direct = await (await post(`${world.upstream.a.url}/v1/messages`, STREAM)).text();
    const answered = await (await post(`${world.url}/v1/messages`, STREAM)).text();
    expect(await afterPings(answered)).toBe(await afterPings(direct));
    await world.idle();
  });

  test("an encoded body is passed on encoded", async () => {
    await using world = await startWorld({ a: gzipped(answer()) });
    const read = async (url: string) => {
      const answered = await fetch(`${url}/v1/messages`, { method: "POST", body: ODD_BODY, decompress: false });
      return { encoding: answered.headers.get("content-encoding"), bytes: Buffer.from(await answered.arrayBuffer()) };
    };
    const direct = await read(world.upstream.a.url);
    const through = await read(world.url);
    expect(through.encoding).toBe("gzip");
    expect(Bun.gunzipSync(through.bytes).length).toBe(Bun.gunzipSync(direct.bytes).length);
  });

  test.each([{ stream: true }, { stream: false }])("16 MiB (stream: $stream)", async ({ stream }) => {
    await using world = await startWorld({ a: huge(16 * 1024 * 1024) });
    const body = JSON.stringify({ model: "model-1", max_tokens: 9, messages: [], stream });
    const answered = await (await post(`${world.url}/v1/messages`, body)).text();
    expect(answered.match(/x{1024}/g)?.length).toBe(16 * 1024);
    expect(answered).toContain(stream ? "message_stop" : "end_turn");
    await world.idle();
  });
});

describe("headers on the way", () => {
  const SENT =
    "content-type: application/json\r\nanthropic-version: 2023-06-01\r\nanthropic-beta: one\r\nX-Custom: Kept\r\n" +
    "authorization: Bearer secret-of-client\r\nx-api-key: secret-of-client\r\nx-goog-api-key: secret-of-client\r\n" +
    "cookie: c=1\r\nforwarded: for=1.2.3.4\r\nx-forwarded-for: 1.2.3.4\r\nx-real-ip: 1.2.3.4\r\n" +
    "client-ip: 1.2.3.4\r\nwl-proxy-client-ip: 1.2.3.4\r\nproxy-client-ip: 1.2.3.4\r\nx-proxyuser-ip: 1.2.3.4\r\n" +
    "x-appengine-remote-addr: 1.2.3.4\r\n" +
    "x-hedgerow-session: mine\r\nconnection: close, x-hop\r\nx-hop: 1\r\nte: trailers\r\naccept-encoding: gzip, br\r\n";

  test("hop-by-hop, credentials, cookies and addresses stay here; the rest goes on", async () => {
    await using world = await startWorld(
      { a: answer() },
      { each: { headers: { "x-added": "yes" } }, only: { a: { api_key: "upstream-key-012345" } } },
    );
    const body = `{"model":"m","max_tokens":1,"messages":[]}`;
    const heard = parseAnswer(
      await rawExchange(
        world.url,
        `POST /v1/messages?beta=true HTTP/1.1\r\nhost: proxy.example\r\n${SENT}content-length: ${body.length}\r\n\r\n${body}`,
      ),
    );
    expect(heard.status).toBe(200);
    const request = received(world.upstream.a);
    const sent = Object.fromEntries((request?.headers ?? []).map(([name, value]) => [name.toLowerCase(), value]));
    expect(request?.target).toBe("/v1/messages?beta=true");
    expect(sent).toMatchObject({
      "anthropic-version": "2023-06-01",
      "anthropic-beta": "one",
      "x-custom": "Kept",
      "x-added": "yes",
      "x-api-key": "upstream-key-012345",
      "accept-encoding": "identity",
      host: new URL(world.upstream.a.url).host,
    });
    const gone = ["authorization", "x-goog-api-key", "cookie", "forwarded", "x-forwarded-for", "x-real-ip"];
    for (const name of [...gone, "x-hedgerow-session", "x-hop", "te"]) expect(Object.keys(sent)).not.toContain(name);
    expect(JSON.stringify(sent)).not.toMatch(/secret-of-client|1\.2\.3\.4/);
  });

  test("a path prefix and a version in base_url are kept and not doubled", async () => {
    await using world = await startWorld({ a: answer() });
    const base = world.upstream.a.url;
    for (const [prefix, target] of [
      ["/api/v1", "/api/v1/chat/completions"],
      ["/api/", "/api/v1/chat/completions"],
      ["/v1/", "/v1/chat/completions"],
    ]) {
      await using inner = await startWorld(
        { unused: answer() },
        { only: { unused: { base_url: `${base}${prefix}` } } },
      );
      await (await post(`${inner.url}/v1/chat/completions`, `{"model":"m","messages":[]}`)).text();
      expect(received(world.upstream.a)?.target).toBe(target ?? "");
    }
  });
});
