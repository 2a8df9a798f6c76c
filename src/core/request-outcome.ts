import { ERROR_STATUS, type ErrorCode } from "./errors.ts";
import { CLIENT_LEFT_STATUS, type RequestRecord } from "./events.ts";

/** How a request ended, in one word from a closed set; an answer of our own is its error code. */
export type RequestOutcome =
  /** Answered to its end with a status below 400. */
  | "answered"
  /** Answered with an upstream's error: 5xx or 429, after whatever else could be tried. */
  | "upstream_error"
  /** Answered with an upstream's word on the request itself: any other 4xx. The client's own doing, nobody's fault here. */
  | "client_error"
  /** Broke after content. */
  | "broken"
  | "client_left"
  /** Cut by an operator or a drain. */
  | "ended"
  | ErrorCode;

export function requestOutcome(record: RequestRecord): RequestOutcome {
  if (record.status === CLIENT_LEFT_STATUS) return "client_left";
  const last = record.attempts.findLast((attempt) => attempt.provider === record.provider);
  if (last?.outcome === "broken" || last?.outcome === "client_left" || last?.outcome === "ended") return last.outcome;
  if (isErrorCode(record.error)) return record.error;
  if (record.status < 400) return "answered";
  return record.status < 500 && record.status !== 429 ? "client_error" : "upstream_error";
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERROR_STATUS, code);
}
