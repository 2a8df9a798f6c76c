import { describe, expect, test } from "bun:test";
import { gzipSync } from "node:zlib";
import * as fc from "fast-check";
import { decoderFor } from "../../src/forward/decode.ts";
import { lookAhead } from "../../src/forward/look-ahead.ts";
import { frameSource } from "../../src/forward/source.ts";
import { anthropicEvents } from "../../src/protocol/anthropic/events.ts";
import { geminiEvents } from "../../src/protocol/gemini/events.ts";
import { jsonArraySplitter } from "../../src/protocol/json-array.ts";
import { chatEvents } from "../../src/protocol/openai-chat/events.ts";
import { responsesEvents } from "../../src/protocol/openai-responses/events.ts";
import { sseSplitter } from "../../src/protocol/sse.ts";
import { byteByByte, chunkings } from "../protocol/chunks.ts";
import { anthropicRows, end, ping, start, stop, text, textStart } from "../protocol/corpus/anthropic.ts";
import { geminiArrayRows, geminiRows } from "../protocol/corpus/gemini.ts";
import { chatRows, role } from "../protocol/corpus/openai-chat.ts";
import { added, created, responsesRows } from "../protocol/corpus/openai-responses.ts";
import { named, plain, plainCrlf, type Row } from "../protocol/corpus/row.ts";
import type { Stream } from "../protocol/rows.ts";
import { handClock } from "../world/clock.ts";
import { bodyOf } from "./bodies.ts";

const KIB = 1024;
const bytes = (text: string) => new TextEncoder().encode(text);
const filler = (bytes: number) => "x".repeat(bytes);

/** One protocol in one framing: its corpus, and events without content that may go before any stream of it. */
type Language = Stream &
  Readonly<{
    name: string;
    rows: readonly Row[];
    preludes: readonly string[];
    put(before: string, stream: string): string;
  }>;

const unknown = named({ type: "something.new", filler: filler(20) });
const empty = { candidates: [{ content: { role: "model" }, index: 0 }] };
const put = (before: string, stream: string) => before + stream;
const LANGUAGES: readonly Language[] = [
  {
    name: "anthropic",
    splitter: sseSplitter,
    events: anthropicEvents,
    rows: anthropicRows,
    preludes: [named(start), named(ping), named(textStart), named({ ...textStart, filler: filler(40 * KIB) }), unknown],
    put,
  },
  {
    name: "openai-chat",
    splitter: sseSplitter,
    events: chatEvents,
    rows: chatRows,
    preludes: [": OPENROUTER PROCESSING\n\n", plain(role), plain({ ...role, filler: filler(40 * KIB) })],
    put,
  },
  {
    name: "openai-responses",
    splitter: sseSplitter,
    events: responsesEvents,
    rows: responsesRows,
    preludes: [
      named(created),
      named({ ...created, filler: filler(40 * KIB) }),
      named(added),
      named({ ...added, filler: filler(40 * KIB) }),
      unknown,
    ],
    put,
  },
  {
    name: "gemini",
    splitter: sseSplitter,
    events: geminiEvents,
    rows: geminiRows,
    preludes: [plainCrlf(empty), plainCrlf({ ...empty, filler: filler(40 * KIB) }), "\r\n"],
    put,
  },
  {
    name: "gemini, an array",
    splitter: jsonArraySplitter,
    events: geminiEvents,
    rows: geminiArrayRows,
    preludes: [`${JSON.stringify(empty)},\r\n`, `${JSON.stringify({ ...empty, filler: filler(40 * KIB) })},\r\n`],
    // What is no array at all begins with nothing else.
    put: (before, stream) => (stream.startsWith("[") ? `[${before}${stream.slice(1)}` : stream),
  },
];

/**
 * All that anybody learns of a stream: how it was judged, at which frame, what of it reached the client by the end, and
 * what the reader knew then.
 */
async function outcome({ splitter, events }: Stream, chunks: readonly Uint8Array[], gzip = false) {
  const source = frameSource(bodyOf(...chunks), {
    clock: handClock(),
    splitter: splitter(),
    decoder: gzip ? decoderFor("gzip") : null,
    signal: new AbortController().signal,
  });
  const reader = events(400);
  let judged = 0;
  const classify: typeof reader.classify = (frame) => {
    judged++;
    return reader.classify(frame);
  };
  let started = 0;
  const look = await lookAhead(
    source,
    { ...reader, classify },
    {
      requestBytes: 400,
      started: () => started++,
      kept: () => true,
    },
  );
  const passed = "head" in look ? [...look.head] : [];
  for (let piece = await source.next(); piece.kind === "frames"; piece = await source.next()) {
    for (const frame of piece.frames) reader.watch(frame);
    if (!piece.unended || reader.ended()) passed.push(piece.pass);
  }
  return {
    kind: look.kind,
    facts: look.kind === "error" ? look.facts : null,
    judged,
    started,
    passed: Buffer.concat(passed).toString("latin1"),
    ended: reader.ended(),
    failed: reader.failed(),
    usage: reader.usage(),
    aliases: reader.aliases(),
    sequence: reader.sequence(),
  };
}

