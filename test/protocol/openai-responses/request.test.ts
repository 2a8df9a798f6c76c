import { describe, expect, test } from "bun:test";
import { readResponses } from "../../../src/protocol/openai-responses/request.ts";
import { facts, jsonBytes, operation, refusal } from "../request-world.ts";

const reading = (body: object, kind: "generate" | "compact" = "generate") =>
  readResponses(operation("openai-responses", kind), jsonBytes({ model: "m", ...body }));
const read = (...given: Parameters<typeof reading>) => facts(reading(...given));

describe("how far it is bound", () => {
  test.each([
    ["a previous response", { previous_response_id: "resp_1" }],
    ["a conversation", { conversation: "conv_1" }],
    ["a conversation object", { conversation: { id: "conv_1" } }],
    ["background", { background: true }],
    ["a stored prompt", { prompt: { id: "pmpt_1" } }],
    ["a file", { input: [{ role: "user", content: [{ type: "input_file", file_id: "file-1" }] }] }],
    ["a file in a tool's output", { input: [{ type: "function_call_output", output: [{ file_id: "file-1" }] }] }],
    ["a screenshot by file", { input: [{ type: "computer_call_output", output: { file_id: "file-1" } }] }],
    ["a stored item", { input: [{ type: "item_reference", id: "msg_1" }] }],
    ["a vector store", { tools: [{ type: "file_search", vector_store_ids: ["vs_1"] }] }],
    ["a container", { tools: [{ type: "code_interpreter", container: "cntr_1" }] }],
    ["files of a container", { tools: [{ type: "code_interpreter", container: { type: "auto", file_ids: ["f"] } }] }],
    ["a mask by file", { tools: [{ type: "image_generation", input_image_mask: { file_id: "f" } }] }],
  ])("to one account by %s, store or not", (_, body) => {
    expect(read({ ...body, store: false }).binding).toBe("account");
    expect(read(body).binding).toBe("account");
  });

  test("stored answers may fail over but not be stored twice; store: false is free", () => {
    expect(read({ input: "hi" })).toMatchObject({ binding: "failover_only", aliasable: true });
    expect(read({ input: "hi", store: null })).toMatchObject({ binding: "failover_only", aliasable: true });
    expect(read({ input: "hi", store: true })).toMatchObject({ binding: "failover_only", aliasable: true });
    expect(read({ input: "hi", store: false })).toMatchObject({ binding: "free", aliasable: false });
  });

  test("compacting stores nothing", () => {
    expect(read({ input: "hi" }, "compact")).toMatchObject({ binding: "free", aliasable: false, stream: false });
  });

  test("an ephemeral container and plain tools bind nothing", () => {
    const tools = [
      { type: "code_interpreter", container: { type: "auto" } },
      { type: "function", name: "f" },
    ];
    expect(read({ tools, store: false }).binding).toBe("free");
  });
});

test("aliases are told in order: the conversation, then the previous response", () => {
  expect(read({ previous_response_id: "resp_1", conversation: { id: "conv_1" } }).aliases).toEqual([
    { source: "conversation", id: "conv_1" },
    { source: "previous_response_id", id: "resp_1" },
  ]);
  expect(read({ previous_response_id: "", conversation: null }).aliases).toEqual([]);
});

test.each([
  [{ store: "no" }, "store: must be true or false"],
  [{ background: 1 }, "background: must be true or false"],
])("%j is refused: %s", (body, message) => {
  expect(refusal(reading(body))).toBe(message);
});

test("the seed is the same for a plain input and the same as an item", () => {
  const plain = read({ instructions: "s", input: "hi" }).contentSeed;
  const item = { role: "user", content: [{ type: "input_text", text: "hi" }] };
  expect(read({ instructions: "s", input: [item, { role: "assistant", content: "yo" }] }).contentSeed).toBe(plain);
  expect(read({ input: [{ role: "developer", content: "s" }, item] }).contentSeed).toBe(plain);
});
