import type { Clock } from "../../core/clock.ts";

/** Telling a store that is back what it may have lost. */
export type Restoration = Readonly<{
  /** Sets what does it; it need not wait for the calls it sets going. */
  whenBack(hook: () => void | Promise<void>): void;
  /** Marks a call that is part of it. */
  telling<Reply>(call: Promise<Reply>): Promise<Reply>;
  /** Does it; resolves once no marked call is under way any more. Rejects as the hook does. */
  run(): Promise<void>;
}>;

export function restoration(clock: Clock): Restoration {
  const calls = new Set<Promise<unknown>>();
  let restore: () => void | Promise<void> = () => {};
  return {
    whenBack(hook) {
      restore = hook;
    },
    telling(call) {
      calls.add(call);
      const over = () => calls.delete(call);
      call.then(over, over);
      return call;
    },
    async run() {
      await restore();
      while (calls.size > 0) {
        await Promise.allSettled(calls);
        await clock.sleep(0); // whoever heard the answer may have more to say
      }
    },
  };
}
