import { describe, expect, test } from "bun:test";
import { readAnthropicError } from "../../src/protocol/anthropic/judge.ts";
import { againMs } from "../../src/protocol/error-facts.ts";
import { readGeminiError } from "../../src/protocol/gemini/judge.ts";
import { readChatError } from "../../src/protocol/openai-chat/judge.ts";
import { readResponsesError } from "../../src/protocol/openai-responses/judge.ts";
import type { ErrorFacts } from "../../src/protocol/protocol.ts";

const READERS = [readAnthropicError, readChatError, readResponsesError, readGeminiError];
const bytes = (body: unknown) => new TextEncoder().encode(typeof body === "string" ? body : JSON.stringify(body));

describe("an error body", () => {
  const bodies: readonly [string, ErrorFacts, Partial<ErrorFacts>][] = [
    [
      "Anthropic's",
      readAnthropicError(
        529,
        bytes({ type: "error", error: { type: "overloaded_error", message: "Overloaded" }, request_id: "req_1" }),
      ),
      { status: 529, type: "overloaded_error", message: "Overloaded", retryAfterMs: null, policy: false },
    ],
    [
      "Anthropic's about credit, which comes as a bad request",
      readAnthropicError(
        400,
        bytes({
          type: "error",
          error: { type: "invalid_request_error", message: "Your credit balance is too low to access the API." },
        }),
      ),
      { status: 402, type: "billing_error" },
    ],
    [
      "OpenAI's, whose code is finer than its type",
      readChatError(
        429,
        bytes({
          error: {
            message: "Rate limit reached for gpt-5. Please try again in 20ms. Visit",
            type: "tokens",
            param: null,
            code: "rate_limit_exceeded",
          },
        }),
      ),
      { status: 429, type: "rate_limit_exceeded", retryAfterMs: 20 },
    ],
    [
      "OpenAI's about quota",
      readResponsesError(429, bytes({ error: { message: "You exceeded", type: "insufficient_quota", code: null } })),
      { status: 429, type: "insufficient_quota", policy: false },
    ],
    [
      "OpenAI's about the context's length",
      readChatError(
        400,
        bytes({ error: { message: "Too long", type: "invalid_request_error", code: "context_length_exceeded" } }),
      ),
      { status: 400, type: "context_length_exceeded", policy: true },
    ],
    [
      "Azure's about its filter",
      readChatError(
        400,
        bytes({
          error: {
            message: "The response was filtered due to the prompt triggering Azure OpenAI's content management policy.",
            type: null,
            code: "content_filter",
            innererror: { code: "ResponsibleAIPolicyViolation" },
          },
        }),
      ),
      { status: 400, type: "content_filter", policy: true },
    ],
    [
      "OpenRouter's moderation",
      readChatError(
        403,
        bytes({
          error: { code: 403, message: "Not allowed", metadata: { reasons: ["violence"], flagged_input: "how to" } },
        }),
      ),
      { status: 403, policy: true },
    ],
    [
      "a 403 about a key",
      readChatError(403, bytes({ error: { message: "Key has no access to model", type: "permission_error" } })),
      { status: 403, type: "permission_error", policy: false },
    ],
    [
      "Google's with a pause asked for",
      readGeminiError(
        429,
        bytes({
          error: {
            code: 429,
            message: "Quota exceeded. Please retry in 9s.",
            status: "RESOURCE_EXHAUSTED",
            details: [{ "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: "3.5s" }],
          },
        }),
      ),
      { status: 429, type: "RESOURCE_EXHAUSTED", retryAfterMs: 3_500 },
    ],
    [
      "Google's about a key, which comes as a bad request",
      readGeminiError(
        400,
        bytes([
          {
            error: {
              code: 400,
              message: "API key not valid. Please pass a valid API key.",
              status: "INVALID_ARGUMENT",
              details: [{ "@type": "type.googleapis.com/google.rpc.ErrorInfo", reason: "API_KEY_INVALID" }],
            },
          },
        ]),
      ),
      { status: 401, type: "UNAUTHENTICATED" },
    ],
    [
      "a relay's with another status than its word",
      readAnthropicError(500, bytes({ error: { type: "invalid_request_error", message: "upstream said no" } })),
      { status: 500, type: "invalid_request_error" },
    ],
    [
      "a text",
      readChatError(502, bytes({ error: "upstream timed out" })),
      { status: 502, message: "upstream timed out" },
    ],
    ["no error field", readChatError(422, bytes({ detail: "bad field" })), { status: 422, message: "bad field" }],
  ];
  for (const [what, facts, expected] of bodies) {
    test(`is understood: ${what}`, () => expect(facts).toMatchObject(expected));
  }

  test("may be anything", () => {
    const none: ErrorFacts = { status: 503, type: "", message: "", retryAfterMs: null, policy: false };
    for (const read of READERS) {
      for (const body of ["", "<html>503</html>", "null", "[]", "17", '{"error":', '{"error":null}', "\u0000\uFFFD"]) {
        expect(read(503, bytes(body))).toEqual(none);
      }
      expect(read(503, Uint8Array.of(0xff, 0xfe, 0x00))).toEqual(none);
      expect(read(500, bytes({ error: { type: "__proto__", code: "constructor", message: 5 } })).status).toBe(500);
    }
  });
});

test("pauses are read from texts in the units that vendors use", () => {
  const texts: readonly [string, number | null][] = [
    ["Please try again in 1.2s.", 1_200],
    ["Please try again in 250ms. Visit", 250],
    ["Please try again in 6m0s.", 360_000],
    ["try again in 1h2m3.5s", 3_723_500],
    ["Please retry in 44.2s.", 44_200],
    ["Please try again in a while", null],
    ["Please try again later", null],
    ["", null],
  ];
  for (const [text, ms] of texts) expect(againMs(text)).toBe(ms);
});
