import type { Background } from "../core/background.ts";
import type { Write } from "./pouring.ts";

/** How the stream to the client is to end: cleanly, or by a reset because what it said is not whole. */
export type Close = "end" | "reset";

/**
 * The body of a streamed answer, written by `body`, which owns all that is behind it. Should the client leave before
 * anybody asks for the first byte, `body` runs all the same, with nobody to write to, so that what it owns is given back.
 */
export function clientStream(
  signal: AbortSignal,
  background: Background,
  body: (write: Write) => Promise<Close>,
): ReadableStream<Uint8Array> {
  let begun = false;
  const onAbort = () => {
    if (begun) return;
    begun = true;
    background.track(
      "stream that nobody reads",
      body(() => {}),
    );
  };
  if (signal.aborted) onAbort();
  else signal.addEventListener("abort", onAbort, { once: true });
  const source: Bun.DirectUnderlyingSource<Uint8Array> = {
    type: "direct",
    async pull(controller) {
      if (begun) return;
      begun = true;
      signal.removeEventListener("abort", onAbort);
      // Both answer a promise only when the socket is full: while it is not, an event costs no promise here.
      const flush = () => {
        const sent = controller.flush();
        return typeof sent === "number" ? undefined : nothing(sent);
      };
      const close = await body((bytes) => {
        const taken = controller.write(bytes);
        return typeof taken === "number" ? flush() : taken.then(flush);
      });
      if (close === "reset") controller.close(brokenOff());
      else controller.close();
    },
  };
  return new ReadableStream(source);
}

async function nothing(promise: Promise<unknown>): Promise<void> {
  await promise;
}

/** The runtime prints the reason of a reset on stderr: one line, without our stack, is what it is worth. */
function brokenOff(): Error {
  const error = new Error("hedgerow: an answer broke off upstream; the client's connection was reset");
  error.stack = "";
  return error;
}
