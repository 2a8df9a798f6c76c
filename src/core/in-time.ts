import type { Clock } from "./clock.ts";

/** What `work` comes to within `ms`, its failure included; null when the time is up first. The work goes on all the same. */
export async function inTime<Value>(clock: Clock, ms: number, work: Promise<Value>): Promise<Value | null> {
  let cancel = () => {};
  const timeUp = new Promise<null>((resolve) => {
    cancel = clock.after(ms, () => resolve(null));
  });
  try {
    return await Promise.race([work, timeUp]);
  } finally {
    cancel();
  }
}
