import type { Clock } from "../../core/clock.ts";

/**
 * What is known of a server's clock, so that a deadline can be named in it: never later than the server's own, because a
 * reply's time is at least as old as the reply. In a cluster each scope has a server of its own.
 */
export type ServerTime = Readonly<{
  heard(scope: string, nowMs: number): void;
  /** The server's time `ms` from now; 0 (no deadline) before the first reply. */
  deadline(scope: string, ms: number): number;
}>;

export function serverTime(clock: Clock): ServerTime {
  const offsets = new Map<string, number>(); // as many as scopes are configured
  return {
    heard: (scope, nowMs) => void offsets.set(scope, nowMs - clock.monoMs()),
    deadline(scope, ms) {
      const offsetMs = offsets.get(scope);
      return offsetMs === undefined ? 0 : Math.floor(offsetMs + clock.monoMs() + ms);
    },
  };
}
