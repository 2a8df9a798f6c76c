import { gzipSync } from "node:zlib";
import type { Dialect, Piece, Reply, Wish } from "./dialect.ts";
import {
  close,
  cut,
  eventStreamHead,
  head,
  JSON_TYPE,
  pause,
  type Script,
  send,
  stall,
  type Step,
  wholeScript,
} from "./script.ts";
import type { Behave, SimulatedRequest } from "./simulator.ts";
import { DIALECTS, readWish } from "./wish.ts";

/** Named behaviours, good and bad, in whatever protocol they are asked. Each is a `Behave`; some dress up another. */

export const PLAIN_REPLY: Reply = {
  pieces: ["The hedge ", "grows ", "along ", "the row."],
  thinking: "",
  tool: null,
  tokens: { input: 12, output: 8, cached: 4 },
};

export type Pace = Readonly<{
  reply?: Partial<Reply>;
  /** From the request to the head; nothing is sent before. */
  headMs?: number;
  /** From the head to the first event. */
  firstMs?: number;
  /** Between content events. */
  gapMs?: number;
  headers?: Readonly<Record<string, string>>;
}>;

/** Answers, whole or streamed as asked. */
export const answer = (pace: Pace = {}): Behave =>
  forWish((wish, dialect) => {
    const reply = { ...PLAIN_REPLY, ...pace.reply };
    const before = [...pauses(pace.headMs), ...(wish.stream ? [] : pauses(pace.firstMs))];
    if (!wish.stream) {
      const body = wish.kind === "generate" ? dialect.whole(wish, reply) : dialect.short(wish, reply);
      return [...before, ...wholeScript(200, JSON.stringify(body), { headers: pace.headers ?? {} })];
    }
    return [
      ...before,
      streamHead(wish, pace.headers),
      ...pauses(pace.firstMs),
      ...paced(dialect.stream(wish, reply), pace),
    ];
  });

/** An HTTP error in the protocol's envelope. */
export const status = (
  code: number,
  options: Readonly<{ message?: string; headers?: Readonly<Record<string, string>>; body?: string }> = {},
): Behave =>
  forWish((_wish, dialect) => {
    const body = options.body ?? JSON.stringify(dialect.error(code, options.message ?? `simulated ${code}`));
    return wholeScript(code, body, { headers: options.headers ?? {} });
  });

/** Takes the request and says nothing. */
export const noHeaders: Behave = () => [stall];

/** 200 at once, then silence. */
export const headersThenSilence: Behave = forWish((wish) => [streamHead(wish), stall]);

/** 200, a prelude, then an error event (streaming) or an error object (not streaming). */
export const errorInside = (code = 529): Behave =>
  forWish((wish, dialect) => {
    const message = `simulated ${code} inside a 200`;
    if (!wish.stream) return wholeScript(200, JSON.stringify(dialect.error(code, message)));
    const prelude = dialect.stream(wish, PLAIN_REPLY).slice(0, 1);
    const sent = prelude.filter((event) => event.part === "prelude").map((event) => send(event.text));
    return [streamHead(wish), ...sent, send(inFraming(wish, dialect, code, message))];
  });

/** A login page where an answer should be. */
export const htmlPage: Behave = () =>
  wholeScript(200, "<!doctype html><title>Sign in</title><p>Please sign in.", { contentType: "text/html" });

export const emptyBody: Behave = forWish((wish) => wholeScript(200, "", { contentType: contentType(wish) }));

/** Two pieces of content, then nothing more. */
export const stallMidStream: Behave = midStream([stall]);
/** Two pieces of content, then a reset. The pause lets what was sent arrive: a reset may overtake it. */
export const cutMidStream: Behave = midStream([pause(30), cut]);
/** Two pieces of content, then a FIN without the last chunk. */
export const truncatedMidStream: Behave = midStream([pause(30), close]);
/** Two pieces of content, then a clean end of the body without the terminal event. */
export const noTerminal: Behave = midStream([]);

/** Alive for ever, and nothing to say. */
export const pingsOnly = (everyMs: number): Behave =>
  forWish((wish, dialect) => endlessly([streamHead(wish)], [send(dialect.ping), pause(everyMs)]));

/** A reset before any byte of an answer. */
export const resetAtOnce: Behave = () => [cut];

export const redirect =
  (location: string): Behave =>
  () =>
    wholeScript(307, "", { headers: { location } });

