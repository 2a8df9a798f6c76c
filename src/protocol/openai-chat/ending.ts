import type { OwnError } from "../../core/errors.ts";

const utf8 = new TextEncoder();

/** SDKs raise an error on a chunk that has one. No `[DONE]` follows: that would say the answer is whole. */
export function chatErrorEvent({ code, message }: OwnError): Uint8Array {
  return utf8.encode(`data: ${JSON.stringify({ error: { message, type: "server_error", param: null, code } })}\n\n`);
}

/** A comment, which every reader of event streams passes over. */
export const chatKeepAlive: Uint8Array = utf8.encode(": keep-alive\n\n");
