import { afterEach, describe, expect, test } from "bun:test";
import { gzipSync } from "node:zlib";
import { createSend, sendFailure, type UpstreamRequest } from "../../src/forward/send.ts";
import { close, cut, head, type Script, send as write, stall, wholeScript } from "../../src/simulator/script.ts";
import { type Simulator, startSimulator } from "../../src/simulator/simulator.ts";
import { handClock } from "../world/clock.ts";

const owned: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of owned.splice(0)) await end();
});

function upstream(script: Script | (() => Script)): Simulator {
  const simulator = startSimulator({ behave: () => (typeof script === "function" ? script() : script) });
  owned.push(simulator.close);
  return simulator;
}

function restore(environment: Readonly<Record<string, string | undefined>>): void {
  for (const [name, value] of Object.entries(environment)) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
}

const never = new AbortController().signal;
const ok = () => wholeScript(200, "{}");
const idle = () => {};
const HEADERS = { "user-agent": "test", accept: "*/*", "accept-encoding": "identity" };

function request(url: string, more: Partial<UpstreamRequest> = {}): UpstreamRequest {
  const body = new TextEncoder().encode(`{"model":"m"}`);
  return { url, headers: HEADERS, body, proxy: null, http2: "auto", ...more };
}

describe("what goes out", () => {
  test("is the target, the headers and the body as given, and nothing of our own but host, length and connection", async () => {
    const simulator = upstream(ok);
    const send = createSend({ clock: handClock() });
    const url = `${simulator.url}/v1beta/models/a%2Fb:generateContent?alt=sse&x=%20+`;
    for (let turn = 0; turn < 2; turn++) await (await send(request(url), never, idle)).bytes();
    for (const { request } of simulator.exchanges()) {
      expect(request.method).toBe("POST");
      expect(request.target).toBe("/v1beta/models/a%2Fb:generateContent?alt=sse&x=%20+");
      expect(request.text()).toBe(`{"model":"m"}`);
      const headers = Object.fromEntries(request.headers.map(([name, value]) => [name.toLowerCase(), value]));
      expect(headers).toEqual({
        ...HEADERS,
        host: new URL(url).host,
        "content-length": "13",
        connection: "keep-alive",
      });
    }
    expect(simulator.exchanges()).toHaveLength(2);
  });

  test("is a body of 20 MiB, first pulled, then given, byte for byte", async () => {
    const simulator = upstream(ok);
    const send = createSend({ clock: handClock() });
    const body = Buffer.alloc(20 * 1024 * 1024, "0123456789abcdef!");
    for (let turn = 0; turn < 2; turn++) await (await send(request(simulator.url, { body }), never, idle)).bytes();
    for (const { request } of simulator.exchanges()) expect(body.equals(request.body)).toBe(true);
    expect(simulator.exchanges()).toHaveLength(2);
  });

  test("goes nowhere else: a proxy of the environment is not asked, a configured one is", async () => {
    const simulator = upstream(ok);
    const proxy = upstream(ok);
    const send = createSend({ clock: handClock() });
    const { http_proxy: before, no_proxy: exceptBefore } = process.env;
    Object.assign(process.env, { http_proxy: proxy.url, no_proxy: "nothing.invalid" });
    owned.push(() => restore({ http_proxy: before, no_proxy: exceptBefore }));
    await (await fetch(simulator.url)).bytes();
    expect(proxy.arrived()).toBe(1); // the environment does mean it
    await (await send(request(simulator.url), never, idle)).bytes();
    expect(simulator.arrived()).toBe(1);
    await (await send(request("http://upstream.invalid/v1/messages", { proxy: proxy.url }), never, idle)).bytes();
    expect(proxy.exchanges()[1]?.request.target).toBe("http://upstream.invalid/v1/messages");
    expect(simulator.arrived()).toBe(1);
  });
});

describe("what comes back", () => {
  test("a redirect is an answer like any other", async () => {
    const elsewhere = upstream(ok);
    const simulator = upstream(() => wholeScript(307, "", { headers: { location: `${elsewhere.url}/v1/messages` } }));
    const response = await createSend({ clock: handClock() })(request(simulator.url), never, idle);
    expect(response.status).toBe(307);
    await response.bytes();
    expect(elsewhere.arrived()).toBe(0);
  });

  test("an encoded body stays encoded", async () => {
    const packed = gzipSync(`{"a":1}`);
    const simulator = upstream(() => wholeScript(200, packed, { headers: { "content-encoding": "gzip" } }));
    const response = await createSend({ clock: handClock() })(request(simulator.url), never, idle);
    expect(response.headers.get("content-encoding")).toBe("gzip");
    expect(Buffer.from(await response.bytes()).equals(packed)).toBe(true);
  });
});

