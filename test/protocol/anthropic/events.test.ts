import { describe, expect, test } from "bun:test";
import { anthropicEvents } from "../../../src/protocol/anthropic/events.ts";
import { sseSplitter } from "../../../src/protocol/sse.ts";
import { byteByByte } from "../chunks.ts";
import { anthropicRows, end, ping, start, text, textStart } from "../corpus/anthropic.ts";
import { named } from "../corpus/row.ts";
import { heard, testRows } from "../rows.ts";

const stream = { splitter: sseSplitter, events: anthropicEvents };
const hear = (text: string) => heard(stream, [new TextEncoder().encode(text)]);

describe("what each stream means", () => testRows(anthropicRows, stream));

describe("usage", () => {
  test("input and cached tokens are those of the start, output those of the end", () => {
    expect(hear(named(start, textStart, text("Hello"), ...end)).usage).toEqual({
      input: 12 + 100 + 2048,
      output: 15,
      cached: 2048,
      estimated: false,
    });
  });

  test("a stream that was left in the middle has its output guessed from the deltas, read or not", () => {
    const words = named(start, textStart, ...Array.from({ length: 20 }, () => text("twelve chars")));
    expect(hear(words).usage).toEqual({ input: 2160, output: (20 * 12) / 4, cached: 2048, estimated: true });
  });

  test("without a word about tokens the request's size is the guess for the input", () => {
    expect(hear(named(textStart, text("Hello")))).toMatchObject({
      usage: { input: 100, output: 2, cached: 0, estimated: true },
    });
    expect(hear(named(ping)).usage).toBeNull();
  });
});

describe("after content", () => {
  test("an error event is kept as the stream's failure", () => {
    const failed = { type: "error", error: { type: "overloaded_error", message: "Overloaded" } };
    const { failed: facts, ended } = hear(named(start, textStart, text("Hi"), failed));
    expect(facts).toMatchObject({ type: "overloaded_error", status: 529 });
    expect(ended).toBe(false);
  });

  test("text that talks of errors and ends is text", () => {
    const talk = text('{"type":"message_stop"} {"error":{"type":"x"}} event: message_stop');
    const { ended, failed } = hear(named(start, textStart, text("Hi"), talk));
    expect({ ended, failed }).toEqual({ ended: false, failed: null });
    const unnamed = hear(named(start, textStart, text("Hi"), talk).replaceAll(/^event: .*\n/gm, ""));
    expect({ ended: unnamed.ended, failed: unnamed.failed }).toEqual({ ended: false, failed: null });
  });
});

describe("what is no event of the protocol", () => {
  test("a page, a text and a JSON value that is no object are errors before content", () => {
    for (const data of ["<html>", "data: upstream timed out\n\n", 'data: "hello"\n\n', "data: 42\n\n", '{"ok":true}']) {
      const { levels, error } = hear(data);
      expect(levels).toEqual(["error"]);
      expect(error).toMatchObject({ type: "invalid_stream", status: null });
    }
  });

  test("an error object instead of a stream is that error", () => {
    expect(hear('{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}').error).toMatchObject({
      type: "overloaded_error",
      status: 529,
    });
  });

  test("an event too large to be held back commits", () => {
    const cutEvent = byteByByte(new TextEncoder().encode(named(start, ping)));
    expect(heard({ splitter: () => sseSplitter(60), events: anthropicEvents }, cutEvent).levels).toEqual(["content"]);
  });
});
