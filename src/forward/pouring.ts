/** Takes bytes for the client; resolves when there is room for more. */
export type Write = (bytes: Uint8Array) => Promise<void> | void;

/** Owns its listener until it is disposed. */
export type Pouring = Disposable &
  Readonly<{
    /** False: nobody takes it any more, or everything was called off while nobody did. A promise only when the client is slow. */
    pour(bytes: Uint8Array): boolean | Promise<boolean>;
  }>;

/**
 * Writes to a client that may have stopped reading: a write that nobody takes would wait for ever, and a slot with it.
 * One listener for all writes of a stream, of which there may be a hundred thousand.
 */
export function pouring(write: Write, signal: AbortSignal): Pouring {
  let giveUp = () => {};
  const onAbort = () => giveUp();
  signal.addEventListener("abort", onAbort, { once: true });
  return {
    pour(bytes) {
      if (signal.aborted) return false;
      let taken: Promise<void> | void;
      try {
        taken = write(bytes);
      } catch {
        return false;
      }
      return (
        !taken ||
        new Promise((resolve) => {
          giveUp = () => resolve(false);
          taken.then(() => resolve(true), giveUp);
        })
      );
    },
    [Symbol.dispose]: () => signal.removeEventListener("abort", onAbort),
  };
}
