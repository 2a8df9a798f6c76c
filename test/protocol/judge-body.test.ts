import { describe, expect, test } from "bun:test";
import { judgeAnthropic } from "../../src/protocol/anthropic/judge.ts";
import { judgeGemini } from "../../src/protocol/gemini/judge.ts";
import { judgeChat } from "../../src/protocol/openai-chat/judge.ts";
import { judgeResponses } from "../../src/protocol/openai-responses/judge.ts";
import type { BodySeen, Operation, OperationKind, Protocol, ProtocolName } from "../../src/protocol/protocol.ts";

const JUDGES: Readonly<Record<ProtocolName, Protocol["judge"]>> = {
  anthropic: judgeAnthropic,
  "openai-chat": judgeChat,
  "openai-responses": judgeResponses,
  gemini: judgeGemini,
};
const EACH = Object.keys(JUDGES) as ProtocolName[];

function judged(protocol: ProtocolName, body: unknown, kind: OperationKind = "generate"): BodySeen {
  const operation: Operation = { protocol, kind, pathModel: null, pathStream: false };
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return JUDGES[protocol](operation, new TextEncoder().encode(text), "application/json; charset=utf-8");
}

const message = (content: unknown, stop_reason = "end_turn") => ({
  id: "msg_1",
  type: "message",
  role: "assistant",
  content,
  stop_reason,
  usage: { input_tokens: 10, cache_creation_input_tokens: 5, cache_read_input_tokens: 100, output_tokens: 7 },
});
const completion = (message: unknown, finish_reason = "stop") => ({
  id: "chatcmpl-1",
  object: "chat.completion",
  choices: [{ index: 0, message, logprobs: null, finish_reason }],
  usage: { prompt_tokens: 115, completion_tokens: 7, prompt_tokens_details: { cached_tokens: 100 } },
});
const response = (output: unknown, status = "completed", error: unknown = null) => ({
  id: "resp_1",
  object: "response",
  status,
  error,
  output,
  conversation: { id: "conv_1" },
  usage: { input_tokens: 115, output_tokens: 7, input_tokens_details: { cached_tokens: 100 } },
});
const generated = (candidates: unknown) => ({
  candidates,
  usageMetadata: { promptTokenCount: 115, candidatesTokenCount: 7, cachedContentTokenCount: 100 },
  modelVersion: "gemini-2.5-flash",
});
const tool = { type: "tool_use", id: "toolu_1", name: "get_time", input: {} };
const parts = (...parts: readonly unknown[]) => ({ content: { parts, role: "model" }, finishReason: "STOP", index: 0 });

describe("an answer with content", () => {
  const answers: readonly [ProtocolName, string, unknown][] = [
    ["anthropic", "text", message([{ type: "text", text: "Hi" }])],
    ["anthropic", "a tool call without arguments", message([tool], "tool_use")],
    ["openai-chat", "text", completion({ role: "assistant", content: "Hi", refusal: null })],
    ["openai-chat", "reasoning", completion({ role: "assistant", content: "", reasoning_content: "Hm" })],
    [
      "openai-chat",
      "a tool call without arguments",
      completion({ content: null, tool_calls: [{ id: "call_1", function: { name: "f", arguments: "" } }] }),
    ],
    ["openai-responses", "an output", response([{ type: "message", content: [] }])],
    ["gemini", "text", generated([parts({ text: "Hi" })])],
    ["gemini", "a call", generated([parts({ functionCall: { name: "f", args: {} } })])],
    ["gemini", "text in Code Assist's envelope", { response: generated([parts({ text: "Hi" })]) }],
    ["gemini", "text in an array of chunks", [generated([]), generated([parts({ text: "Hi" })])]],
  ];
  for (const [protocol, what, body] of answers) {
    test(`${protocol}: ${what}, with its usage`, () => {
      expect(judged(protocol, body)).toMatchObject({
        level: "content",
        usage: { input: 115, output: 7, cached: 100, estimated: false },
      });
    });
  }

  test("a response's ids become aliases", () => {
    expect(judged("openai-responses", response([{}])).aliases).toEqual(["resp_1", "conv_1"]);
    expect(judged("openai-chat", completion({ content: "Hi" })).aliases).toEqual([]);
  });
});

