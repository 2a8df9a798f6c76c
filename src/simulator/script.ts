/**
 * How one answer goes out, byte for byte and moment for moment. A script that runs out ends its answer cleanly: the
 * last chunk where the body is chunked, a closed connection where the head said so.
 */
export type Step =
  /** The body that follows is chunked unless the headers hold `content-length` or `connection: close`. */
  | Readonly<{ do: "head"; status: number; headers: readonly (readonly [string, string])[] }>
  /** One write; one chunk where the body is chunked. */
  | Readonly<{ do: "send"; bytes: Uint8Array }>
  | Readonly<{ do: "pause"; ms: number }>
  /** Until the test says so. */
  | Readonly<{ do: "wait"; until: Promise<unknown> }>
  /** Nothing more, the connection stays open until the peer leaves. */
  | Readonly<{ do: "stall" }>
  /** A reset (RST). */
  | Readonly<{ do: "cut" }>
  /** A close (FIN) without the end of the body: truncated. */
  | Readonly<{ do: "close" }>;

export type Script = Iterable<Step>;

const EVENT_STREAM = "text/event-stream; charset=utf-8";
export const JSON_TYPE = "application/json; charset=utf-8";

export const head = (
  status: number,
  contentType: string,
  more: Readonly<Record<string, string>> = {},
): Readonly<{ do: "head"; status: number; headers: readonly (readonly [string, string])[] }> => ({
  do: "head",
  status,
  headers: [["content-type", contentType], ...Object.entries(more)],
});

export const eventStreamHead = head(200, EVENT_STREAM, { "cache-control": "no-cache" });

export const send = (body: string | Uint8Array): Step => ({
  do: "send",
  bytes: typeof body === "string" ? new TextEncoder().encode(body) : body,
});
export const pause = (ms: number): Step => ({ do: "pause", ms });
export const waitFor = (until: Promise<unknown>): Step => ({ do: "wait", until });
export const stall: Step = { do: "stall" };
export const cut: Step = { do: "cut" };
export const close: Step = { do: "close" };

/** A whole answer with its length. */
export function wholeScript(
  status: number,
  body: string | Uint8Array,
  options: Readonly<{ contentType?: string; headers?: Readonly<Record<string, string>> }> = {},
): Script {
  const sent = send(body);
  const length = sent.do === "send" ? sent.bytes.length : 0;
  const lengthHeader = { "content-length": String(length), ...options.headers };
  return [head(status, options.contentType ?? JSON_TYPE, lengthHeader), sent];
}