describe("the moment of connection", () => {
  test("is told when the upstream begins to take the body, though it never answers", async () => {
    const simulator = upstream([stall]);
    const stop = new AbortController();
    const connected = Promise.withResolvers<void>();
    const sending = createSend({ clock: handClock() })(request(simulator.url), stop.signal, connected.resolve);
    await connected.promise;
    stop.abort(new Error("enough"));
    expect(await sending.catch((error: unknown) => error)).toEqual(new Error("enough"));
  });

  test("is not told where TCP is taken but TLS never answered", async () => {
    const opened = Promise.withResolvers<void>();
    const mute = Bun.listen({
      hostname: "127.0.0.1",
      port: 0,
      socket: { data: () => opened.resolve(), open: () => {} },
    });
    owned.push(() => mute.stop(true));
    const stop = new AbortController();
    let told = 0;
    const url = `https://127.0.0.1:${mute.port}`;
    const sending = createSend({ clock: handClock() })(request(url), stop.signal, () => void told++);
    await opened.promise;
    stop.abort(new Error("late"));
    await sending.catch(() => {});
    expect(told).toBe(0);
  });

  test("is taken for granted for ten seconds after an answer, and told once each time", async () => {
    const clock = handClock();
    const simulator = upstream(ok);
    const pulled: boolean[] = [];
    const watching = Object.assign(
      (...[url, init]: Parameters<typeof fetch>) => {
        pulled.push(init?.body instanceof ReadableStream);
        return fetch(url, init);
      },
      { preconnect: fetch.preconnect },
    );
    const send = createSend({ clock, fetch: watching });
    for (const waitMs of [0, 9_999, 10_000]) {
      await clock.advance(waitMs);
      let told = 0;
      await (await send(request(simulator.url), never, () => void told++)).bytes();
      expect(told).toBe(1);
    }
    expect(pulled).toEqual([true, false, true]);
  });
});

describe("how it fails", () => {
  const failing = async (url: string, more: Partial<UpstreamRequest> = {}) => {
    const error: unknown = await createSend({ clock: handClock() })(request(url, more), never, idle).catch(
      (error: unknown) => error,
    );
    return error;
  };

  test("refused", async () => {
    const gone = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data: () => {} } });
    gone.stop(true);
    const url = `http://127.0.0.1:${gone.port}`;
    expect(await failing(url)).toMatchObject({ name: "HedgerowError", code: "connect" });
    expect(await failing("http://upstream.invalid", { proxy: url })).toMatchObject({ code: "connect" });
  });

  test("no such name", async () => {
    expect(await failing("http://upstream.invalid")).toMatchObject({ code: "dns" });
  });

  test("reset and end before an answer", async () => {
    expect(await failing(upstream([cut]).url)).toMatchObject({ code: "reset" });
    expect(await failing(upstream([close]).url)).toMatchObject({ code: "reset" });
  });

  test("no TLS where TLS was asked", async () => {
    const mute = Bun.listen({
      hostname: "127.0.0.1",
      port: 0,
      socket: { data: (socket) => void socket.end("HTTP/1.1 400 Bad Request\r\n\r\n") },
    });
    owned.push(() => mute.stop(true));
    expect(await failing(`https://127.0.0.1:${mute.port}`)).toMatchObject({ code: "tls" });
  });

  test("no HTTP", async () => {
    const odd = Bun.listen({
      hostname: "127.0.0.1",
      port: 0,
      socket: { data: (socket) => void socket.end("HTTP/1.1 abc def\r\ncontent-length: x\r\n\r\n") },
    });
    owned.push(() => odd.stop(true));
    expect(await failing(`http://127.0.0.1:${odd.port}`)).toMatchObject({ code: "invalid_response" });
  });

  test("no message of a failure holds the query or a header", async () => {
    const error = await failing(`${upstream([cut]).url}/v1?key=secret`, { headers: { "x-api-key": "secret" } });
    expect((error as Error).message).not.toContain("secret");
  });

  test.each([
    ["ECONNREFUSED", "connect"],
    ["ETIMEDOUT", "connect"],
    ["EHOSTUNREACH", "connect"],
    ["ERR_PROXY_TUNNEL", "connect"],
    ["ENOTFOUND", "dns"],
    ["EAI_AGAIN", "dns"],
    ["DEPTH_ZERO_SELF_SIGNED_CERT", "tls"],
    ["ERR_TLS_CERT_ALTNAME_INVALID", "tls"],
    ["CERT_HAS_EXPIRED", "tls"],
    ["EPIPE", "reset"],
    ["HTTP2RefusedStream", "reset"],
    ["HTTP2StreamReset", "reset"],
    ["ResponseHeadersTooLarge", "invalid_response"],
    ["unknown", "invalid_response"],
  ])("%s is %s", (code, failure) => {
    expect(sendFailure(code)).toBe(failure as never);
  });
});

describe("called off", () => {
  test("before anything: with the reason, and nothing is sent", async () => {
    const simulator = upstream(ok);
    const reason = new Error("why");
    const sending = createSend({ clock: handClock() })(request(simulator.url), AbortSignal.abort(reason), idle);
    expect(await sending.catch((error: unknown) => error)).toBe(reason);
    expect(simulator.arrived()).toBe(0);
  });

  test.each([
    ["before the answer", [stall]],
    ["within the answer", [head(200, "text/event-stream"), write("data: 1\n\n"), stall]],
  ] as const)("%s: the upstream's socket is closed", async (_, script) => {
    const arrived = Promise.withResolvers<void>();
    const simulator = startSimulator({
      behave: () => {
        arrived.resolve();
        return script;
      },
    });
    owned.push(simulator.close);
    const stop = new AbortController();
    const reason = new Error("why");
    const sending = createSend({ clock: handClock() })(request(simulator.url), stop.signal, idle);
    await arrived.promise;
    if (script.length > 1) await (await sending).body?.getReader().read();
    stop.abort(reason);
    if (script.length === 1) expect(await sending.catch((error: unknown) => error)).toBe(reason);
    expect((await simulator.exchanges()[0]?.ended)?.how).toBe("left");
  });
});
