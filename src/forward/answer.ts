import type { Clock } from "../core/clock.ts";
import { decoderOf } from "../core/content-coding.ts";
import type { Splitter } from "../protocol/frames.ts";
import type { ErrorFacts, Framing, Usage } from "../protocol/protocol.ts";
import type { Admission } from "./admission.ts";
import type { Stoppable } from "./stoppable.ts";
import { classifyFault, silentFault, type Verdict } from "./classify.ts";
import { type Decoder, decoderFor } from "./decode.ts";
import type { Inbound } from "./inbound.ts";
import { lookAhead } from "./look-ahead.ts";
import type { Live, Whole } from "./opened.ts";
import { pushbackMs } from "./pushback.ts";
import { frameSource, type Source } from "./source.ts";
import type { Attempted } from "./trail.ts";
import { decoded, readWhole } from "./whole.ts";

/** What an upstream's response turned out to be. */
export type Answer =
  | Readonly<{
      kind: "open";
      status: number;
      headers: Headers;
      /**
       * `held`: valid, but without content. `definitive`: an answer that settles without content, such as a refusal.
       * `client_error`: the client's own error, or a policy's word.
       */
      worth: "content" | "held" | "definitive" | "client_error";
      body: Whole | Live;
    }>
  /** `usage`: what a stream had said of its tokens by then. */
  | Readonly<{ kind: "fault"; verdict: Verdict; shown: ShownAnswer | null; usage?: Usage | null }>;

/** An upstream's error answer as the client may see it. `retryAfterMs`: as its body says, null = not said. */
export type ShownAnswer = Readonly<{ status: number; headers: Headers; body: Uint8Array; retryAfterMs: number | null }>;

export type AnswerDeps = Readonly<{
  clock: Clock;
  /** A fresh one. What it holds is taken out of the process-wide buffer too. */
  splitter(framing: Framing): Splitter;
  /** Takes bytes out of the process-wide buffer; null when there are none left. */
  buffer(bytes: number): Disposable | null;
  /** An answer encoded in a way that cannot be read is passed on unread. */
  unreadable(provider: string, encoding: string): void;
}>;

/** What reading one response needs; what it opens goes onto `owned`. */
export type Reading = Readonly<{
  inbound: Inbound;
  admission: Admission;
  io: Stoppable;
  record: Attempted;
  owned: AsyncDisposableStack;
  /** Told once when the upstream has begun to generate. */
  started: () => void;
}>;

/** Reads a response until it is known what it is worth. Nothing of it has gone to the client by then. */
export async function readAnswer(deps: AnswerDeps, reading: Reading, response: Response): Promise<Answer> {
  if (response.status < 200 || response.status > 299) return errorAnswer(deps, reading, response);
  const encoding = encodingOf(response);
  if (encoding !== null && decoderOf(encoding) === null) {
    deps.unreadable(reading.admission.provider.name, encoding);
    return unreadAnswer(deps, reading, response);
  }
  const framing = framingOf(reading.inbound, response);
  if (framing === null) return wholeAnswer(deps, reading, response);
  const decoder = encoding === null ? null : decoderFor(encoding);
  return streamAnswer(deps, reading, response, { framing, decoder });
}

/** What cannot be judged is taken for content at its first byte. */
async function unreadAnswer(deps: AnswerDeps, reading: Reading, response: Response): Promise<Answer> {
  const source = open(deps, reading, response, null);
  const first = await source.next();
  if (first.kind === "broke") return lost("truncated");
  if (first.kind === "end") return lost("empty_body");
  reading.record.sawContent();
  return { kind: "open", ...shown(response), worth: "content", body: live(source, [first.pass], null) };
}

async function errorAnswer(deps: AnswerDeps, reading: Reading, response: Response): Promise<Answer> {
  const source = open(deps, reading, response, null);
  const read = await readWhole(source);
  if (read.kind === "broke") return lost("truncated");
  const { status, headers } = response;
  const facts = reading.inbound.protocol.readError(status, await decoded(encodingOf(response), read.bytes));
  const verdict = judge(deps, reading, response, facts);
  if (verdict.retry) {
    const whole = verdict.showable && read.kind === "whole";
    const answer = { status, headers, body: read.bytes, retryAfterMs: facts.retryAfterMs };
    return { kind: "fault", verdict, shown: whole ? answer : null };
  }
  const body: Whole | Live =
    read.kind === "more"
      ? live(source, [read.bytes], null)
      : { kind: "whole", bytes: read.bytes, usage: null, aliases: [] };
  return { kind: "open", status, headers, worth: "client_error", body };
}

