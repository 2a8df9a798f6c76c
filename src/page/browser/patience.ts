import type { Clock } from "../../core/clock.ts";

/** Waiting for somebody to say something. Owns a timer until it is ended. */
export type Patience = Readonly<{
  /** Aborts when nothing was heard for so long. */
  signal: AbortSignal;
  /** Something was: it begins anew. */
  heard(): void;
  end(): void;
}>;

export function patience(clock: Clock, ms: number): Patience {
  const over = new AbortController();
  const wait = () => clock.after(ms, () => over.abort(new Error(`nothing was heard for ${ms} ms`)));
  let cancel = wait();
  return {
    signal: over.signal,
    heard() {
      cancel();
      cancel = wait();
    },
    end: () => cancel(),
  };
}
