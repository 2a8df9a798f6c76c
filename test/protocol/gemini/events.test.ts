import { describe, expect, test } from "bun:test";
import { geminiEvents } from "../../../src/protocol/gemini/events.ts";
import { jsonArraySplitter } from "../../../src/protocol/json-array.ts";
import { sseSplitter } from "../../../src/protocol/sse.ts";
import { finish, geminiArrayRows, geminiRows, hello, stop } from "../corpus/gemini.ts";
import { plainCrlf } from "../corpus/row.ts";
import { heard, testRows } from "../rows.ts";

const sse = { splitter: sseSplitter, events: geminiEvents };
const array = { splitter: jsonArraySplitter, events: geminiEvents };
const hear = (text: string, stream = sse) => heard(stream, [new TextEncoder().encode(text)]);

describe("what each event stream means", () => testRows(geminiRows, sse));
describe("what each array means", () => testRows(geminiArrayRows, array));

test("usage is the last that was said: thoughts are output, cached input is input", () => {
  expect(hear(plainCrlf(hello, stop)).usage).toEqual({ input: 8, output: 63, cached: 4, estimated: false });
});

test("output that was not said yet is guessed, with what was said of the input", () => {
  expect(hear(plainCrlf(hello, hello, hello, hello)).usage).toEqual({
    input: 8,
    output: 5,
    cached: 4,
    estimated: true,
  });
});

test("an array whose bracket is missing has not ended, whatever its last element says", () => {
  const elements = `[${JSON.stringify(hello)},\n${JSON.stringify(stop)}`;
  expect(hear(elements, array).ended).toBe(false);
  expect(hear(`${elements}]`, array).ended).toBe(true);
});

test("an error object or a page instead of an array is an error", () => {
  const error = { error: { code: 503, message: "overloaded", status: "UNAVAILABLE" } };
  expect(hear(JSON.stringify(error), array).error).toMatchObject({ type: "UNAVAILABLE", status: 503 });
  expect(hear("<html></html>", array).error).toMatchObject({ type: "invalid_stream" });
});

test("an error after content is the stream's failure: in an event, bare, or as an element", () => {
  const error = { error: { code: 503, message: "overloaded", status: "UNAVAILABLE" } };
  const failed = { type: "UNAVAILABLE", status: 503 };
  expect(hear(plainCrlf(hello, error)).failed).toMatchObject(failed);
  expect(hear(plainCrlf(hello) + JSON.stringify(error, null, 1)).failed).toMatchObject(failed);
  expect(hear(`[${JSON.stringify(hello)},${JSON.stringify(error)}]`, array).failed).toMatchObject(failed);
});

test("a stream of two candidates ends when both have finished", () => {
  const second = (candidate: Readonly<Record<string, unknown>>) => ({ candidates: [{ ...candidate, index: 1 }] });
  const parts = { content: { parts: [{ text: "Hi" }] } };
  expect(hear(plainCrlf(hello, second(parts), stop)).ended).toBe(false);
  expect(hear(plainCrlf(hello, second(parts), stop, second({ finishReason: "STOP" }))).ended).toBe(true);
  expect(hear(plainCrlf({ candidates: [...stop.candidates, ...finish("SAFETY").candidates] })).levels).toEqual([
    "definitive",
  ]);
});
