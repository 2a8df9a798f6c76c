import type { OwnError } from "../../core/errors.ts";
import type { Framing } from "../protocol.ts";

const utf8 = new TextEncoder();

/**
 * In an event stream a bare object, no event: the official SDK looks for one in each chunk it reads, and only newer
 * versions look into events. It is to be a write of its own. In an array it is the last element; `first`: nothing of the
 * array was sent.
 */
export function geminiErrorEvent(
  { message }: OwnError,
  _requestId: string,
  { framing, first }: Readonly<{ framing: Framing; first: boolean }>,
): Uint8Array {
  const object = JSON.stringify({ error: { code: 502, message, status: "UNAVAILABLE" } });
  return utf8.encode(framing === "sse" ? object : `${first ? "[" : ","}${object}]`);
}

/** A comment, which every reader of event streams passes over; for event streams only, an array has no room for any. */
export const geminiKeepAlive: Uint8Array = utf8.encode(": keep-alive\n\n");
