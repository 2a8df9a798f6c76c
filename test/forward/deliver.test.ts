import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { gzipSync } from "node:zlib";
import { secret } from "../../src/core/secret.ts";
import { provider } from "../provider/world.ts";
import { eventually } from "../world/scripted-upstream.ts";
import { closing, errorEvent, type Hand, hand, opening, ping, said, start, words } from "./upstream.ts";
import { type ForwardWorld, forwardWorld } from "./world.ts";

let it: ForwardWorld;
let upstream: Hand;
beforeEach(() => {
  it = forwardWorld([provider("a", { keys: [secret("a-key-of-the-proxy")], limits: { sessions: 1, requests: 0 } })]);
  upstream = hand();
  it.script("a", upstream.act);
});
afterEach(() => it.over());

const BEGUN = start + opening + words("hello");

/** A stream of which the client has all there is so far. */
async function begin(ask: Parameters<ForwardWorld["ask"]>[0] = {}) {
  const asked = it.ask(ask);
  await it.clock.advance(0);
  upstream.say(BEGUN);
  const response = await asked;
  const heard = response.text().catch((error: unknown) => `reset: ${String(error)}`);
  await it.clock.advance(0);
  return heard;
}
const attempt = () => it.records()[0]?.attempts[0];

describe("a stream that has begun", () => {
  test("is answered with its terminal event, whatever the connection does then", async () => {
    const heard = begin();
    await it.clock.advance(10);
    upstream.say(said("").slice(start.length));
    await it.clock.advance(0);
    upstream.cut();
    expect(await heard).toBe(BEGUN + said("").slice(start.length));
    expect(attempt()).toMatchObject({ outcome: "answered", reason: "" });
    expect(await it.count("a")).toEqual({ sessions: 1, requests: 0 });
  });

  test("is over soon after its terminal event, although the upstream keeps the connection open", async () => {
    const heard = begin();
    await it.clock.advance(10);
    upstream.say(said("").slice(start.length));
    await it.clock.advance(4_999);
    expect(attempt()).toBeUndefined();
    await it.clock.advance(1);
    expect(await heard).toBe(BEGUN + said("").slice(start.length));
    expect(attempt()).toMatchObject({ outcome: "answered", reason: "" });
    expect(await it.count("a")).toEqual({ sessions: 1, requests: 0 });
  });

  test("that is cut ends with the error event, and its slot is free", async () => {
    const heard = begin();
    await it.clock.advance(10);
    upstream.say(words("more") + "event: content_block_delta\ndata: {");
    await it.clock.advance(0);
    upstream.cut();
    const text = await heard;
    expect(text.startsWith(`${BEGUN}${words("more")}event: error\ndata: `)).toBe(true);
    expect(text).toContain("api_error");
    expect(it.told("stream_broken")).toMatchObject([{ provider: "a", how: "cut" }]);
    expect(attempt()).toMatchObject({ outcome: "broken", reason: "cut" });
    expect(await it.count("a")).toEqual({ sessions: 0, requests: 0 });
  });

  test("that ends cleanly without its terminal event is broken all the same", async () => {
    const heard = begin();
    await it.clock.advance(10);
    upstream.end();
    expect(await heard).toContain("event: error");
    expect(it.told("stream_broken")).toMatchObject([{ how: "no_terminal" }]);
  });

  test("that goes silent ends with the error event after the idle time", async () => {
    const heard = begin();
    await it.clock.advance(119_000);
    upstream.say(ping);
    await it.clock.advance(119_000);
    expect(it.told("stream_broken")).toEqual([]);
    await it.clock.advance(1_000);
    expect(await heard).toContain("event: error");
    expect(it.told("stream_broken")).toMatchObject([{ how: "stall" }]);
    expect(upstream.cancelled()).toBe(true);
  });

  test("that ends with the upstream's own error gets no second one", async () => {
    const heard = begin();
    await it.clock.advance(10);
    upstream.say(errorEvent("overloaded_error"));
    upstream.end();
    expect(await heard).toBe(BEGUN + errorEvent("overloaded_error"));
    expect(it.told("stream_broken")).toMatchObject([{ how: "error_event" }]);
  });

  test("opens the breaker when it breaks again and again", async () => {
    for (let round = 0; round < 5; round++) {
      const heard = begin({ session: `session-${round}` });
      await it.clock.advance(10);
      upstream.cut();
      await heard;
      upstream = hand();
      it.script("a", upstream.act);
    }
    expect(it.breaker("a").state()).toBe("open");
  });

  test("is cut with an honest end when an operator ends its session", async () => {
    const heard = begin();
    await it.clock.advance(10);
    await it.slots.end("session");
    expect(await heard).toContain("ended by an operator");
    expect(attempt()).toMatchObject({ outcome: "ended" });
    expect(upstream.cancelled()).toBe(true);
  });

  test("is cut with an honest end when a drain runs out of patience", async () => {
    const heard = begin();
    await it.clock.advance(10);
    it.drain();
    expect(await heard).toContain("shutting down");
    expect(it.told("stream_broken")).toMatchObject([{ how: "drain" }]);
    expect(it.breaker("a").state()).toBe("closed");
  });

  test("goes on counting as a conversation when its client leaves", async () => {
    const client = new AbortController();
    const heard = begin({ signal: client.signal });
    await it.clock.advance(10);
    client.abort();
    await heard;
    await it.clock.advance(0);
    expect(upstream.cancelled()).toBe(true);
    expect(attempt()).toMatchObject({ outcome: "client_left" });
    expect(it.told("stream_broken")).toEqual([]);
    expect(await it.count("a")).toEqual({ sessions: 1, requests: 0 });
  });
});

