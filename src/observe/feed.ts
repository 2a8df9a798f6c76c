import type { Clock } from "../core/clock.ts";
import type { Observer, ProxyEvent } from "../core/events.ts";

/** Dashboards and terminals that watch one instance; each costs a copy of every event. */
const SUBSCRIBERS_MAX = 32;
/** What may wait for one subscriber: some hundred events, seconds of a busy instance. */
const BUFFER_CHARS_MAX = 256 * 1024;
/** Shorter than the 20 to 60 s after which proxies cut a silent connection. */
const KEEP_ALIVE_MS = 15_000;

export type FeedRules = Readonly<{ clock: Clock; bufferCharsMax?: number; subscribersMax?: number }>;

/** Decisions as they are taken, as server-sent events: `event:` is the kind, `data:` the event as JSON. */
export type Feed = Readonly<{
  observe: Observer;
  /**
   * The body of an event stream with all that happens from now on. Null when too many listen already. A reader too
   * slow for what happens is told so by an `overrun` event, and its stream ends: it has missed something, and knows.
   */
  subscribe(): ReadableStream<Uint8Array> | null;
  subscribers(): number;
  /** Ends all streams: a drain must not wait for a dashboard. */
  close(): void;
}>;

type Subscriber = {
  readonly controller: ReadableStreamDefaultController<Uint8Array>;
  /** What its reader has not asked for yet. */
  pending: string;
  /** The reader waits for bytes. */
  wants: boolean;
};

/** Owns the streams of its subscribers and one timer while there are any. */
export function openFeed(rules: FeedRules): Feed {
  const { clock, bufferCharsMax = BUFFER_CHARS_MAX, subscribersMax = SUBSCRIBERS_MAX } = rules;
  const subscribers = new Set<Subscriber>();
  let cancelKeepAlive: () => void = () => {};

  function keepAlive() {
    cancelKeepAlive = clock.after(KEEP_ALIVE_MS, () => {
      keepAlive();
      send(": keep-alive\n\n");
    });
  }
  function leave(subscriber: Subscriber) {
    subscribers.delete(subscriber);
    if (subscribers.size === 0) cancelKeepAlive();
  }
  function send(text: string) {
    for (const subscriber of subscribers) {
      if (subscriber.pending.length + text.length > bufferCharsMax) overrun(subscriber);
      else {
        subscriber.pending += text;
        handOver(subscriber);
      }
    }
  }
  function overrun(subscriber: Subscriber) {
    leave(subscriber);
    // What waits is not sent on: after a gap it would be read as if it were whole.
    subscriber.controller.enqueue(encoder.encode("event: overrun\ndata: {}\n\n"));
    subscriber.controller.close();
  }
  function subscribe(controller: ReadableStreamDefaultController<Uint8Array>): Subscriber {
    // The headers go out with the first bytes: a reader knows that it listens before anything has happened.
    const subscriber = { controller, pending: ": listening\n\n", wants: false };
    if (subscribers.size === 0) keepAlive();
    subscribers.add(subscriber);
    return subscriber;
  }
  return {
    observe(event) {
      if (subscribers.size === 0) return;
      const text = message(event, clock.wallMs());
      if (text !== null) send(text);
    },
    subscribe() {
      if (subscribers.size >= subscribersMax) return null;
      return streamTo(subscribe, leave);
    },
    subscribers: () => subscribers.size,
    close() {
      cancelKeepAlive();
      for (const { controller } of subscribers) controller.close();
      subscribers.clear();
    },
  };
}

function streamTo(
  subscribe: (controller: ReadableStreamDefaultController<Uint8Array>) => Subscriber,
  leave: (subscriber: Subscriber) => void,
): ReadableStream<Uint8Array> {
  let own: Subscriber;
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        own = subscribe(controller);
      },
      pull() {
        own.wants = true;
        handOver(own);
      },
      cancel() {
        leave(own);
      },
    },
    // Nothing is queued in the stream: what waits is ours to throw away.
    { highWaterMark: 0 },
  );
}

function handOver(subscriber: Subscriber): void {
  if (!subscriber.wants || subscriber.pending === "") return;
  const bytes = encoder.encode(subscriber.pending);
  subscriber.wants = false;
  subscriber.pending = "";
  subscriber.controller.enqueue(bytes);
}

const encoder = new TextEncoder();

/** Null for what is bookkeeping rather than a decision: it comes by the thousand and would drown the rest. */
function message(event: ProxyEvent, wallMs: number): string | null {
  switch (event.kind) {
    case "lease":
    case "store_call":
    case "sweep":
    case "swept":
      return null;
    case "request_finished":
      return frame(event.kind, { time_ms: event.wallMs, ...event.record });
    case "attempt_ended":
      return frame(event.kind, { time_ms: wallMs, request_id: event.requestId, ...event.record });
    case "request_arrived": {
      const { kind, wallMs: arrivedMs, requestId, ...fields } = event;
      return frame(kind, { time_ms: arrivedMs, request_id: requestId, ...fields });
    }
    case "attempt_started":
    case "stream_broken": {
      const { kind, requestId, ...fields } = event;
      return frame(kind, { time_ms: wallMs, request_id: requestId, ...fields });
    }
    case "hedge":
    case "breaker":
    case "cooldown":
    case "store":
    case "reload":
    case "override":
    case "notice":
      break;
  }
  const { kind, ...fields } = event;
  return frame(kind, { time_ms: wallMs, ...fields });
}

function frame(kind: ProxyEvent["kind"], data: Readonly<Record<string, unknown>>): string {
  return `event: ${kind}\ndata: ${JSON.stringify(data)}\n\n`;
}
