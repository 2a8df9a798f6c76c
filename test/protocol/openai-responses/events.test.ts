import { describe, expect, test } from "bun:test";
import { responsesEvents } from "../../../src/protocol/openai-responses/events.ts";
import { sseSplitter } from "../../../src/protocol/sse.ts";
import { cut } from "../chunks.ts";
import { added, completed, created, inProgress, numbered, responsesRows, text } from "../corpus/openai-responses.ts";
import { named, plain } from "../corpus/row.ts";
import { heard, testRows } from "../rows.ts";

const stream = { splitter: sseSplitter, events: responsesEvents };
const bytes = (text: string) => new TextEncoder().encode(text);
const hear = (text: string) => heard(stream, [bytes(text)]);

describe("what each stream means", () => testRows(responsesRows, stream));

test("usage, ids and the last sequence number are those of the response", () => {
  const whole = numbered(created, inProgress, text("Hello"), {
    ...completed,
    response: { ...completed.response, conversation: { id: "conv_1" } },
  });
  expect(hear(whole)).toMatchObject({
    usage: { input: 3000, output: 87, cached: 2816, estimated: false },
    aliases: [created.response.id, "conv_1"],
    sequence: 3,
  });
});

test("the sequence number is that of the last event that has one, and -1 where none has", () => {
  expect(hear(`${numbered(created, inProgress, text("a"), text("b"))}${plain({ type: "keepalive" })}`).sequence).toBe(
    3,
  );
  expect(hear(plain(created, text("a"), text("b"))).sequence).toBe(-1);
});

test("a stream that was left in the middle has its tokens guessed from its deltas", () => {
  const words = Array.from({ length: 20 }, () => text("twelve chars"));
  expect(hear(named(created, added, ...words)).usage).toEqual({ input: 100, output: 60, cached: 0, estimated: true });
});

test("events that echo the request are marked, others are not", () => {
  const reader = responsesEvents(0);
  const { frames } = cut(sseSplitter(), [bytes(numbered(created, inProgress, added))]);
  expect(frames.map((frame) => reader.classify(frame).echo === true)).toEqual([true, true, false]);
});

test("a failure after content is the stream's, by name or without", () => {
  const failed = {
    type: "response.failed",
    response: { ...created.response, status: "failed", error: { code: "server_error", message: "boom" } },
  };
  for (const sent of [numbered(created, text("a"), failed), plain(created, text("a"), failed)]) {
    expect(hear(sent).failed).toMatchObject({ type: "server_error", status: 500, message: "boom" });
  }
  const error = { type: "error", code: "server_error", message: "boom", param: null };
  for (const sent of [numbered(created, text("a"), error), plain(created, text("a"), error)]) {
    expect(hear(sent)).toMatchObject({ failed: { type: "server_error" }, ended: false });
  }
});

test("text that talks of ends and failures is text", () => {
  const talk = text('"type":"response.completed" {"type":"error"} "sequence_number":99');
  expect(hear(numbered(created, text("a"), talk))).toMatchObject({ ended: false, failed: null, sequence: 2 });
  expect(hear(plain(created, text("a"), talk))).toMatchObject({ ended: false, failed: null, sequence: -1 });
});
