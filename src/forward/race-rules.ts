import type { Clock } from "../core/clock.ts";
import type { AttemptKind } from "../core/events.ts";

/** How one attempt came out. */
export type Finish<Prize, Reason> =
  /** Content, or a definitive answer: settles the race. */
  | Readonly<{ kind: "won"; prize: Prize }>
  /** A valid answer without content: delivered only if nobody else commits. */
  | Readonly<{ kind: "held"; prize: Prize }>
  /** Nothing of it reached the client: another may try. */
  | Readonly<{ kind: "lost"; reason: Reason }>;

/** Who goes next. `none` says why nobody can; an owned candidate is disposed by whoever holds it when the race is over. */
export type Next<Candidate, Why> = Readonly<{ kind: "go"; candidate: Candidate } | { kind: "none"; why: Why }>;

/**
 * What a race is about, with nothing of HTTP in it. `Candidate` and `Prize` own something (a slot, a socket): a candidate
 * passes into `run`, which hands it on in the prize or gives it back itself, whichever way it ends.
 */
export type Rules<Candidate extends AsyncDisposable, Prize extends AsyncDisposable, Reason, Why> = Readonly<{
  clock: Clock;
  /** Finds and admits the next candidate. May wait; must give up soon after the signal aborts. Never rejects but for the signal. */
  next(kind: AttemptKind, signal: AbortSignal): Promise<Next<Candidate, Why>>;
  /**
   * Makes the attempt; never rejects. It is called off through `abort`, which is its own to pull as well. `started` is
   * told once when generation has begun (extends the hedge delay).
   */
  run(
    candidate: Candidate,
    kind: AttemptKind,
    abort: AbortController,
    started: () => void,
  ): Promise<Finish<Prize, Reason>>;
  /** Milliseconds after which a running attempt counts as late; Infinity = never hedged. */
  hedgeAfterMs(candidate: Candidate): number;
  /** Asked when a hedge is due and could be started: budget and guards. */
  mayHedge(): boolean;
  /** A hedge was due but found no candidate. */
  hedgeRefused(why: Why): void;
  /** All attempts of one race, hedges included; and how many of them may run at once. */
  attemptsMax: number;
  atOnceMax: number;
  /** The timer starts no hedge once this many attempts have started. */
  hedgeUpTo: number;
  /** Reasons given to those called off: they lost to this one, or nobody won. */
  stop: Readonly<{ lost(winner: Prize): unknown; left(): unknown }>;
  /** Takes over what goes on after the race: losers on their way out. */
  aside(what: string, rest: Promise<unknown>): void;
}>;
