import type { Clock } from "../core/clock.ts";
import type { Ending, Scope } from "./lease.ts";
import type { SessionView } from "./slot.ts";

/** What this process saw of sessions, for people to look at; no verdict rests on it. */
export type Sightings = Readonly<{
  started(scope: Scope, session: string): void;
  ended(scope: Scope, session: string, how: Readonly<{ ending: Ending; residenceMs: number }>): void;
  /** It does not reside there any more: displaced, or ended by an operator. */
  evicted(scope: Scope, session: string): void;
  /** Running ones and residing ones. */
  list(): readonly SessionView[];
}>;

type Sighting = SessionView & { running: number; lastSeenMs: number; residesUntilMs: number };

/** Beyond it the one seen first is forgotten. */
const KEPT_MAX = 20_000;

export function sightings(clock: Clock): Sightings {
  const seen = new Map<string, Sighting>();
  const keyOf = (scope: Scope, session: string) => `${scope}|${session}`;
  const over = (one: Sighting) => one.running === 0 && one.residesUntilMs <= clock.monoMs();
  const keepBounded = () => {
    for (const [key, one] of seen) {
      if (seen.size <= KEPT_MAX) return;
      if (one.running === 0) seen.delete(key);
    }
  };
  return {
    started(scope, session) {
      const key = keyOf(scope, session);
      const nowMs = clock.monoMs();
      const known = seen.get(key);
      if (known && !over(known)) {
        known.running++;
        known.lastSeenMs = nowMs;
        return;
      }
      seen.delete(key);
      seen.set(key, { session, scope, running: 1, firstSeenMs: nowMs, lastSeenMs: nowMs, residesUntilMs: 0 });
      keepBounded();
    },
    ended(scope, session, { ending, residenceMs }) {
      const key = keyOf(scope, session);
      const one = seen.get(key);
      if (!one) return;
      one.running--;
      one.lastSeenMs = clock.monoMs();
      if (ending === "done") one.residesUntilMs = one.lastSeenMs + residenceMs;
      if (ending === "failed" && one.running === 0) one.residesUntilMs = 0;
      if (over(one)) seen.delete(key);
    },
    evicted(scope, session) {
      const one = seen.get(keyOf(scope, session));
      if (one) one.residesUntilMs = 0;
    },
    list() {
      for (const [key, one] of seen) if (over(one)) seen.delete(key);
      return [...seen.values()].map(({ session, scope, running, firstSeenMs, lastSeenMs }) => ({
        session,
        scope,
        running,
        firstSeenMs,
        lastSeenMs,
      }));
    },
  };
}
