/**
 * Time comes in through this door only. Durations are measured on the monotonic clock; the wall clock is for what
 * people read and for what leaves the process. Both are in milliseconds.
 */
export type Clock = Readonly<{
  /** Milliseconds since 1970; may jump. */
  wallMs(): number;
  /** Milliseconds since some fixed moment of this process; never goes back. */
  monoMs(): number;
  /** Calls back once, `ms` from now. The caller owns the timer: the function returned cancels it (calling it twice is harmless). */
  after(ms: number, callback: () => void): () => void;
  /** Resolves `ms` from now; rejects with the signal's reason as soon as it aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}>;

/** `setTimeout` fires at once when asked for more than this (2^31 - 1 ms, about 24.8 days). */
const TIMER_MS_MAX = 2_147_483_647;

export const systemClock: Clock = {
  wallMs: () => Date.now(),
  monoMs: () => performance.now(),
  after(ms, callback) {
    const timer = setTimeout(callback, Math.min(ms, TIMER_MS_MAX));
    return () => clearTimeout(timer);
  },
  sleep: (ms, signal) => sleepWith(systemClock.after, ms, signal),
};

/** `sleep` for any clock that can call back. */
export function sleepWith(after: Clock["after"], ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason);
      return;
    }
    const onAbort = () => {
      cancel();
      reject(signal?.reason);
    };
    const cancel = after(ms, () => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    });
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}