/** As an upstream would send it if each event were a packet. */
function eventByEvent({ splitter }: Stream, stream: Uint8Array): readonly Uint8Array[] {
  const cutting = splitter();
  const frames = cutting.push(stream).map((frame) => frame.bytes.slice());
  return [...frames, cutting.rest().slice()].filter((part) => part.byteLength > 0);
}

describe.each([...LANGUAGES])("$name", (language) => {
  test("each stream of the corpus comes to the same, however it was cut", async () => {
    for (const row of language.rows) {
      const stream = bytes(row.stream);
      const whole = await outcome(language, [stream]);
      expect(await outcome(language, byteByByte(stream))).toEqual(whole);
      await fc.assert(
        fc.asyncProperty(chunkings(stream), async (chunks) => {
          expect(await outcome(language, chunks)).toEqual(whole);
        }),
        { numRuns: 20 },
      );
    }
  });

  test("so does each with more before it than is looked at, in events or in bytes", async () => {
    const preludes = fc.array(fc.tuple(fc.constantFrom(...language.preludes), fc.integer({ min: 1, max: 80 })), {
      minLength: 1,
      maxLength: 4,
    });
    const streams = fc.tuple(preludes, fc.constantFrom(...language.rows)).map(([before, row]) => ({
      stream: bytes(language.put(before.map(([event, times]) => event.repeat(times)).join(""), row.stream)),
      before: before.reduce((events, [, times]) => events + times, 0),
    }));
    let cutShort = 0;
    await fc.assert(
      fc.asyncProperty(
        streams.chain((it) => fc.tuple(fc.constant(it), chunkings(it.stream))),
        async ([{ stream, before }, chunks]) => {
          const whole = await outcome(language, [stream]);
          if (whole.judged <= before) cutShort++;
          expect(await outcome(language, eventByEvent(language, stream))).toEqual(whole);
          expect(await outcome(language, chunks)).toEqual(whole);
        },
      ),
      { numRuns: 30 },
    );
    // Else nothing would have been tested.
    expect(cutShort).toBeGreaterThan(0);
  });
});

test("an event that is larger than what may be kept is committed to unread, whatever it says and however it was cut", async () => {
  const [anthropic] = LANGUAGES;
  if (!anthropic) throw new Error("no language");
  const large = (event: Readonly<{ type: string }>) => ({ ...event, filler: filler(1_100 * KIB) });
  const error = { type: "error", error: { type: "overloaded_error", message: "m" } };
  const streams = [text("a"), ping, textStart, error, stop]
    .flatMap((event) => [named(start, large(event), error), named(large(event), ...end)])
    .concat(`: ${filler(1_100 * KIB)}\n\n` + named(start, error), `data: ${filler(1_100 * KIB)}`)
    .map(bytes);
  for (const stream of streams) {
    const whole = await outcome(anthropic, [stream]);
    expect(whole.kind).toBe("content");
    expect(await outcome(anthropic, eventByEvent(anthropic, stream))).toEqual(whole);
    await fc.assert(
      fc.asyncProperty(chunkings(stream), async (chunks) => {
        expect(await outcome(anthropic, chunks)).toEqual(whole);
      }),
      { numRuns: 5 },
    );
  }
});

test("a body that comes encoded is judged alike, however it was cut", async () => {
  const [anthropic] = LANGUAGES;
  if (!anthropic) throw new Error("no language");
  const error = named({ type: "error", error: { type: "overloaded_error", message: "m" } });
  const stream = gzipSync(named(start) + named(textStart).repeat(80) + error);
  const whole = await outcome(anthropic, [stream], true);
  expect([whole.kind, whole.judged]).toEqual(["content", 64]);
  expect(whole.passed).toBe(stream.toString("latin1"));
  await fc.assert(
    fc.asyncProperty(chunkings(stream), async (chunks) => {
      expect(await outcome(anthropic, chunks, true)).toEqual(whole);
    }),
    { numRuns: 20 },
  );
});
