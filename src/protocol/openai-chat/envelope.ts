import type { ErrorCode, OwnError } from "../../core/errors.ts";

/** `type` is OpenAI's word for the kind of error: https://platform.openai.com/docs/guides/error-codes */
const TYPES: Readonly<Record<ErrorCode, string>> = {
  invalid_request: "invalid_request_error",
  unauthorized: "authentication_error",
  not_found: "invalid_request_error",
  no_provider: "invalid_request_error",
  body_too_large: "invalid_request_error",
  unsupported_encoding: "invalid_request_error",
  client_limit: "rate_limit_error",
  providers_full: "rate_limit_error",
  attempts_failed: "server_error",
  providers_down: "server_error",
  store_down: "server_error",
  overloaded: "server_error",
  draining: "server_error",
  timed_out: "server_error",
};

/** The same for Chat Completions and Responses; `code` is our own. */
export function openaiEnvelope(error: OwnError): string {
  const { code, message } = error;
  return JSON.stringify({ error: { message, type: TYPES[code], param: null, code } });
}
