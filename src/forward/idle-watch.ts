import type { Clock } from "../core/clock.ts";

/**
 * Fires when one wait has lasted `idleMs`. A stream of ten thousand events waits ten thousand times, so a wait costs a
 * clock reading and not a timer: the one timer looks at the current wait when it fires and sets itself for the rest.
 */
export type IdleWatch = Disposable & Readonly<{ begin(): void; end(): void }>;

/** `idleMs` 0 = never. Owns its timer. */
export function idleWatch(clock: Clock, idleMs: number, onIdle: () => void): IdleWatch {
  let sinceMs: number | null = null;
  let cancel = () => {};
  function arm(ms: number) {
    cancel = clock.after(ms, () => {
      const waitedMs = sinceMs === null ? 0 : clock.monoMs() - sinceMs;
      if (waitedMs >= idleMs) onIdle();
      else arm(idleMs - waitedMs);
    });
  }
  if (idleMs > 0) arm(idleMs);
  return {
    begin() {
      sinceMs = clock.monoMs();
    },
    end() {
      sinceMs = null;
    },
    [Symbol.dispose]: () => cancel(),
  };
}