async function wholeAnswer(deps: AnswerDeps, reading: Reading, response: Response): Promise<Answer> {
  const { inbound, record } = reading;
  const source = open(deps, reading, response, null);
  const read = await readWhole(source);
  if (read.kind === "broke") return lost("truncated");
  if (read.kind === "more") {
    record.sawContent();
    return { kind: "open", ...shown(response), worth: "content", body: live(source, [read.bytes], null) };
  }
  const text = await decoded(encodingOf(response), read.bytes);
  const seen = inbound.protocol.judge(inbound.operation, text, response.headers.get("content-type") ?? "");
  if (seen.level === "error") {
    const verdict = seen.error ? judge(deps, reading, response, seen.error) : silentFault("invalid_body");
    if (verdict.retry) return { kind: "fault", verdict, shown: null };
  } else {
    record.sawContent();
  }
  const body: Whole = { kind: "whole", bytes: read.bytes, usage: seen.usage, aliases: seen.aliases };
  return { kind: "open", ...shown(response), worth: seen.level === "error" ? "client_error" : seen.level, body };
}

async function streamAnswer(
  deps: AnswerDeps,
  reading: Reading,
  response: Response,
  how: Readonly<{ framing: Framing; decoder: Decoder | null }>,
): Promise<Answer> {
  const { inbound, record, owned } = reading;
  const reader = inbound.protocol.events(inbound.bodyBytes);
  const source = open(deps, reading, response, { splitter: deps.splitter(how.framing), decoder: how.decoder });
  const buffered = owned.use(new DisposableStack());
  const look = await lookAhead(source, reader, {
    requestBytes: inbound.bodyBytes,
    started: reading.started,
    kept(bytes) {
      const part = deps.buffer(bytes);
      if (part) buffered.use(part);
      return part !== null;
    },
  });
  if (look.kind === "truncated") {
    const fault = lost(look.empty && look.error === null ? "empty_body" : "truncated");
    return { ...fault, usage: reader.usage() };
  }
  const body = live(source, look.head, { reader, framing: how.framing }, buffered);
  if (look.kind === "error") {
    const verdict = judge(deps, reading, response, look.facts);
    if (verdict.retry) return { kind: "fault", verdict, shown: null };
    return { kind: "open", ...shown(response), worth: "client_error", body };
  }
  record.sawContent();
  return { kind: "open", ...shown(response), worth: look.kind, body };
}

function live(
  source: Source,
  head: readonly Uint8Array[],
  events: Live["events"],
  buffered: Disposable | null = null,
): Live {
  const kept = [...head];
  return {
    kind: "live",
    head: kept,
    headDone() {
      kept.length = 0;
      buffered?.[Symbol.dispose]();
    },
    source,
    events,
  };
}

/** How the answer is cut into events; null: it is one document. */
function framingOf(inbound: Inbound, response: Response): Framing | null {
  if (!inbound.facts.stream) return null;
  const type = response.headers.get("content-type") ?? "";
  const json = type.includes("json");
  if (json && inbound.operation.pathStream && !/[?&]alt=sse(&|$)/.test(inbound.search)) return "json-array";
  // A relay that forgets the content type of its events still sends events.
  return json || type.includes("html") ? null : "sse";
}

function open(
  { clock }: AnswerDeps,
  { owned, io }: Reading,
  response: Response,
  how: Readonly<{ splitter: Splitter; decoder: Decoder | null }> | null,
) {
  const { splitter, decoder } = how ?? { splitter: null, decoder: null };
  return owned.use(frameSource(response.body, { clock, splitter, decoder, signal: io.signal }));
}

/** An error inside a 2xx answer is judged as one inside a 200. */
function judge(deps: AnswerDeps, reading: Reading, response: Response, facts: ErrorFacts): Verdict {
  const { inbound, admission } = reading;
  return classifyFault({
    status: response.ok ? 200 : response.status,
    facts,
    pushbackMs: pushbackMs(response.headers, facts.retryAfterMs, deps.clock.wallMs()),
    ownCredentials: admission.key === null,
    shortCall: inbound.operation.kind !== "generate",
  });
}

function encodingOf(response: Response): string | null {
  const encoding = response.headers.get("content-encoding");
  return encoding === null || encoding === "identity" ? null : encoding;
}

function shown(response: Response) {
  return { status: response.status, headers: response.headers };
}

function lost(reason: string): Answer & { kind: "fault" } {
  return { kind: "fault", verdict: silentFault(reason), shown: null };
}
