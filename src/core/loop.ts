import type { Clock } from "./clock.ts";
import { jitter, type Random } from "./random.ts";

export type LoopRules = Readonly<{
  clock: Clock;
  random: Random;
  /** Mean pause between the end of one round and the start of the next. */
  everyMs: number;
  /** Share of `everyMs` by which a pause may differ, so that instances do not march in step. */
  jitter: number;
  work: () => Promise<void>;
  /** A round that threw; the loop goes on. */
  onError: (error: unknown) => void;
}>;

/** Runs `work` again and again until the signal aborts; resolves when the last round has ended. Never rejects. */
export async function loop(rules: LoopRules, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      await rules.clock.sleep(jitter(rules.everyMs, rules.jitter, rules.random), signal);
    } catch {
      return; // sleep rejects only when the signal aborts
    }
    try {
      await rules.work();
    } catch (error) {
      rules.onError(error);
    }
  }
}
