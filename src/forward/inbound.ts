import type { OwnError } from "../core/errors.ts";
import type { Operation, Protocol, RequestFacts } from "../protocol/protocol.ts";
import type { Client } from "../provider/provider.ts";

/** One client request, read and understood. Nothing of it changes on its way. */
export type Inbound = Readonly<{
  requestId: string;
  client: Client;
  protocol: Protocol;
  operation: Operation;
  facts: RequestFacts;
  /** Hash of the session, and where its id came from. */
  session: string;
  sessionSource: string;
  /** The one provider an alias binds it to. */
  boundTo: string | null;
  /** Path and query as received. A `key` in the query is taken out where the upstream URL is built. */
  pathname: string;
  search: string;
  headers: Headers;
  /** Empty once `bodyDone` was called: a stream may last for an hour, and its request's images need not. */
  body: Uint8Array;
  bodyBytes: number;
  /** Aborts when the client leaves. */
  signal: AbortSignal;
  /** Monotonic and wall-clock moments of its arrival. */
  arrivedMs: number;
  arrivedWallMs: number;
  /** The body is not needed any more: nobody will be asked again. More than once is harmless. */
  bodyDone(): void;
  /** To be called just before the answer's last byte: gives the connection its idle timeout back. */
  beforeEnd(): void;
}>;

/** Every answer of our own in the caller's envelope, with the code beside it. */
export function ownAnswer(protocol: Protocol, error: OwnError, requestId: string, status: number): Response {
  const headers: Record<string, string> = {
    "content-type": "application/json",
    "x-hedgerow-error": error.code,
    "x-hedgerow-request-id": requestId,
  };
  if (error.retryAfterMs !== undefined)
    headers["retry-after"] = String(Math.max(1, Math.ceil(error.retryAfterMs / 1000)));
  else if (error.exhausted) headers["x-should-retry"] = "false";
  return new Response(protocol.envelope(error, requestId), { status, headers });
}
