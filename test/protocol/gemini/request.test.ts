import { describe, expect, test } from "bun:test";
import { geminiWithModel, readGemini } from "../../../src/protocol/gemini/request.ts";
import type { Operation } from "../../../src/protocol/protocol.ts";
import { facts, jsonBytes, operation, refusal } from "../request-world.ts";

const OPERATION: Operation = { ...operation("gemini"), pathModel: "gemini-2.5-pro", pathStream: true };
const read = (body: object, kind: Operation["kind"] = "generate") =>
  facts(readGemini({ ...OPERATION, kind }, jsonBytes(body)));

test("model and stream come from the path, whatever the body says", () => {
  expect(read({ model: "models/other", stream: "x" })).toMatchObject({ model: "gemini-2.5-pro", stream: true });
  expect(refusal(readGemini({ ...OPERATION, pathModel: "m".repeat(300) }, jsonBytes({})))).toContain("model");
  expect(refusal(readGemini(OPERATION, new TextEncoder().encode("[1]")))).toContain("JSON object");
});

describe("what binds it to an account", () => {
  const part = (given: object) => ({ contents: [{ role: "user", parts: [{ text: "see" }, given] }] });

  test.each([
    ["cached content", { cachedContent: "cachedContents/1" }],
    ["cached content, the other spelling", { cached_content: "cachedContents/1" }],
    ["a file by name", part({ fileData: { fileUri: "files/abc" } })],
    ["a file by address", part({ file_data: { file_uri: "https://relay.test/v1beta/files/abc" } })],
  ])("%s", (_, body) => {
    expect(read(body).binding).toBe("account");
  });

  test.each([
    ["a video", part({ fileData: { fileUri: "https://www.youtube.com/watch?v=1" } })],
    ["a public file", part({ fileData: { fileUri: "https://site.test/files/a.pdf" } })],
    ["inline data", part({ inlineData: { data: "AA" } })],
    ["no cache", { cachedContent: "" }],
  ])("not %s", (_, body) => {
    expect(read(body).binding).toBe("free");
  });
});

describe("the seed", () => {
  const contents = [{ role: "user", parts: [{ text: "hi" }] }];

  test("is the same in both spellings, for a lone content, and for counting its tokens", () => {
    const seed = read({ systemInstruction: { parts: [{ text: "s" }] }, contents }).contentSeed;
    expect(read({ system_instruction: { parts: [{ text: "s" }] }, contents: contents[0] }).contentSeed).toBe(seed);
    const wrapped = { generateContentRequest: { systemInstruction: { parts: [{ text: "s" }] }, contents } };
    expect(read(wrapped, "count").contentSeed).toBe(seed);
    expect(read({ contents }).contentSeed).not.toBe(seed);
  });

  test("of embeddings is what they embed", () => {
    const one = read({ content: { parts: [{ text: "a" }] } }, "embed").contentSeed;
    const batch = read({ requests: [{ content: { parts: [{ text: "b" }] } }] }, "embed").contentSeed;
    expect(batch).not.toBe(one);
  });
});

describe("mapping the model in a body that repeats it", () => {
  const mapped = (body: object, model: string) =>
    JSON.parse(new TextDecoder().decode(geminiWithModel(jsonBytes(body), model)));

  test("in every place that Google compares with the path, in the form it had", () => {
    const body = {
      model: "plain",
      requests: [{ model: "models/a", content: { model: "mine" } }, { model: "models/b" }],
      generateContentRequest: { model: "models/a", contents: [] },
    };
    expect(mapped(body, "up")).toEqual({
      model: "up",
      requests: [{ model: "models/up", content: { model: "mine" } }, { model: "models/up" }],
      generateContentRequest: { model: "models/up", contents: [] },
    });
  });

  test("a full resource name is not prefixed again", () => {
    expect(mapped({ model: "models/a" }, "tunedModels/t")).toEqual({ model: "tunedModels/t" });
  });

  test("a body that names no model stays the same array", () => {
    const body = jsonBytes({ contents: [{ parts: [{ text: `"model":"x"` }] }] });
    expect(geminiWithModel(body, "up")).toBe(body);
  });
});
