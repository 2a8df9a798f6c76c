import type { AttemptRecord, ProxyEvent } from "../../core/events.ts";
import type { RequestView } from "../../http/admin/views.ts";

/** An event of the admin feed: `event:` is its kind, `data:` one line of JSON. Kinds that are not here are not shown. */
export type FeedEvent =
  | Readonly<{ kind: "request_finished"; data: RequestView }>
  | Readonly<{ kind: "attempt_ended"; data: AttemptRecord & About }>
  | Of<"attempt_started">
  | Of<"hedge">
  | Of<"stream_broken">
  | Of<"breaker">
  | Of<"cooldown">
  | Of<"store">
  | Of<"reload">
  | Of<"override">
  | Of<"notice">;

type About = Readonly<{ time_ms: number; request_id?: string }>;

/** As the proxy tells it, the time and the request beside it. */
type Of<Kind extends ProxyEvent["kind"]> = Kind extends unknown
  ? Readonly<{ kind: Kind; data: Omit<Extract<ProxyEvent, { kind: Kind }>, "kind" | "requestId"> & About }>
  : never;

/**
 * The events of a stream as they come, and null for a sign of life that is none: the server's first word, and its
 * keep-alives, are comments. Ends with the stream.
 */
export async function* feedEvents(stream: ReadableStream<Uint8Array>): AsyncGenerator<FeedEvent | null> {
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const blocks = (rest + decoder.decode(value, { stream: true })).split("\n\n");
      rest = blocks.pop() ?? "";
      for (const block of blocks) yield feedEvent(block);
    }
  } finally {
    await reader.cancel().catch(() => {}); // it has ended already, or is to
  }
}

function feedEvent(block: string): FeedEvent | null {
  const [, kind, data] = /^event: (.+)\ndata: (.+)$/.exec(block) ?? [];
  return kind === undefined || data === undefined ? null : ({ kind, data: JSON.parse(data) } as FeedEvent);
}
