import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { anthropicEvents } from "../../src/protocol/anthropic/events.ts";
import { geminiEvents } from "../../src/protocol/gemini/events.ts";
import { jsonArraySplitter } from "../../src/protocol/json-array.ts";
import { chatEvents } from "../../src/protocol/openai-chat/events.ts";
import { responsesEvents } from "../../src/protocol/openai-responses/events.ts";
import { sseSplitter } from "../../src/protocol/sse.ts";
import { cut } from "./chunks.ts";
import { anthropicRows } from "./corpus/anthropic.ts";
import { geminiRows } from "./corpus/gemini.ts";
import { chatRows } from "./corpus/openai-chat.ts";
import { responsesRows } from "./corpus/openai-responses.ts";
import { plain } from "./corpus/row.ts";

const READERS = [anthropicEvents, chatEvents, responsesEvents, geminiEvents];
const ROWS = [...anthropicRows, ...chatRows, ...responsesRows, ...geminiRows];
const bytes = (text: string) => new TextEncoder().encode(text);

/** The stream with some of its bytes changed. */
const damaged = fc
  .tuple(fc.constantFrom(...ROWS), fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }))
  .map(([row, changes]) => {
    const stream = bytes(row.stream);
    for (const [at, byte] of changes) stream[at % stream.byteLength] = byte;
    return stream;
  });
const anyJson = fc.array(fc.json(), { maxLength: 4 }).map((values) => bytes(plain(...values)));

test("no stream makes a reader throw, be it of another protocol, damaged or senseless", () => {
  fc.assert(
    fc.property(
      fc.oneof(damaged, anyJson),
      fc.constantFrom(...READERS),
      fc.constantFrom(sseSplitter, jsonArraySplitter),
      (stream, events, splitter) => {
        const judging = events(100);
        const watching = events(100);
        for (const frame of cut(splitter(), [stream]).frames) {
          const { level, error } = judging.classify(frame);
          expect(error !== undefined).toBe(level === "error");
          watching.watch(frame);
        }
        for (const reader of [judging, watching]) {
          expect(Number.isSafeInteger(reader.sequence())).toBe(true);
          expect(Number.isSafeInteger(reader.usage()?.output ?? 0)).toBe(true);
        }
      },
    ),
    { numRuns: 1_000 },
  );
});

test("nor does one that is nested deeper than any stack", () => {
  const deep = '{"delta":'.repeat(200_000) + "1" + "}".repeat(200_000);
  const { frames } = cut(sseSplitter(), [bytes(plain(`{"type":"response.output_text.delta","delta":${deep}}`))]);
  for (const events of READERS) {
    for (const frame of frames) expect(["content", "neutral", "accepted"]).toContain(events(0).classify(frame).level);
  }
});