describe("an answer without content", () => {
  const answers: readonly [ProtocolName, string, unknown, BodySeen["level"]][] = [
    ["anthropic", "end_turn", message([]), "held"],
    ["anthropic", "an empty text", message([{ type: "text", text: "" }]), "held"],
    ["anthropic", "a refusal", message([], "refusal"), "definitive"],
    ["openai-chat", "stop", completion({ role: "assistant", content: "" }), "held"],
    ["openai-chat", "no choice", { choices: [] }, "held"],
    ["openai-chat", "content_filter", completion({ content: null }, "content_filter"), "definitive"],
    ["openai-responses", "completed", response([]), "held"],
    ["openai-responses", "incomplete", response([], "incomplete"), "definitive"],
    ["openai-responses", "queued in the background", response([], "queued"), "definitive"],
    ["gemini", "an empty STOP", generated([{ finishReason: "STOP" }]), "held"],
    ["gemini", "nothing but usage", { usageMetadata: { promptTokenCount: 3 } }, "held"],
    ["gemini", "a blocked prompt", { promptFeedback: { blockReason: "SAFETY" } }, "definitive"],
    ["gemini", "RECITATION", generated([{ finishReason: "RECITATION" }]), "definitive"],
    ["gemini", "a malformed call", generated([{ finishReason: "MALFORMED_FUNCTION_CALL" }]), "error"],
  ];
  for (const [protocol, what, body, level] of answers) {
    test(`${protocol}: ${what} is ${level}`, () => expect(judged(protocol, body).level).toBe(level));
  }
});

describe("an error with a status of 200", () => {
  test("is told by its error object", () => {
    expect(judged("anthropic", { type: "error", error: { type: "overloaded_error", message: "x" } })).toMatchObject({
      level: "error",
      error: { type: "overloaded_error", status: 529 },
    });
    expect(judged("openai-chat", { error: { message: "x", type: "server_error", code: null } }).error?.status).toBe(
      500,
    );
    expect(judged("openai-chat", { error: "model is loading" }).error?.message).toBe("model is loading");
    expect(judged("openai-chat", completion({ content: "" }, "error")).level).toBe("error");
    expect(judged("openai-responses", response([], "failed", { code: "server_error", message: "x" })).level).toBe(
      "error",
    );
    expect(judged("openai-responses", response([], "failed")).error?.status).toBe(500);
    expect(judged("gemini", [{ error: { code: 503, status: "UNAVAILABLE" } }]).error?.status).toBe(503);
  });

  test("is told by being no answer of the protocol", () => {
    for (const protocol of EACH) {
      for (const body of [
        "",
        "  \n",
        "<html><body>Bad gateway</body></html>",
        '"text"',
        "null",
        "[]",
        "{}",
        '{"msg":1}',
      ]) {
        expect(judged(protocol, body)).toMatchObject({ level: "error", error: { type: "invalid_answer" } });
      }
    }
  });
});

describe("a short call", () => {
  test("is answered by any object that is no error", () => {
    expect(judged("anthropic", { input_tokens: 12 }, "count")).toEqual({ level: "content", usage: null, aliases: [] });
    expect(judged("gemini", { totalTokens: 12 }, "count").level).toBe("content");
    expect(
      judged("openai-chat", { object: "list", data: [], usage: { prompt_tokens: 5, total_tokens: 5 } }, "embed").usage,
    ).toEqual({ input: 5, output: 0, cached: 0, estimated: false });
    expect(judged("openai-responses", { object: "response.compaction", output: [] }, "compact").level).toBe("content");
  });

  test("is not answered by an error, a page or nothing", () => {
    for (const body of [{ error: { message: "x", type: "server_error" } }, "<html>", ""]) {
      expect(judged("openai-chat", body, "embed").level).toBe("error");
    }
  });
});

test("a stream to somebody who asked for none is passed on", () => {
  const operation: Operation = { protocol: "openai-chat", kind: "generate", pathModel: null, pathStream: false };
  const body = new TextEncoder().encode('data: {"choices":[]}\n\n');
  expect(judgeChat(operation, body, "text/event-stream; charset=utf-8").level).toBe("content");
});
