import type { Clock } from "../core/clock.ts";
import { HedgerowError } from "../core/errors.ts";

export type UpstreamRequest = Readonly<{
  url: string;
  headers: Readonly<Record<string, string>>;
  body: Uint8Array;
  /** An egress proxy's URL; null: none, whatever the environment says. */
  proxy: string | null;
  http2: "auto" | "off";
}>;

/** How a request failed without an answer. */
export type SendFailure =
  /** No connection: refused, unreachable, no name, or an egress proxy that would not. */
  | "connect"
  | "dns"
  | "tls"
  /** The connection ended before an answer. */
  | "reset"
  /** What came was no HTTP. */
  | "invalid_response";

/**
 * Posts one request and resolves with its answer's head; the body is not decoded, redirects are not followed, nothing is
 * tried twice. `onConnected` is told once when the upstream begins to take the body, and at once where that cannot be
 * seen. Rejects with a `HedgerowError` whose code is a `SendFailure`, or with the signal's reason.
 */
export type Send = (request: UpstreamRequest, signal: AbortSignal, onConnected: () => void) => Promise<Response>;

export type SendDeps = Readonly<{ clock: Clock; fetch?: typeof globalThis.fetch }>;

/**
 * `fetch` shows no connect phase, but it pulls a streamed body only when it is connected. That costs about as much as
 * the rest of a small request, so an upstream that has answered this recently is trusted to be there.
 */
const TRUSTED_MS = 10_000;
/** Origins come from the config; this only bounds what many reloads may leave behind. */
const ORIGINS_MAX = 1_024;

/** The one door to upstreams. */
export function createSend({ clock, fetch = globalThis.fetch }: SendDeps): Send {
  const answeredMs = new Map<string, number>();
  const withoutHttp2 = new Set<string>();

  async function post(
    request: UpstreamRequest,
    how: Readonly<{ http2: boolean; pulled: ReadableStream | null }>,
    signal: AbortSignal,
  ) {
    const { pulled, http2 } = how;
    const { body } = request;
    return fetch(request.url, {
      method: "POST",
      headers: pulled ? { ...request.headers, "content-length": String(body.byteLength) } : request.headers,
      body: pulled ?? body,
      signal,
      decompress: false,
      redirect: "manual",
      timeout: false,
      proxy: request.proxy === null ? false : { url: request.proxy, respectNoProxy: false },
      ...(http2 ? { protocol: "http2" as const } : {}),
    });
  }

  return async (request, signal, onConnected) => {
    const { origin, protocol } = new URL(request.url);
    const way = request.proxy === null ? origin : `${request.proxy} ${origin}`;
    const trusted = clock.monoMs() - (answeredMs.get(way) ?? -Infinity) < TRUSTED_MS;
    if (trusted) onConnected();
    const attempt = (http2: boolean) =>
      post(request, { http2, pulled: trusted ? null : pulledBody(request.body, onConnected) }, signal);
    // Through an egress proxy HTTP/1.1 is what is known to work.
    const http2 = request.http2 === "auto" && protocol === "https:" && request.proxy === null && !withoutHttp2.has(way);
    try {
      const response = await attempt(http2).catch((error: unknown) => {
        if (!http2 || codeOf(error) !== "HTTP2Unsupported") throw error;
        // Told in the handshake, before any byte of the request.
        note(withoutHttp2, way).add(way);
        return attempt(false);
      });
      note(answeredMs, way).set(way, clock.monoMs());
      return response;
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      answeredMs.delete(way);
      const code = codeOf(error);
      throw new HedgerowError(sendFailure(code), `upstream ${origin}: ${code}`, error);
    }
  };
}

/** The collection, emptied where one more would be too many. */
function note<Kept extends Map<string, unknown> | Set<string>>(kept: Kept, origin: string): Kept {
  if (kept.size >= ORIGINS_MAX && !kept.has(origin)) kept.clear();
  return kept;
}

function pulledBody(body: Uint8Array, onPull: () => void): ReadableStream {
  return new ReadableStream({
    type: "direct",
    async pull(controller) {
      onPull();
      await controller.write(body);
      controller.close();
    },
  });
}

const FAILURES: readonly (readonly [RegExp, SendFailure])[] = [
  [/^(ENOTFOUND|EAI_\w+|ENODATA|ESERVFAIL|EDNS\w*|DNS\w*)$/, "dns"],
  [/^(EPROTO|ERR_TLS\w+|ERR_SSL\w+|\w*CERT\w*|SELF_SIGNED\w*|UNABLE_TO\w+|TLS\w*)$/, "tls"],
  [/^(ECONNRESET|ECONNABORTED|EPIPE|ECONNCLOSED|ConnectionClosed|HTTP2StreamReset|HTTP2RefusedStream)$/, "reset"],
  [
    /^(ECONN|EHOST|ENET|EADDR|ETIMEDOUT|Timeout|ERR_PROXY|Proxy|FailedToOpenSocket|ConnectionRefused|ERR_INVALID_URL)/,
    "connect",
  ],
];

/** Bun's and the system's codes, brought down to ours; what is none of them is an answer that could not be read. */
export function sendFailure(code: string): SendFailure {
  return FAILURES.find(([pattern]) => pattern.test(code))?.[1] ?? "invalid_response";
}

function codeOf(error: unknown): string {
  const code = typeof error === "object" && error !== null && "code" in error ? error.code : null;
  return typeof code === "string" ? code : "unknown";
}
