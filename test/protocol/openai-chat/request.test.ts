import { expect, test } from "bun:test";
import { readChat } from "../../../src/protocol/openai-chat/request.ts";
import { facts, jsonBytes, operation } from "../request-world.ts";

const read = (body: object, kind: "generate" | "embed" = "generate") =>
  facts(readChat(operation("openai-chat", kind), jsonBytes({ model: "m", ...body })));

test("a chat is free to go anywhere unless it names a file", () => {
  const part = { type: "file", file: { file_id: "file-1" } };
  expect(read({ messages: [{ role: "user", content: [part] }] }).binding).toBe("account");
  const inline = { type: "file", file: { file_data: "data:," } };
  expect(read({ messages: [{ role: "user", content: [inline] }] }).binding).toBe("free");
});

test("the seed is made of the system prompt, in either role, and the first user message", () => {
  const user = { role: "user", content: "hi" };
  const system = read({ messages: [{ role: "system", content: "s" }, user] }).contentSeed;
  expect(read({ messages: [{ role: "developer", content: "s" }, user, user] }).contentSeed).toBe(system);
  expect(read({ messages: [user] }).contentSeed).not.toBe(system);
});

test("embeddings never stream, and are told apart by what they embed", () => {
  const one = read({ input: "a", stream: true }, "embed");
  expect(one.stream).toBe(false);
  expect(read({ input: ["b"] }, "embed").contentSeed).not.toBe(one.contentSeed);
});
