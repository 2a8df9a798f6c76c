import type { OwnError } from "../core/errors.ts";

export const PROTOCOL_NAMES = ["anthropic", "openai-chat", "openai-responses", "gemini"] as const;
export type ProtocolName = (typeof PROTOCOL_NAMES)[number];

/** Where a credential goes in an upstream request. */
export type AuthScheme = "x-api-key" | "bearer" | "x-goog-api-key";

/** What a proxied route asks for. `generate` may stream and sets homes; `count` and `embed` are short calls; `compact` is Responses' own. */
export type OperationKind = "generate" | "count" | "embed" | "compact";

/** A proxied route that matched. */
export type Operation = Readonly<{
  protocol: ProtocolName;
  kind: OperationKind;
  /** The model where the path names it (Gemini), percent-decoded; else null and the body names it. */
  pathModel: string | null;
  /** The path says that the answer streams (Gemini's `:streamGenerateContent`); else the body's `stream` says so. */
  pathStream: boolean;
}>;

/** How far a request is bound to the account that answers it first. */
export type Binding =
  /** Any provider may answer; it may be hedged and failed over. */
  | "free"
  /** May fail over, is not hedged (Responses with `store` left at its default would be stored twice). */
  | "failover_only"
  /** Names something that lives in one account (stored response, file, container, cached content): asked once, by alias or rank. */
  | "account";

/** An id for the session that the body gave, the most telling kinds first. */
export type BodySession = Readonly<{
  source: "metadata.user_id" | "prompt_cache_key" | "metadata.session_id";
  id: string;
}>;

/** What is read from a request's body once; the body itself passes on as bytes. */
export type RequestFacts = Readonly<{
  /** The model as the client named it. */
  model: string;
  stream: boolean;
  binding: Binding;
  /** Body-given session ids, the best first (headers are looked at elsewhere). */
  sessions: readonly BodySession[];
  /** `conversation`, then `previous_response_id`: ids of upstream objects that are aliases of a session. */
  aliases: readonly Readonly<{ source: "conversation" | "previous_response_id"; id: string }>[];
  /** Of model, system prompt and first user message: what the session is hashed from when nothing gives an id. "" where `sessions` do. */
  contentSeed: string;
  /** False for Responses with `store: false`: its answer's ids must not become aliases. */
  aliasable: boolean;
}>;

/** Tokens of one attempt. `estimated`: the upstream did not say, counted from bytes. */
export type Usage = Readonly<{ input: number; output: number; cached: number; estimated: boolean }>;

/** What an upstream said went wrong, taken from an error body or an error event; `forward/classify` turns it into a verdict. */
export type ErrorFacts = Readonly<{
  /** HTTP status it stands for, where the body or event tells one; else null. */
  status: number | null;
  /** The protocol's own word: `overloaded_error`, `rate_limit_exceeded`, `RESOURCE_EXHAUSTED`, …; "" where it has none. */
  type: string;
  /** For people; may quote the request: never logged above debug, never stored. */
  message: string;
  /** Pushback named inside the body (Google's RetryInfo, OpenAI's "try again in"), else null. */
  retryAfterMs: number | null;
  /** The answer is about content (policy, safety, context length), not about the provider. */
  policy: boolean;
}>;

/** What one event before content means. */
export type Level =
  | "liveness" /** L0: resets the idle timer only */
  | "accepted" /** L1 */
  | "started" /** L2: generation has begun; extends the hedge delay once */
  | "content" /** C: commits */
  | "definitive" /** F, or an answer without content that settles at once: commits, no provider fault */
  | "held" /** H: a valid answer without content: kept back while another attempt runs */
  | "neutral" /** N */
  | "error"; /** E or F by `forward/classify` */

export type Seen = Readonly<{
  level: Level;
  /** With level `error` only. */
  error?: ErrorFacts;
  /** Echoes the request (Responses' `response.created`): does not count against the look-ahead bound. */
  echo?: boolean;
}>;

