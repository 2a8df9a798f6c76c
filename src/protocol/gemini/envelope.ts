import { ERROR_STATUS, type ErrorCode, type OwnError } from "../../core/errors.ts";

/** Google's canonical code for each of our errors: https://cloud.google.com/apis/design/errors#handling_errors */
const STATUSES: Readonly<Record<ErrorCode, string>> = {
  invalid_request: "INVALID_ARGUMENT",
  unauthorized: "UNAUTHENTICATED",
  not_found: "NOT_FOUND",
  no_provider: "NOT_FOUND",
  body_too_large: "INVALID_ARGUMENT",
  unsupported_encoding: "INVALID_ARGUMENT",
  client_limit: "RESOURCE_EXHAUSTED",
  providers_full: "RESOURCE_EXHAUSTED",
  attempts_failed: "UNAVAILABLE",
  providers_down: "UNAVAILABLE",
  store_down: "UNAVAILABLE",
  overloaded: "UNAVAILABLE",
  draining: "UNAVAILABLE",
  timed_out: "DEADLINE_EXCEEDED",
};

export function geminiEnvelope(error: OwnError): string {
  const { code, message } = error;
  return JSON.stringify({
    error: { code: ERROR_STATUS[code], message, status: STATUSES[code], details: [] },
  });
}
