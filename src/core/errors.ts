/** Hedgerow's own answers to a client; the status of each is fixed (README, "Error codes"). */
export const ERROR_STATUS = {
  invalid_request: 400,
  unauthorized: 401,
  not_found: 404,
  no_provider: 404,
  body_too_large: 413,
  unsupported_encoding: 415,
  client_limit: 429,
  providers_full: 429,
  attempts_failed: 502,
  providers_down: 503,
  store_down: 503,
  overloaded: 503,
  draining: 503,
  timed_out: 504,
} as const;

export type ErrorCode = keyof typeof ERROR_STATUS;

/** An answer of our own, as a value: the protocol puts it into its envelope. `message` is for people and holds no secret. */
export type OwnError = Readonly<{
  code: ErrorCode;
  message: string;
  /** When asking again makes sense; becomes `retry-after` (whole seconds, rounded up). */
  retryAfterMs?: number;
  /** All providers were tried: SDKs must not try again by themselves (`x-should-retry: false`). */
  exhausted?: boolean;
}>;

/** What is broken (as opposed to expected): thrown, with fields. `code` is from the closed set of its throwers. */
export class HedgerowError extends Error {
  readonly code: string;
  constructor(code: string, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "HedgerowError";
    this.code = code;
  }
}
