import { afterEach, describe, expect, test } from "bun:test";
import { connect } from "node:net";
import { answer, cutMidStream, gzipped, noHeaders, splitEvery, status } from "../../src/simulator/behaviour.ts";
import { cut, head, pause, send, waitFor, wholeScript } from "../../src/simulator/script.ts";
import { type Behave, type Simulator, startSimulator } from "../../src/simulator/simulator.ts";
import { eventually } from "../world/scripted-upstream.ts";

let simulator: Simulator;
afterEach(() => simulator.close());

const start = (behave: Behave) => {
  simulator = startSimulator({ behave });
  return simulator;
};

const post = (path: string, body: unknown, init: RequestInit = {}) =>
  fetch(simulator.url + path, { method: "POST", body: JSON.stringify(body), ...init });

const MESSAGE = { model: "m-1", stream: true, messages: [{ role: "user", content: "hi" }] };

/** Writes raw bytes and reads until the other side closes. */
function rawExchange(text: string): Promise<string> {
  const { hostname, port } = new URL(simulator.url);
  return new Promise((resolve, reject) => {
    let heard = "";
    const socket = connect(Number(port), hostname, () => socket.write(text));
    socket.on("data", (bytes) => {
      heard += bytes.toString("latin1");
    });
    socket.on("close", () => resolve(heard));
    socket.on("error", reject);
  });
}

describe("what arrives", () => {
  test("is recorded byte for byte: target, header order and case, body", async () => {
    start(() => [head(200, "text/plain", { connection: "close" }), send("ok")]);
    await rawExchange(
      "POST /v1/x%2Fy?a=1&a=2 HTTP/1.1\r\nHost: h\r\nX-B: 1\r\nx-a:  two words\r\nX-B: 3\r\nContent-Length: 4\r\n\r\n\u00ff\r\n!",
    );
    const request = simulator.exchanges()[0]?.request;
    expect(request?.target).toBe("/v1/x%2Fy?a=1&a=2");
    expect(request?.headers).toEqual([
      ["Host", "h"],
      ["X-B", "1"],
      ["x-a", "two words"],
      ["X-B", "3"],
      ["Content-Length", "4"],
    ]);
    expect(request?.body.length).toBe(4);
  });

  test("may be chunked, with extensions and trailers", async () => {
    start(() => [head(200, "text/plain", { connection: "close" }), send("ok")]);
    await rawExchange(
      "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\nA\r\n0123456789\r\n0\r\nT: t\r\n\r\n",
    );
    expect(simulator.exchanges()[0]?.request.text()).toBe("abc0123456789");
  });

  test("several requests share one connection, pipelined ones in order", async () => {
    start((request) =>
      request.serial === 1
        ? [pause(5), ...wholeScript(200, "first")]
        : [head(200, "text/plain", { connection: "close" }), send("second")],
    );
    const heard = await rawExchange("GET /1 HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\n");
    expect(heard).toMatch(/first[^]*second$/);
    expect(simulator.exchanges().map((exchange) => exchange.request.target)).toEqual(["/1", "/2"]);
  });

  test("a body of 20 MiB arrives whole", async () => {
    start(() => wholeScript(200, "ok"));
    const body = new Uint8Array(20 * 1024 * 1024).map((_, at) => at % 251);
    await (await fetch(simulator.url, { method: "POST", body })).text();
    expect(Buffer.compare(simulator.exchanges()[0]?.request.body ?? new Uint8Array(0), body)).toBe(0);
  });

  test("a chunk size that is none closes the connection", async () => {
    start(() => wholeScript(200, "ok"));
    expect(await rawExchange("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")).toBe("");
    expect(simulator.arrived()).toBe(0);
  });
});

describe("what goes out", () => {
  test("is told in steps, and a script waits for the test where it says so", async () => {
    const gate = Promise.withResolvers<void>();
    start(() => [head(200, "text/plain"), send("one"), waitFor(gate.promise), send("two")]);
    const reader = (await fetch(simulator.url)).body?.getReader();
    expect(new TextDecoder().decode((await reader?.read())?.value)).toBe("one");
    expect(simulator.exchanges()[0]?.end()).toBeNull();
    gate.resolve();
    expect(new TextDecoder().decode((await reader?.read())?.value)).toBe("two");
    expect((await simulator.exchanges()[0]?.ended)?.how).toBe("answered");
  });

  test("a cut before the head is a reset", async () => {
    start(() => [cut]);
    expect(fetch(simulator.url, { method: "POST", body: "x" })).rejects.toThrow();
    expect(await rawExchange("GET / HTTP/1.1\r\nHost: h\r\n\r\n").catch((error) => error.code)).toBe("ECONNRESET");
    expect(simulator.exchanges().at(-1)?.end()?.how).toBe("cut");
  });

  test("a peer that leaves is noticed while the script stalls", async () => {
    start(noHeaders);
    const leaving = new AbortController();
    const asked = post("/v1/messages", MESSAGE, { signal: leaving.signal }).catch(() => "left");
    await eventually("it arrives", () => simulator.arrived() > 0);
    expect(simulator.running()).toBe(1);
    leaving.abort();
    expect(await asked).toBe("left");
    expect((await simulator.exchanges()[0]?.ended)?.how).toBe("left");
    expect(simulator.running()).toBe(0);
  });

  test("a slow reader holds the writer back, and all arrives", async () => {
    const body = new Uint8Array(8 * 1024 * 1024).fill(7);
    start(() => wholeScript(200, body));
    const answered = await fetch(simulator.url);
    expect((await answered.arrayBuffer()).byteLength).toBe(body.length);
  });
});

describe("behaviours", () => {
  test("split bodies give the same text, gzipped ones too once decoded", async () => {
    const spoken = answer({ reply: { pieces: ["grüße ", "🌱🌿"] } });
    start(spoken);
    const plain = await (await post("/v1/messages", MESSAGE)).text();
    simulator.behave(splitEvery(7, spoken));
    expect((await (await post("/v1/messages", MESSAGE)).text()).replaceAll("sim2", "sim1")).toBe(plain);
    simulator.behave(gzipped(spoken));
    const zipped = await post("/v1/messages", MESSAGE);
    expect(zipped.headers.get("content-encoding")).toBe("gzip");
    expect((await zipped.text()).replaceAll("sim3", "sim1")).toBe(plain);
  });

  test("an error speaks the protocol that was asked", async () => {
    start(status(429, { headers: { "retry-after": "7" } }));
    const answered = await post("/v1/messages", MESSAGE);
    expect(answered.status).toBe(429);
    expect(answered.headers.get("retry-after")).toBe("7");
    expect(await answered.json()).toMatchObject({ type: "error", error: { type: "rate_limit_error" } });
    expect(await (await post("/v1beta/models/g:generateContent", {})).json()).toMatchObject({
      error: { code: 429, status: "RESOURCE_EXHAUSTED" },
    });
    expect(await (await post("/v1/responses", MESSAGE)).json()).toMatchObject({ error: { type: "rate_limit_error" } });
  });

  test("a cut in mid-stream comes after content and before any terminal event", async () => {
    start(cutMidStream);
    const answered = await post("/v1/messages", MESSAGE);
    const heard: string[] = [];
    const read = async () => {
      for await (const bytes of answered.body ?? []) heard.push(new TextDecoder().decode(bytes));
    };
    expect(await read().catch((error) => error.code)).toBe("ECONNRESET");
    expect(heard.join("")).toContain("The hedge ");
    expect(heard.join("")).not.toContain("message_delta");
  });

  test("unknown paths are 404", async () => {
    start(answer());
    expect((await post("/v1/nothing", {})).status).toBe(404);
  });
});
