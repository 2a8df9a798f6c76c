import type { Background } from "../../core/background.ts";
import type { Clock } from "../../core/clock.ts";

/** Asks a store that is away whether it is back, each second. */
export type Prober = Readonly<{
  /** Does nothing while it is probing already. */
  start(): void;
  /** Asks at once. */
  nudge(): void;
  close(): void;
}>;

export type ProberRules = Readonly<{
  clock: Clock;
  background: Background;
  /** False ends the probing. */
  wanted: () => boolean;
  /** Asks whether it is back, and sees to what follows from that; awaited before the next time. */
  ask: () => Promise<void>;
}>;

const PROBE_MS = 1000;

export function prober({ clock, background, wanted, ask }: ProberRules): Prober {
  const closed = new AbortController();
  let early = new AbortController();
  let running = false;

  const run = async () => {
    running = true;
    try {
      while (wanted()) {
        early = new AbortController();
        await clock.sleep(PROBE_MS, AbortSignal.any([closed.signal, early.signal])).catch(() => {}); // woken early
        if (closed.signal.aborted) return;
        await ask();
      }
    } finally {
      running = false;
    }
  };
  return {
    start() {
      if (!running) background.track("probe of the store", run());
    },
    nudge: () => early.abort(),
    close: () => closed.abort(),
  };
}
