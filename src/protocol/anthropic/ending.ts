import type { OwnError } from "../../core/errors.ts";

const utf8 = new TextEncoder();

/** The event that SDKs raise as an error; nothing may follow it. */
export function anthropicErrorEvent({ message }: OwnError): Uint8Array {
  return utf8.encode(
    `event: error\ndata: ${JSON.stringify({ type: "error", error: { type: "api_error", message } })}\n\n`,
  );
}

/** As the API itself keeps connections open, spaces included. */
export const anthropicKeepAlive: Uint8Array = utf8.encode('event: ping\ndata: {"type": "ping"}\n\n');
