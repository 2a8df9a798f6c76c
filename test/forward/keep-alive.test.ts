import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { gzipSync } from "node:zlib";
import { secret } from "../../src/core/secret.ts";
import { provider } from "../provider/world.ts";
import { type Act, after, error, hand, json, said, silent, sse, start, words } from "./upstream.ts";
import { type ForwardWorld, forwardWorld } from "./world.ts";

const PING = 'event: ping\ndata: {"type": "ping"}\n\n';

let it: ForwardWorld;
beforeEach(() => {
  it = forwardWorld([
    provider("a", { keys: [secret("a-key-of-the-proxy")], hedge: { after: "off", minMs: 0, maxMs: 0, coldMs: 0 } }),
  ]);
});
afterEach(() => it.over());

async function late(act: Act) {
  it.script("a", after(40_000, act));
  const heard = await it.hear();
  const pings = heard.text.split(PING).length - 1;
  return { ...heard, pings, rest: heard.text.split(PING).at(-1) ?? "" };
}

describe("a stream without anything to send for 15 s", () => {
  test("begins with signs of life, every 15 s until its content", async () => {
    const heard = await late(sse(said("hello")));
    expect(heard).toMatchObject({ status: 200, pings: 2, rest: said("hello") });
    expect([...heard.headers.keys()].filter((name) => name.startsWith("x-hedgerow")).sort()).toEqual([
      "x-hedgerow-request-id",
      "x-hedgerow-session-source",
    ]);
  });

  test("counts the time in line", async () => {
    await it.over();
    it = forwardWorld([provider("a", { limits: { sessions: 1, requests: 0 } })], { waitMs: 60_000 });
    const first = hand();
    it.script("a", first.act, sse(said("second")));
    const running = it.ask({ session: "one" });
    await it.clock.advance(0);
    first.say(start + words("x"));
    const one = (await running).text();
    const two = it.hear({ session: "two" });
    await it.clock.advance(31_000);
    first.say(said("").slice(start.length));
    first.end();
    await one;
    const heard = await two;
    expect(heard.text.split(PING).length - 1).toBe(2);
    expect(heard.text.endsWith(said("second"))).toBe(true);
    expect(it.records().at(-1)?.wait_ms).toBeGreaterThan(30_000);
  });

  test("tells every failure as an event, with what the upstream said", async () => {
    const heard = await late(error(400, "invalid_request_error"));
    expect(heard).toMatchObject({ status: 200, pings: 2 });
    expect(heard.rest).toStartWith("event: error\n");
    expect(heard.rest).toContain("upstream says 400");
    expect(it.records()).toMatchObject([{ status: 200, error: "invalid_request", provider: "a" }]);
  });

  test("tells an upstream's last error as an event too", async () => {
    expect((await late(error(500))).rest).toContain("upstream says 500");
    expect(it.records()).toMatchObject([{ error: "attempts_failed" }]);
  });

  test("tells our own error as an event", async () => {
    it.script("a", silent);
    const heard = await it.hear();
    expect(heard.text).toContain("event: error");
    expect(it.records()).toMatchObject([{ error: "timed_out", status: 200 }]);
  });

  test("gets no document among its events", async () => {
    const whole = {
      id: "m",
      type: "message",
      role: "assistant",
      content: [{ type: "text", text: "hello" }],
      stop_reason: "end_turn",
    };
    const heard = await late(json(200, whole));
    expect(heard.rest).toStartWith("event: error\n");
    expect(await it.count("a")).toEqual({ sessions: 0, requests: 0 });
  });

  test("gets no encoded bytes among its events", async () => {
    const gzip = { "content-type": "text/event-stream", "content-encoding": "gzip" };
    const heard = await late(async () => new Response(gzipSync(said("x")), { headers: gzip }));
    expect(heard.rest).toStartWith("event: error\n");
    const unknown = { "content-type": "text/event-stream", "content-encoding": "snappy" };
    const unread = await late(async () => new Response("???", { headers: unknown }));
    expect(unread.text).not.toContain("???");
    expect(unread.rest).toStartWith("event: error\n");
  });

  test("is told of a drain and of its session's end", async () => {
    for (const stop of [() => it.drain(), () => void it.slots.end("session")]) {
      it.script("a", silent);
      const response = it.ask();
      await it.clock.advance(16_000);
      const text = (await response).text();
      await it.clock.advance(0);
      stop();
      expect(await text).toContain("event: error");
      await it.over();
      it = forwardWorld([provider("a")]);
    }
  });

  test("leaves its client's own session as an answer in time would have", async () => {
    const rows = [
      { act: error(400, "invalid_request_error"), next: "client_limit" },
      { act: error(500), next: null },
    ];
    for (const { act, next } of rows) {
      await it.over();
      it = forwardWorld([provider("a")], { idle: "hold" });
      const own = { sessions: 1, requests: 0, rpm: 0 };
      it.script("a", sse(said("x")), after(40_000, act), sse(said("y")));
      await it.hear({ session: "one", limits: own });
      expect((await it.hear({ session: "one", limits: own })).text).toContain("event: error");
      const other = await it.hear({ session: "two", limits: own });
      expect(other.headers.get("x-hedgerow-error")).toBe(next);
    }
  });

  test("leaves its client's own session alone when it never got under way", async () => {
    await it.over();
    it = forwardWorld([provider("a", { limits: { sessions: 0, requests: 1 } })], { idle: "hold", waitMs: 20_000 });
    const own = { sessions: 1, requests: 0, rpm: 0 };
    const busy = hand();
    it.script("a", sse(said("x")), busy.act);
    await it.hear({ session: "one", limits: own });
    const running = it.ask({ session: "other" });
    await it.clock.advance(0);
    busy.say(start + words("x"));
    const other = (await running).text();
    expect((await it.hear({ session: "one", limits: own })).text).toContain("event: error");
    const next = await it.hear({ session: "two", limits: own });
    expect(next.headers.get("x-hedgerow-error")).toBe("client_limit");
    busy.end();
    await other;
  });

  test("keeps nothing when its client leaves meanwhile, heard or not", async () => {
    for (const reads of [true, false]) {
      const client = new AbortController();
      it.script("a", silent);
      const response = it.ask({ signal: client.signal });
      await it.clock.advance(16_000);
      const text = reads ? (await response).text().catch(() => "") : null;
      if (!reads) await response;
      await it.clock.advance(1_000);
      client.abort();
      await it.clock.advance(15_000);
      await text;
      expect(it.slots.leases()).toBe(0);
      expect(it.records().at(-1)).toMatchObject({ status: 499 });
    }
  });
});

describe("stays silent for as long as it takes", () => {
  test("an answer that is no stream", async () => {
    it.script("a", after(40_000, error(500)));
    expect(await it.hear({ stream: false })).toMatchObject({ status: 500 });
  });

  test("a stream that is one JSON array, in which there are no comments", async () => {
    await it.over();
    it = forwardWorld([provider("a", { protocols: ["gemini"] })]);
    it.script("a", after(40_000, error(500)));
    expect(await it.hear({ protocol: "gemini" })).toMatchObject({ status: 500 });
  });
});
