import { isFilled, isObject, type JsonObject } from "./json-body.ts";
import { isSaid, parsed } from "./payload.ts";
import type { ErrorFacts } from "./protocol.ts";

/** What an error object says, before it is understood. */
export type ErrorSaid = Readonly<{
  /** The protocol's words for it (`code`, `type`, `status`), the finest first; anything that is no text is passed over. */
  words: readonly unknown[];
  /** A number that may be an HTTP status. */
  status?: unknown;
  message?: unknown;
  retryAfterMs?: number | null;
}>;

/** Facts out of the value of an `error` field. */
export type ReadErrorValue = (error: unknown) => ErrorFacts;

const IMAGE_WORDS = [
  "invalid_image",
  "invalid_image_format",
  "invalid_base64_image",
  "invalid_image_url",
  "image_too_large",
  "image_too_small",
  "image_parse_error",
  "invalid_image_mode",
  "image_file_too_large",
  "unsupported_image_media_type",
  "empty_image_file",
  "failed_to_download_image",
  "image_file_not_found",
];

/** The status that goes with a word where only the word is given, as in an event of a stream that began with 200. */
const STATUS_OF: ReadonlyMap<string, number> = new Map([
  // https://docs.anthropic.com/en/api/errors
  ["invalid_request_error", 400],
  ["authentication_error", 401],
  ["billing_error", 402],
  ["permission_error", 403],
  ["not_found_error", 404],
  ["request_too_large", 413],
  ["rate_limit_error", 429],
  ["api_error", 500],
  ["timeout_error", 504],
  ["overloaded_error", 529],
  // https://platform.openai.com/docs/guides/error-codes, and the codes of a failed response
  ["invalid_prompt", 400],
  ["context_length_exceeded", 400],
  ["content_filter", 400],
  ["content_policy_violation", 400],
  ["image_content_policy_violation", 400],
  ["bio_policy", 400],
  ["data_residency_mismatch", 400],
  ...IMAGE_WORDS.map((word): [string, number] => [word, 400]),
  ["invalid_api_key", 401],
  ["model_not_found", 404],
  ["rate_limit_exceeded", 429],
  ["insufficient_quota", 429],
  ["server_error", 500],
  ["server_is_overloaded", 503],
  ["slow_down", 503],
  ["vector_store_timeout", 504],
  // https://cloud.google.com/apis/design/errors#handling_errors
  ["INVALID_ARGUMENT", 400],
  ["FAILED_PRECONDITION", 400],
  ["OUT_OF_RANGE", 400],
  ["UNAUTHENTICATED", 401],
  ["PERMISSION_DENIED", 403],
  ["NOT_FOUND", 404],
  ["ABORTED", 409],
  ["ALREADY_EXISTS", 409],
  ["RESOURCE_EXHAUSTED", 429],
  ["CANCELLED", 499],
  ["INTERNAL", 500],
  ["UNKNOWN", 500],
  ["DATA_LOSS", 500],
  ["UNIMPLEMENTED", 501],
  ["UNAVAILABLE", 503],
  ["DEADLINE_EXCEEDED", 504],
]);

/** Words about what was asked: every provider would say them. */
const POLICY_WORDS: ReadonlySet<string> = new Set([
  "invalid_prompt",
  "context_length_exceeded",
  "content_filter",
  "content_policy_violation",
  "image_content_policy_violation",
  "bio_policy",
]);

/** A policy block without a word of its own. Says nothing about an account, so "usage policies" is not among them. */
const POLICY_TEXT =
  /content[ _-](?:management[ _-])?(?:policy|filter)|ResponsibleAIPolicy|safety system|moderation|flagged/i;

/** Anthropic says so with a 400 and `invalid_request_error`, though nothing is wrong with the request. */
const NO_CREDIT_TEXT = /credit balance is too low/i;

/** "Please try again in 1.2s" (OpenAI), "Please retry in 44.2s." (Google), with Go's durations: 1m30s, 250ms. */
const AGAIN_TEXT = /(?:try again|retry) in ((?:\d+(?:\.\d+)?(?:ms|[smh]))+)/i;
const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** How much of an error body is searched for a policy's name. */
const BODY_CHARS_MAX = 64 * 1024;

export function errorFacts({ words, status, message, retryAfterMs }: ErrorSaid): ErrorFacts {
  const texts = words.filter(isFilled);
  const text = isFilled(message) ? message : "";
  const again = retryAfterMs ?? againMs(text);
  if (NO_CREDIT_TEXT.test(text)) {
    return { status: 402, type: "billing_error", message: text, retryAfterMs: again, policy: false };
  }
  const type = texts.find((word) => STATUS_OF.has(word)) ?? texts[0] ?? "";
  const told = STATUS_OF.get(type) ?? httpStatus(status);
  const policy = texts.some((word) => POLICY_WORDS.has(word)) || (asksPolicy(told) && POLICY_TEXT.test(text));
  return { status: told, type, message: text, retryAfterMs: again, policy };
}

/** Our own word for what an upstream said that is no answer in its protocol. */
export function senseless(type: "invalid_stream" | "invalid_answer"): ErrorFacts {
  return { status: null, type, message: "", retryAfterMs: null, policy: false };
}

/** The error in the body of an answer with an error status; the facts of the status alone where the body says nothing. */
export function readErrorBody(status: number, body: Uint8Array, readValue: ReadErrorValue): ErrorFacts {
  const text = new TextDecoder().decode(body);
  const facts = readValue(errorValue(parsed(text)));
  // The answer's own status stands, but for what the words show to be about our key or account instead.
  const aboutKey = facts.status === 401 || facts.status === 402;
  const namesPolicy = status === 403 && POLICY_TEXT.test(text.slice(0, BODY_CHARS_MAX));
  return { ...facts, status: aboutKey ? facts.status : status, policy: facts.policy || namesPolicy };
}

/** What an error body says is wrong: its `error`, of the first element where Google sends an array, else the object itself. */
function errorValue(value: unknown): unknown {
  const object: unknown = Array.isArray(value) ? value[0] : value;
  if (!isObject(object)) return undefined;
  return isSaid(object.error) ? object.error : { ...object, message: object.message ?? object.detail };
}

/** The top-level error that an event or a 200 holds, or null. */
export function topLevelError(object: JsonObject, readValue: ReadErrorValue): ErrorFacts | null {
  return isSaid(object.error) ? readValue(object.error) : null;
}

export function againMs(text: string): number | null {
  const durations = AGAIN_TEXT.exec(text)?.[1]?.matchAll(/([\d.]+)(ms|[smh])/gi);
  if (!durations) return null;
  let ms = 0;
  for (const [, count, unit] of durations) ms += Number(count) * (UNIT_MS[unit?.toLowerCase() ?? ""] ?? 0);
  return Math.ceil(ms);
}

function asksPolicy(status: number | null): boolean {
  return status === null || status === 400 || status === 403;
}

function httpStatus(value: unknown): number | null {
  const status = typeof value === "string" ? Number(value) : value;
  return typeof status === "number" && Number.isInteger(status) && status >= 400 && status <= 599 ? status : null;
}
