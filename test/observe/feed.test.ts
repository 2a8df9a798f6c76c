import { describe, expect, test } from "bun:test";
import type { ProxyEvent } from "../../src/core/events.ts";
import { type Feed, openFeed } from "../../src/observe/feed.ts";
import { handClock } from "../world/clock.ts";
import { attemptRecord, finished, requestRecord } from "./records.ts";

const notice = (what: string): ProxyEvent => ({ kind: "notice", level: "info", what, fields: {} });

function listen(feed: Feed) {
  const reader = feed.subscribe()?.getReader();
  const next = async () => {
    const read = await reader?.read();
    return read === undefined || read.done ? null : new TextDecoder().decode(read.value);
  };
  return { next, leave: () => reader?.cancel() };
}

describe("what the feed tells", () => {
  test("each decision, as it is taken, with its time and request", async () => {
    const feed = openFeed({ clock: handClock() });
    const { next, leave } = listen(feed);
    expect(await next()).toBe(": listening\n\n");
    feed.observe({ kind: "breaker", provider: "fast", state: "open", reason: "failures" });
    expect(await next()).toBe(
      'event: breaker\ndata: {"time_ms":1700000000000,"provider":"fast","state":"open","reason":"failures"}\n\n',
    );
    feed.observe({ kind: "attempt_ended", requestId: "r", protocol: "gemini", record: attemptRecord() });
    expect(await next()).toStartWith('event: attempt_ended\ndata: {"time_ms":1700000000000,"request_id":"r",');
    feed.observe(finished());
    const data = (await next())?.split("data: ")[1];
    expect(JSON.parse(data ?? "")).toEqual({ time_ms: 1_700_000_000_000, ...requestRecord() });
    await leave();
  });

  test("bookkeeping is not a decision", async () => {
    const feed = openFeed({ clock: handClock() });
    const { next, leave } = listen(feed);
    await next();
    feed.observe({ kind: "lease", scope: "provider:fast", event: "renewed", count: 100 });
    feed.observe({ kind: "store_call", op: "acquire", ms: 1, failed: false });
    feed.observe({ kind: "swept", ms: 1 });
    feed.observe(notice("next"));
    expect(await next()).toStartWith("event: notice");
    await leave();
  });
});

describe("a feed and its readers", () => {
  test("one who does not read is told that it missed something, and the others hear all", async () => {
    const feed = openFeed({ clock: handClock(), bufferCharsMax: 1_000 });
    const slow = listen(feed);
    const quick = listen(feed);
    await quick.next();
    for (let index = 0; index < 20; index++) {
      feed.observe(notice("x".repeat(100)));
      expect(await quick.next()).toContain("event: notice");
    }
    expect(feed.subscribers()).toBe(1);
    expect(await slow.next()).toBe("event: overrun\ndata: {}\n\n");
    expect(await slow.next()).toBeNull();
    await quick.leave();
  });

  test("what came in a burst is read in one piece, in order", async () => {
    const feed = openFeed({ clock: handClock() });
    const { next, leave } = listen(feed);
    for (const what of ["one", "two", "three"]) feed.observe(notice(what));
    expect((await next())?.match(/one|two|three/g)).toEqual(["one", "two", "three"]);
    await leave();
  });

  test("a silence is filled with comments, and no timer is left when the last reader leaves", async () => {
    const clock = handClock();
    const feed = openFeed({ clock });
    expect(clock.sleepers()).toBe(0);
    const { next, leave } = listen(feed);
    await next();
    await clock.advance(15_000);
    expect(await next()).toBe(": keep-alive\n\n");
    await clock.advance(15_000);
    expect(await next()).toBe(": keep-alive\n\n");
    await leave();
    expect({ sleepers: clock.sleepers(), subscribers: feed.subscribers() }).toEqual({ sleepers: 0, subscribers: 0 });
  });

  test("a reader dropped by a keep-alive leaves no timer either", async () => {
    const clock = handClock();
    const feed = openFeed({ clock, bufferCharsMax: 20 });
    feed.subscribe();
    await clock.advance(15_000);
    expect({ sleepers: clock.sleepers(), subscribers: feed.subscribers() }).toEqual({ sleepers: 0, subscribers: 0 });
  });

  test("there is a limit to how many listen", async () => {
    const feed = openFeed({ clock: handClock(), subscribersMax: 2 });
    const first = listen(feed);
    feed.subscribe();
    expect(feed.subscribe()).toBeNull();
    await first.leave();
    expect(feed.subscribe()).not.toBeNull();
    feed.close();
  });

  test("close ends every stream", async () => {
    const clock = handClock();
    const feed = openFeed({ clock });
    const { next } = listen(feed);
    await next();
    feed.close();
    expect(await next()).toBeNull();
    expect({ sleepers: clock.sleepers(), subscribers: feed.subscribers() }).toEqual({ sleepers: 0, subscribers: 0 });
  });

  test("a client that goes away is forgotten, over a real connection", async () => {
    const clock = handClock();
    const feed = openFeed({ clock });
    using server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch: () => new Response(feed.subscribe(), { headers: { "content-type": "text/event-stream" } }),
    });
    const client = new AbortController();
    const answer = await fetch(server.url, { signal: client.signal, proxy: false });
    await answer.body?.getReader().read();
    expect(feed.subscribers()).toBe(1);
    client.abort();
    while (feed.subscribers() > 0) await new Promise((resolve) => setImmediate(resolve));
    expect(clock.sleepers()).toBe(0);
  });
});
