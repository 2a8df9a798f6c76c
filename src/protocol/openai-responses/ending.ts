import type { OwnError } from "../../core/errors.ts";

const utf8 = new TextEncoder();

/**
 * The API's own error event. `sequence` is the last number of the stream, -1 where there was none. No `response.failed`
 * follows: that would have to repeat a response we do not have.
 */
export function responsesErrorEvent(
  { code, message }: OwnError,
  _requestId: string,
  { sequence }: Readonly<{ sequence: number }>,
): Uint8Array {
  const event = { type: "error", code, message, param: null, sequence_number: sequence + 1 };
  return utf8.encode(`event: error\ndata: ${JSON.stringify(event)}\n\n`);
}

/** A comment, which every reader of event streams passes over. */
export const responsesKeepAlive: Uint8Array = utf8.encode(": keep-alive\n\n");
