import { describe, expect, test } from "bun:test";
import { chatEvents } from "../../../src/protocol/openai-chat/events.ts";
import { sseSplitter } from "../../../src/protocol/sse.ts";
import { chatRows, hello, role, usage } from "../corpus/openai-chat.ts";
import { plain } from "../corpus/row.ts";
import { heard, testRows } from "../rows.ts";

const stream = { splitter: sseSplitter, events: chatEvents };
const hear = (text: string) => heard(stream, [new TextEncoder().encode(text)]);

describe("what each stream means", () => testRows(chatRows, stream));

test("usage is that of the last chunk", () => {
  expect(hear(plain(role, hello, usage, "[DONE]")).usage).toEqual({
    input: 2006,
    output: 300,
    cached: 1920,
    estimated: false,
  });
});

test("a server that sends no usage has its tokens guessed", () => {
  expect(hear(plain(role, hello, hello, hello)).usage).toEqual({ input: 100, output: 4, cached: 0, estimated: true });
});

test("an error after content is the stream's failure", () => {
  const error = { error: { message: "boom", type: "server_error", code: null } };
  expect(hear(plain(role, hello, error))).toMatchObject({ failed: { type: "server_error" }, ended: false });
  expect(hear(`${plain(role, hello)}event: error\n${plain({ message: "boom", code: 503 })}`).failed).toMatchObject({
    status: 503,
    message: "boom",
  });
});

test("text that looks like a finish, an error or an end is text", () => {
  const text = { ...hello, choices: [{ index: 0, delta: { content: '"finish_reason":"stop" "error":1 [DONE]' } }] };
  expect(hear(plain(role, hello, text))).toMatchObject({ ended: false, failed: null });
});
