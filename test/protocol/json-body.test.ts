import { describe, expect, test } from "bun:test";
import { readAnthropic } from "../../src/protocol/anthropic/request.ts";
import { readGemini } from "../../src/protocol/gemini/request.ts";
import { readChat } from "../../src/protocol/openai-chat/request.ts";
import { readResponses } from "../../src/protocol/openai-responses/request.ts";
import { facts, jsonBytes, operation, refusal } from "./request-world.ts";

const readers = [
  ["anthropic", readAnthropic],
  ["openai-chat", readChat],
  ["openai-responses", readResponses],
] as const;

describe.each(readers)("%s: a body that cannot be served", (protocol, read) => {
  const reading = (body: Uint8Array) => read(operation(protocol), body);

  test.each([
    ["", "not valid JSON"],
    [`{"model":"m"`, "not valid JSON"],
    [`\ufeff{"model":"m"}`, "not valid JSON"],
    ["[]", "must be a JSON object"],
    ["null", "must be a JSON object"],
    [`"model"`, "must be a JSON object"],
    ["{}", "model: missing"],
    [`{"model":7}`, "model: must be a string"],
    [`{"model":null}`, "model: must be a string"],
    [`{"model":""}`, "model: must not be empty"],
    [`{"model":"${"m".repeat(257)}"}`, "model: longer than 256 characters"],
    [`{"model":"m","stream":"yes"}`, "stream: must be true or false"],
    [`{"model":"m","stream":1}`, "stream: must be true or false"],
  ])("%j: %s", (body, message) => {
    expect(refusal(reading(new TextEncoder().encode(body)))).toContain(message);
  });

  test("bytes that are not UTF-8", () => {
    expect(refusal(reading(Buffer.from(`{"model":"\xff"}`, "latin1")))).toContain("UTF-8");
  });

  test("nesting deeper than any stack is the client's mistake, not a crash", () => {
    const deep = "[".repeat(300_000) + "]".repeat(300_000);
    const first = `[{"role":"user","content":${deep}}]`;
    const body = `{"model":"m","messages":${first},"input":${first}}`;
    expect(refusal(reading(new TextEncoder().encode(body)))).toContain("too deep");
  });

  test("unknown fields, odd shapes and a missing stream are no concern of ours", () => {
    const body = { model: "m", stream: null, messages: "odd", input: 5, tools: [null, 1], metadata: 3, extra: {} };
    expect(facts(reading(jsonBytes(body)))).toMatchObject({ model: "m", stream: false, sessions: [] });
  });

  test("ids for the session are read in order, and empty or odd ones are passed over", () => {
    const given = { model: "m", prompt_cache_key: "pck", metadata: { session_id: "sid" } };
    expect(facts(reading(jsonBytes(given))).sessions).toEqual([
      { source: "prompt_cache_key", id: "pck" },
      { source: "metadata.session_id", id: "sid" },
    ]);
    const odd = { model: "m", prompt_cache_key: "", metadata: { session_id: 7 } };
    expect(facts(reading(jsonBytes(odd))).sessions).toEqual([]);
  });
});

test("every protocol reads a body of 20 MiB", () => {
  const image = "A".repeat(20 * 1024 * 1024);
  const messages = [{ role: "user", content: [{ type: "image", source: { type: "base64", data: image } }] }];
  const read = facts(readAnthropic(operation("anthropic"), jsonBytes({ model: "m", messages, stream: true })));
  expect(read).toMatchObject({ model: "m", stream: true, binding: "free" });
  expect(read.contentSeed.length).toBeLessThan(100);
  const contents = [{ parts: [{ inlineData: { data: image } }] }];
  const gemini = readGemini({ ...operation("gemini"), pathModel: "g" }, jsonBytes({ contents }));
  expect(facts(gemini).model).toBe("g");
});
