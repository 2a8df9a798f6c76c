import { expect, test } from "bun:test";
import { type FeedEvent, feedEvents } from "../../../src/page/browser/feed.ts";
import { handClock } from "../../world/clock.ts";
import { openFeed } from "../../../src/observe/feed.ts";

const TEXT = [
  ": listening\n\n",
  'event: override\ndata: {"time_ms":1,"provider":"a","override":"reset"}\n\n',
  ": keep-alive\n\n",
  'event: notice\ndata: {"time_ms":2,"level":"info","what":"grüße","fields":{}}\n\n',
].join("");

function streamOf(pieces: readonly Uint8Array[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (const piece of pieces) controller.enqueue(piece);
      controller.close();
    },
  });
}

async function all(stream: ReadableStream<Uint8Array>): Promise<(FeedEvent | null)[]> {
  return await Array.fromAsync(feedEvents(stream));
}

test("events and signs of life come in order, wherever the bytes were cut, also within a letter", async () => {
  const bytes = new TextEncoder().encode(TEXT);
  for (const size of [1, 2, 7, 60, bytes.length]) {
    const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
      bytes.slice(i * size, (i + 1) * size),
    );
    expect(await all(streamOf(pieces))).toEqual([
      null,
      { kind: "override", data: { time_ms: 1, provider: "a", override: "reset" } },
      null,
      { kind: "notice", data: { time_ms: 2, level: "info", what: "grüße", fields: {} } },
    ]);
  }
});

test("what was begun and not ended when the stream ends is nothing", async () => {
  expect(await all(streamOf([new TextEncoder().encode("event: store\ndata: {}")]))).toEqual([]);
});

test("a reader that has seen enough gives the stream back", async () => {
  let cancelled = 0;
  const stream = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(new TextEncoder().encode(": keep-alive\n\n")),
    cancel: () => void (cancelled += 1),
  });
  for await (const event of feedEvents(stream)) {
    expect(event).toBeNull();
    break;
  }
  expect(cancelled).toBe(1);
});

test("it reads what the proxy's feed writes", async () => {
  const feed = openFeed({ clock: handClock() });
  const stream = feed.subscribe() ?? streamOf([]);
  feed.observe({ kind: "breaker", provider: "a", state: "open", reason: "failures" });
  const events: unknown[] = [];
  for await (const event of feedEvents(stream)) if (events.push(event) === 2) break;
  expect(feed.subscribers()).toBe(0);
  expect(events).toEqual([null, { kind: "breaker", data: expect.objectContaining({ provider: "a", state: "open" }) }]);
});
