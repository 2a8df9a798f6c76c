import { HedgerowError } from "../../src/core/errors.ts";
import type { Target } from "../../src/forward/attempt.ts";
import type { HandClock } from "../world/clock.ts";

/** What a scripted upstream does with one request; aborts as `fetch` does: with the signal's reason. */
export type Act = (request: Sent) => Promise<Response>;

export type Sent = Readonly<{ target: Target; signal: AbortSignal; connected: () => void; clock: HandClock }>;

/** Anthropic's events, as text. */
export const start = event("message_start", {
  message: { id: "msg_1", role: "assistant", content: [], usage: { input_tokens: 7, output_tokens: 1 } },
});
export const ping = event("ping", {});
export const opening = event("content_block_start", { index: 0, content_block: { type: "text", text: "" } });
export const words = (text: string) => event("content_block_delta", { index: 0, delta: { type: "text_delta", text } });
export const closing =
  event("content_block_stop", { index: 0 }) +
  event("message_delta", { delta: { stop_reason: "end_turn" }, usage: { output_tokens: 5 } }) +
  event("message_stop", {});
/** A whole answer that says `text`. */
export const said = (text: string) => start + opening + words(text) + closing;
export const errorEvent = (type: string) =>
  `event: error\ndata: {"type":"error","error":{"type":"${type}","message":"m"}}\n\n`;

function event(type: string, body: object): string {
  return `event: ${type}\ndata: ${JSON.stringify({ type, ...body })}\n\n`;
}

const SSE = { "content-type": "text/event-stream" };

export const sse =
  (text: string, headers: Record<string, string> = {}): Act =>
  async () =>
    new Response(text, { headers: { ...SSE, ...headers } });

export const json =
  (status: number, body: unknown, headers: Record<string, string> = {}): Act =>
  async () =>
    new Response(typeof body === "string" ? body : JSON.stringify(body), {
      status,
      headers: { "content-type": "application/json", ...headers },
    });

export const error = (status: number, type = "api_error", headers: Record<string, string> = {}): Act =>
  json(status, { type: "error", error: { type, message: `upstream says ${status}` } }, headers);

export const message = json(200, {
  id: "msg_1",
  type: "message",
  role: "assistant",
  content: [{ type: "text", text: "hello" }],
  stop_reason: "end_turn",
  usage: { input_tokens: 7, output_tokens: 5 },
});

export const fails =
  (code: string): Act =>
  async () => {
    throw new HedgerowError(code, code);
  };

/** Never connects, until it is aborted. */
export const unreachable: Act = ({ signal }) =>
  new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });

/** Takes the request and never answers it. */
export const silent: Act = (request) => {
  request.connected();
  return unreachable(request);
};

/** Takes the request and does as `act` after `ms`. */
export const after =
  (ms: number, act: Act): Act =>
  async (request) => {
    request.connected();
    await request.clock.sleep(ms, request.signal);
    return act(request);
  };

/** A body written by the test. */
export type Hand = Readonly<{
  act: Act;
  say(text: string): void;
  end(): void;
  cut(): void;
  /** The proxy reads it no longer. */
  cancelled(): boolean;
}>;

export function hand(headers: Record<string, string> = SSE): Hand {
  let cancelled = false;
  let writer: ReadableStreamDefaultController<Uint8Array> | null = null;
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      writer = controller;
    },
    cancel() {
      cancelled = true;
    },
  });
  const open = () => (cancelled ? null : writer);
  return {
    act: async () => new Response(body, { headers }),
    say: (text) => open()?.enqueue(new TextEncoder().encode(text)),
    end: () => open()?.close(),
    cut: () => open()?.error(new Error("connection reset")),
    cancelled: () => cancelled,
  };
}
