import { describe, expect, test } from "bun:test";
import { ERROR_STATUS, type ErrorCode } from "../../src/core/errors.ts";
import { anthropicEnvelope } from "../../src/protocol/anthropic/envelope.ts";
import { geminiEnvelope } from "../../src/protocol/gemini/envelope.ts";
import { openaiEnvelope } from "../../src/protocol/openai-chat/envelope.ts";

const TABLE: Readonly<Record<ErrorCode, readonly [anthropic: string, openai: string, gemini: string]>> = {
  invalid_request: ["invalid_request_error", "invalid_request_error", "INVALID_ARGUMENT"],
  unauthorized: ["authentication_error", "authentication_error", "UNAUTHENTICATED"],
  not_found: ["not_found_error", "invalid_request_error", "NOT_FOUND"],
  no_provider: ["not_found_error", "invalid_request_error", "NOT_FOUND"],
  body_too_large: ["request_too_large", "invalid_request_error", "INVALID_ARGUMENT"],
  unsupported_encoding: ["invalid_request_error", "invalid_request_error", "INVALID_ARGUMENT"],
  client_limit: ["rate_limit_error", "rate_limit_error", "RESOURCE_EXHAUSTED"],
  providers_full: ["rate_limit_error", "rate_limit_error", "RESOURCE_EXHAUSTED"],
  attempts_failed: ["api_error", "server_error", "UNAVAILABLE"],
  providers_down: ["overloaded_error", "server_error", "UNAVAILABLE"],
  store_down: ["overloaded_error", "server_error", "UNAVAILABLE"],
  overloaded: ["overloaded_error", "server_error", "UNAVAILABLE"],
  draining: ["overloaded_error", "server_error", "UNAVAILABLE"],
  timed_out: ["timeout_error", "server_error", "DEADLINE_EXCEEDED"],
};

describe.each(Object.entries(TABLE))("%s in the words of", (name, [anthropic, openai, gemini]) => {
  const code = name as ErrorCode;
  const error = { code, message: `say "why"` };

  test("Anthropic", () => {
    expect(JSON.parse(anthropicEnvelope(error, "req_1"))).toEqual({
      type: "error",
      error: { type: anthropic, message: `say "why"` },
      request_id: "req_1",
    });
  });

  test("OpenAI", () => {
    expect(JSON.parse(openaiEnvelope(error))).toEqual({
      error: { message: `say "why"`, type: openai, param: null, code },
    });
  });

  test("Google", () => {
    expect(JSON.parse(geminiEnvelope(error))).toEqual({
      error: { code: ERROR_STATUS[code], message: `say "why"`, status: gemini, details: [] },
    });
  });
});
