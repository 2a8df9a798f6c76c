/** Nothing of the admin API is for caches, other origins or guesses about its type. */
export const HEADERS = {
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
  "cross-origin-resource-policy": "same-origin",
} as const;

export function json(body: unknown, status = 200): Response {
  return Response.json(body, { status, headers: HEADERS });
}

export type AdminErrorCode =
  | "unauthorized"
  | "forbidden"
  | "slow_down"
  | "invalid_request"
  | "not_found"
  | "method_not_allowed"
  | "unsupported_content_type"
  | "config_refused"
  | "too_many_listeners"
  | "store_down"
  | "internal";

const STATUS: Readonly<Record<AdminErrorCode, number>> = {
  invalid_request: 400,
  unauthorized: 401,
  forbidden: 403,
  not_found: 404,
  method_not_allowed: 405,
  unsupported_content_type: 415,
  config_refused: 422,
  slow_down: 429,
  internal: 500,
  too_many_listeners: 503,
  store_down: 503,
};

/** `headers` go beside the usual ones, `fields` beside `error`. */
export function refusal(
  code: AdminErrorCode,
  message: string,
  more: Readonly<{ headers?: Readonly<Record<string, string>>; fields?: Readonly<Record<string, unknown>> }> = {},
): Response {
  const body = { error: { code, message }, ...more.fields };
  return Response.json(body, { status: STATUS[code], headers: { ...HEADERS, ...more.headers } });
}

export function eventStream(body: ReadableStream<Uint8Array>): Response {
  // nginx in between passes on at once what it would collect otherwise.
  const headers = { ...HEADERS, "content-type": "text/event-stream", "x-accel-buffering": "no" };
  return new Response(body, { headers });
}
