import type { Clock } from "../core/clock.ts";

/** Owns at most one timer. */
export type OneTimer = Readonly<{
  /** Does nothing while one is armed. */
  arm(ms: number, callback: () => void): void;
  cancel(): void;
}>;

export function oneTimer(clock: Clock): OneTimer {
  let cancelArmed: (() => void) | null = null;
  return {
    arm(ms, callback) {
      cancelArmed ??= clock.after(ms, () => {
        cancelArmed = null;
        callback();
      });
    },
    cancel() {
      cancelArmed?.();
      cancelArmed = null;
    },
  };
}