test("neither the request's body nor what was read ahead is kept once content was passed on", async () => {
  const asked = it.ask();
  await it.clock.advance(0);
  upstream.say(start);
  await it.clock.advance(0);
  expect([it.bodies(), it.buffered()]).toEqual([1, start.length]);
  upstream.say(opening + words("hello"));
  const heard = (await asked).text();
  await it.clock.advance(0);
  expect([it.slots.leases(), it.bodies(), it.buffered()]).toEqual([1, 0, 0]);
  upstream.say(closing);
  upstream.end();
  expect(await heard).toBe(BEGUN + closing);
});

describe("a client that does not read", () => {
  test("keeps no slot of a session that an operator ended", async () => {
    const asked = it.ask();
    await it.clock.advance(0);
    upstream.say(BEGUN);
    const response = await asked;
    const reader = response.body?.getReader();
    await reader?.read();
    upstream.say(words("x".repeat(200_000)));
    await it.clock.advance(0);
    await it.slots.end("session");
    await it.clock.advance(2_000);
    expect(it.slots.leases()).toBe(0);
    await reader?.cancel().catch(() => undefined);
  });

  test("and leaves before its first byte keeps nothing", async () => {
    const client = new AbortController();
    const asked = it.ask({ signal: client.signal });
    await it.clock.advance(0);
    upstream.say(BEGUN);
    await asked;
    client.abort();
    await it.clock.advance(0);
    expect(it.slots.leases()).toBe(0);
    expect(attempt()).toMatchObject({ outcome: "client_left" });
  });
});

test("a stream that comes encoded is passed on byte for byte, and reset when it breaks", async () => {
  await it.over();
  it = forwardWorld([provider("a")]);
  const whole = gzipSync(said("hello"));
  it.script(
    "a",
    async () => new Response(whole, { headers: { "content-type": "text/event-stream", "content-encoding": "gzip" } }),
  );
  // The codec works beside this thread, in its own time: the clock stands still for it.
  const response = await it.ask();
  expect(Buffer.from(await response.arrayBuffer()).equals(whole)).toBe(true);
  await eventually("it is told", () => it.records().length === 1);
  expect(it.records()).toMatchObject([{ output_tokens: 5, attempts: [{ outcome: "answered" }] }]);
  const broken = gzipSync(BEGUN);
  it.script(
    "a",
    async () => new Response(broken, { headers: { "content-type": "text/event-stream", "content-encoding": "gzip" } }),
  );
  const reset = await it.ask();
  expect(await reset.text().catch(() => "reset")).toBe("reset");
  expect(it.told("stream_broken")).toMatchObject([{ how: "no_terminal" }]);
});

describe("an encoding that nobody knows", () => {
  const unread = (body: string, type: string) => async () =>
    new Response(body, { headers: { "content-type": type, "content-encoding": "snappy" } });

  test.each([
    { stream: true, type: "text/event-stream" },
    { stream: false, type: "application/json" },
  ])("is passed on unread from its first byte, and the log says so (stream: $stream)", async ({ stream, type }) => {
    await it.over();
    it = forwardWorld([provider("a")]);
    it.script("a", unread("???", type));
    expect(await it.hear({ stream })).toMatchObject({ status: 200, text: "???" });
    expect(it.told("notice")).toMatchObject([{ what: "answer_unreadable", fields: { encoding: "snappy" } }]);
    expect(it.records()).toMatchObject([{ attempts: [{ outcome: "answered", ttft_ms: expect.any(Number) }] }]);
  });

  test("has no first byte where the body is empty: another provider is asked", async () => {
    await it.over();
    const origin = "https://same.test";
    it = forwardWorld([provider("a", { origin }), provider("b", { origin, priority: 1 })]);
    it.script("a", unread("", "text/event-stream"));
    it.script("b", unread("???", "text/event-stream"));
    expect((await it.hear()).text).toBe("???");
    expect(it.records()).toMatchObject([{ attempts: [{ reason: "empty_body" }, { provider: "b" }] }]);
  });
});

test("a whole answer may be silent for longer than a stream", async () => {
  await it.over();
  it = forwardWorld([provider("a", { timeouts: { connectMs: 0, firstTokenMs: 0, idleMs: 1_000, totalMs: 0 } })]);
  const slow = hand({ "content-type": "application/json" });
  it.script("a", slow.act);
  const asked = it.ask({ stream: false });
  await it.clock.advance(0);
  const begun = `{"x":"${"y".repeat(1_100_000)}`;
  slow.say(begun);
  const heard = asked.then((response) => response.text());
  await it.clock.advance(6_000);
  slow.say('"}');
  slow.end();
  expect((await heard) === `${begun}"}`).toBe(true);
});

test("a large whole answer that takes too long is reset and says it was a timeout", async () => {
  await it.over();
  it = forwardWorld([provider("a", { timeouts: { connectMs: 0, firstTokenMs: 0, idleMs: 0, totalMs: 5_000 } })]);
  const slow = hand({ "content-type": "application/json" });
  it.script("a", slow.act);
  const asked = it.ask({ stream: false });
  await it.clock.advance(0);
  slow.say(`{"x":"${"y".repeat(1_100_000)}`);
  const heard = asked.then((response) => response.text()).catch(() => "reset");
  await it.clock.advance(6_000);
  expect(await heard).toBe("reset");
  expect(it.records()).toMatchObject([{ error: "timed_out", attempts: [{ outcome: "broken", reason: "stall" }] }]);
});
