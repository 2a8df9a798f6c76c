import type { Clock } from "../core/clock.ts";
import { Stop, type Why } from "./stop.ts";

/**
 * Owns what can end something that runs (an attempt's socket, a whole request): the abort it listens to and the timers
 * that pull it. It lives as long as what it ends; disposing it stops all timers and lets go of the signals it followed.
 */
export type Stoppable = Disposable &
  Readonly<{
    signal: AbortSignal;
    /** The reason it was stopped for; null while it runs. */
    stopped(): Why | null;
    stop(why: Why): void;
    /** Follows another signal whose reason is a `Stop`, until disposed. */
    follow(signal: AbortSignal): void;
    /** Stops it after `ms` unless cancelled; 0 = no limit. */
    limit(ms: number, why: Why): () => void;
  }>;

/** `abort`: where somebody else may stop it too, with a `Stop` as its reason. */
export function stoppable(clock: Clock, abort: AbortController = new AbortController()): Stoppable {
  const owned = new DisposableStack();
  const stop = (why: Why) => {
    if (!abort.signal.aborted) abort.abort(new Stop(why));
  };
  return {
    signal: abort.signal,
    stopped: () => (abort.signal.aborted ? whyOf(abort.signal.reason) : null),
    stop,
    follow(signal) {
      const pull = () => stop(whyOf(signal.reason));
      if (signal.aborted) return pull();
      signal.addEventListener("abort", pull, { once: true });
      owned.defer(() => signal.removeEventListener("abort", pull));
    },
    limit(ms, why) {
      if (ms <= 0) return () => {};
      const cancel = clock.after(ms, () => stop(why));
      owned.defer(cancel);
      return cancel;
    },
    [Symbol.dispose]: () => owned.dispose(),
  };
}

/** What a client's own abort looks like depends on the runtime: everything that is not one of ours is the client leaving. */
function whyOf(reason: unknown): Why {
  return reason instanceof Stop ? reason.why : "client_left";
}

/** How long a socket may take to end after its abort before its slot is given back all the same. */
const SETTLE_MS_MAX = 2_000;

/**
 * What `promise` comes to; after an abort it has two seconds left to end by itself, then the wait is over with the
 * abort's reason. A slot is given back only when the I/O it stands for has ended, but a runtime that forgets a promise
 * must not keep it for ever.
 */
export async function settled<Value>(promise: Promise<Value>, signal: AbortSignal, clock: Clock): Promise<Value> {
  let cancel = () => {};
  let onAbort = () => {};
  const givenUp = new Promise<never>((_, reject) => {
    onAbort = () => {
      cancel = clock.after(SETTLE_MS_MAX, () => reject(signal.reason));
    };
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
  });
  try {
    return await Promise.race([promise, givenUp]);
  } finally {
    cancel();
    signal.removeEventListener("abort", onAbort);
  }
}