/** A call of a tool that takes no arguments: no non-empty piece is ever sent for it (Anthropic, chat). */
export const toolWithoutArguments: Behave = answer({ reply: { pieces: [], tool: { name: "list_files", args: "" } } });

/** So many bytes of text, in pieces of 16 KiB. */
export const huge = (bytes: number): Behave =>
  answer({
    reply: { pieces: Array.from({ length: Math.ceil(bytes / HUGE_PIECE_BYTES) }, () => "x".repeat(HUGE_PIECE_BYTES)) },
  });

const HUGE_PIECE_BYTES = 16 * 1024;

/** The first requests one way each, all later ones like the last. */
export function inTurn(...behaviours: readonly [Behave, ...Behave[]]): Behave {
  let turn = 0;
  return (request) => {
    const behave = behaviours[Math.min(turn++, behaviours.length - 1)] ?? behaviours[0];
    return behave(request);
  };
}

/** Another behaviour's body in pieces of `bytes`, each a write of its own: code points, CRLFs and chunk sizes split anywhere. */
export const splitEvery =
  (bytes: number, inner: Behave): Behave =>
  async (request) =>
    [...(await inner(request))].flatMap((step) => (step.do === "send" ? split(step.bytes, bytes) : [step]));

/** Another behaviour's answer with `content-encoding: gzip`, though nobody asked for it. */
export const gzipped =
  (inner: Behave): Behave =>
  async (request) => {
    const steps = [...(await inner(request))];
    const first = steps.find((step) => step.do === "head");
    const body = gzipSync(Buffer.concat(steps.map((step) => (step.do === "send" ? step.bytes : new Uint8Array(0)))));
    const headers = (first?.headers ?? []).filter(([name]) => name !== "content-length");
    return [
      { do: "head", status: first?.status ?? 200, headers: [...headers, ["content-encoding", "gzip"]] },
      ...split(body, Math.ceil(body.length / 3)),
    ];
  };

/** A script made for what was asked; 404 in no vendor's words for what none serves. */
export function forWish(make: (wish: Wish, dialect: Dialect, request: SimulatedRequest) => Script): Behave {
  return (request) => {
    const wish = readWish(request);
    return wish ? make(wish, DIALECTS[wish.protocol], request) : wholeScript(404, `{"error":"no such path"}`);
  };
}

/** The head of a stream in the framing that was asked. */
export function streamHead(wish: Wish, headers: Readonly<Record<string, string>> = {}): Step {
  if (wish.framing === "json-array") return head(200, JSON_TYPE, headers);
  return { ...eventStreamHead, headers: [...eventStreamHead.headers, ...Object.entries(headers)] };
}

function contentType(wish: Wish): string {
  return wish.stream && wish.framing === "sse" ? "text/event-stream" : JSON_TYPE;
}

function midStream(then: readonly Step[]): Behave {
  return forWish((wish, dialect) => {
    if (!wish.stream) {
      const half = JSON.stringify(dialect.whole(wish, PLAIN_REPLY)).slice(0, 40);
      return [head(200, JSON_TYPE, { "content-length": "4096" }), send(half), ...(then.length > 0 ? then : [close])];
    }
    const events = dialect.stream(wish, PLAIN_REPLY);
    const second = events.findIndex((event, at) => event.part === "content" && events[at - 1]?.part === "content");
    return [streamHead(wish), ...paced(events.slice(0, second + 1), {}), ...then];
  });
}

function paced(events: readonly Piece[], pace: Pace): readonly Step[] {
  return events.flatMap((event) =>
    event.part === "content" ? [send(event.text), ...pauses(pace.gapMs)] : [send(event.text)],
  );
}

function inFraming(wish: Wish, dialect: Dialect, code: number, message: string): string {
  return wish.framing === "sse" ? dialect.errorPiece(code, message) : JSON.stringify([dialect.error(code, message)]);
}

const pauses = (ms: number | undefined): readonly Step[] => (ms ? [pause(ms)] : []);

function* endlessly(once: readonly Step[], steps: readonly Step[]): Iterable<Step> {
  yield* once;
  for (;;) yield* steps;
}

/** The pause between makes each piece arrive by itself. */
function split(bytes: Uint8Array, size: number): readonly Step[] {
  const steps: Step[] = [];
  for (let at = 0; at < bytes.length; at += size) steps.push(send(bytes.subarray(at, at + size)), pause(0));
  return steps;
}
