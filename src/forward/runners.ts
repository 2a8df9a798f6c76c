import type { AttemptKind } from "../core/events.ts";
import type { Inbox } from "./inbox.ts";
import { lateTimer } from "./late-timer.ts";
import type { Finish, Next, Rules } from "./race-rules.ts";

/** One attempt that runs. */
export type Runner = Readonly<{ kind: AttemptKind }>;

/** What happens in a race, told to the one who decides. */
export type Note<Candidate, Prize, Reason, Why> =
  | Readonly<{ kind: "next"; attempt: AttemptKind; next: Next<Candidate, Why> }>
  | Readonly<{ kind: "finished"; runner: Runner; finish: Finish<Prize, Reason> }>
  | Readonly<{ kind: "late" }>
  | Readonly<{ kind: "left" }>
  /** `next` or `run` threw: a bug of theirs, which must end the race and not leave it waiting. */
  | Readonly<{ kind: "broken"; error: unknown }>;

/** All that goes on in one race: the search for a candidate, the attempts, the timer. Decides nothing; owns it all until `callOff`. */
export type Runners<Candidate> = Readonly<{
  /** Looks for a candidate; one search at a time, until its note was `found`. */
  seek(kind: AttemptKind): void;
  searching(): boolean;
  found(): void;
  launch(candidate: Candidate, kind: AttemptKind): void;
  finished(runner: Runner): void;
  running(): number;
  /** Attempts started so far, ended ones included. */
  started(): number;
  /** The timer went off: the attempt that is alone and has begun to generate has its one extension now. */
  extend(): boolean;
  /** Sets the timer anew, for when this moment brings no hedge. */
  rearm(): void;
  /** Aborts everything that goes on; its notes still come. */
  callOff(reason: unknown): void;
}>;

export function runners<Candidate extends AsyncDisposable, Prize extends AsyncDisposable, Reason, Why>(
  rules: Rules<Candidate, Prize, Reason, Why>,
  notes: Inbox<Note<Candidate, Prize, Reason, Why>>,
): Runners<Candidate> {
  const all = new Map<Runner, { abort: AbortController; generating: boolean }>();
  const timer = lateTimer(rules.clock, () => notes.put({ kind: "late" }));
  let search: AbortController | null = null;
  /** A search and the attempt that it finds are called off in one way: they follow each other, and are never both. */
  let follows: AbortController | null = null;
  let started = 0;
  const broken = (error: unknown) => notes.put({ kind: "broken", error });

  return {
    seek(kind) {
      const abort = new AbortController();
      search = abort;
      const sought = rules.next(kind, abort.signal).then(
        (next) => notes.put({ kind: "next", attempt: kind, next }),
        (error: unknown) => {
          if (!abort.signal.aborted) broken(error);
        },
      );
      rules.aside("search", sought);
    },
    searching: () => search !== null,
    found() {
      follows = search;
      search = null;
    },
    launch(candidate, kind) {
      const runner: Runner = { kind };
      const state = { abort: follows ?? new AbortController(), generating: false };
      follows = null;
      all.set(runner, state);
      started++;
      timer.arm(rules.hedgeAfterMs(candidate));
      const generating = () => {
        state.generating = true;
      };
      const run = rules
        .run(candidate, kind, state.abort, generating)
        .then((finish) => notes.put({ kind: "finished", runner, finish }), broken);
      rules.aside("attempt", run);
    },
    finished: (runner) => all.delete(runner),
    running: () => all.size,
    started: () => started,
    extend() {
      const [alone, ...others] = all.values();
      return others.length === 0 && alone?.generating === true && timer.extend();
    },
    rearm: timer.again,
    callOff(reason) {
      timer.cancel();
      search?.abort(reason);
      for (const { abort } of all.values()) abort.abort(reason);
    },
  };
}
