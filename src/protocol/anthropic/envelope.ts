import type { ErrorCode, OwnError } from "../../core/errors.ts";

/** The `type` that SDKs know for each of our errors: https://docs.anthropic.com/en/api/errors */
const TYPES: Readonly<Record<ErrorCode, string>> = {
  invalid_request: "invalid_request_error",
  unauthorized: "authentication_error",
  not_found: "not_found_error",
  no_provider: "not_found_error",
  body_too_large: "request_too_large",
  unsupported_encoding: "invalid_request_error",
  client_limit: "rate_limit_error",
  providers_full: "rate_limit_error",
  attempts_failed: "api_error",
  providers_down: "overloaded_error",
  store_down: "overloaded_error",
  overloaded: "overloaded_error",
  draining: "overloaded_error",
  timed_out: "timeout_error",
};

export function anthropicEnvelope(error: OwnError, requestId: string): string {
  const { code, message } = error;
  return JSON.stringify({ type: "error", error: { type: TYPES[code], message }, request_id: requestId });
}
