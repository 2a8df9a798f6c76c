/**
 * Owns the promises nobody waits for (a release on its way, a heartbeat), so that none floats: a rejection is reported
 * instead of ending the process, and a shutdown or a test can wait until all of them have ended.
 */
export type Background = Readonly<{
  /** Takes the promise over; `what` names it in the report should it reject. */
  track(what: string, promise: Promise<unknown>): void;
  /** How many are under way. */
  pending(): number;
  /** Resolves when none is under way, those begun meanwhile included. */
  drained(): Promise<void>;
}>;

export function background(onError: (what: string, error: unknown) => void): Background {
  const running = new Set<Promise<unknown>>();
  return {
    track(what, promise) {
      const tracked: Promise<unknown> = promise.then(
        () => running.delete(tracked),
        (error: unknown) => {
          running.delete(tracked);
          onError(what, error);
        },
      );
      running.add(tracked);
    },
    pending: () => running.size,
    async drained() {
      while (running.size > 0) await Promise.all(running);
    },
  };
}