/** A part of a stream that is passed on whole or not at all: the bytes as received (separators included) and what they say. */
export type Frame = Readonly<{
  kind: FrameKind;
  /** SSE `event:` field; "" where none was sent, and for the elements of a JSON array. */
  event: string;
  /** `data:` lines joined by LF, decoded as UTF-8; "" for a frame of comments only. For `element` and `bare`: the text itself. */
  data: string;
  /** Exactly what was received for this frame, up to and with the blank line that ended it. */
  bytes: Uint8Array;
}>;

export type FrameKind =
  | "event" /** of an SSE stream, or its comments and blank lines */
  | "element" /** of a JSON array, with the comma before it */
  | "close" /** the `]` that ends a JSON array */
  | "bare" /** text that is not in the stream's framing at all: a JSON error object, an HTML page */
  | "piece"; /** of an event too large to be kept whole; `event` and `data` are "" */

/**
 * Reads one attempt's events in order. Before content the forwarder asks `classify`; from content on it calls `watch`,
 * which must cost next to nothing for frames that carry neither usage nor an end.
 */
export type EventReader = Readonly<{
  classify(frame: Frame): Seen;
  /** After content. Answers what ended the stream, if this frame did. */
  watch(frame: Frame): void;
  /** All of the answer was seen (by either): an end now is the end of a whole answer, although more may come. */
  ended(): boolean;
  /** Nothing can come any more: the protocol's last event was seen, or its array was closed. */
  over(): boolean;
  /** The upstream's own error event, if there was one. */
  failed(): ErrorFacts | null;
  /** Clients of this protocol hear of that error from the frame it came in, once it is passed on whole. */
  heard(): boolean;
  usage(): Usage | null;
  /** Ids in the answer that become aliases of the session (Responses' `response.id`, `conversation.id`). */
  aliases(): readonly string[];
  /** The last `sequence_number` seen (Responses), else -1. */
  sequence(): number;
}>;

/** A whole non-streaming answer with a 2xx status, judged. `error`: it is an error in disguise (error object, HTML, empty). */
export type BodySeen = Readonly<{
  level: "content" | "held" | "definitive" | "error";
  error?: ErrorFacts;
  usage: Usage | null;
  aliases: readonly string[];
}>;

/** How a streamed answer is cut into frames. */
export type Framing = "sse" | "json-array";

/** What differs between the protocols; everything else treats them alike. */
export type Protocol = Readonly<{
  name: ProtocolName;
  /** Where a provider's key goes unless its `auth` says otherwise. */
  auth: AuthScheme;
  /** Reads a request's body (already known to be within limits). An `OwnError` is the client's answer. */
  read(operation: Operation, body: Uint8Array): RequestFacts | OwnError;
  /** The body with every top-level `model` value replaced, all other bytes untouched; the same array where the body names no model. */
  withModel(body: Uint8Array, model: string): Uint8Array;
  /** A fresh reader for one attempt's stream. `requestBytes`: for estimates where the upstream says no usage. */
  events(requestBytes: number): EventReader;
  /** Judges a whole 2xx answer that is not a stream (`streamAsked`: a "fake 200" to a streaming request). */
  judge(operation: Operation, body: Uint8Array, contentType: string): BodySeen;
  /** Reads a non-2xx answer's body; tolerant of anything. */
  readError(status: number, body: Uint8Array): ErrorFacts;
  /** One of our errors in this protocol's envelope (JSON text). */
  envelope(error: OwnError, requestId: string): string;
  /** The event that ends a broken stream honestly, ready to be written after the last whole event. */
  errorEvent(
    error: OwnError,
    requestId: string,
    stream: Readonly<{ framing: Framing; sequence: number; first: boolean }>,
  ): Uint8Array;
  /** What is sent while nothing else can be: a comment, or the protocol's own ping. */
  keepAlive: Uint8Array;
}>;
