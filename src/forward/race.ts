import type { AttemptKind } from "../core/events.ts";
import { inbox } from "./inbox.ts";
import type { Finish, Next, Rules } from "./race-rules.ts";
import { type Note, type Runner, type Runners, runners } from "./runners.ts";

export type Result<Prize, Reason, Why> =
  | Readonly<{ kind: "won"; prize: Prize; attempt: AttemptKind; hedged: boolean }>
  /** `why`: why no further candidate was found; null when attempts were used up. */
  | Readonly<{ kind: "lost"; reasons: readonly Reason[]; why: Why | null }>
  /** The signal aborted before anybody won. */
  | Readonly<{ kind: "left" }>;

/**
 * Failover and hedging as one loop: a loss starts the next attempt at once, lateness starts one beside it (failover alone
 * is a hedge delay of Infinity). Everything that happens arrives as a note in one inbox and is handled to its end before
 * the next is looked at, so there is exactly one settlement and no start after it; what comes in later than the
 * settlement is disposed.
 */
export async function race<Candidate extends AsyncDisposable, Prize extends AsyncDisposable, Reason, Why>(
  rules: Rules<Candidate, Prize, Reason, Why>,
  signal: AbortSignal,
): Promise<Result<Prize, Reason, Why>> {
  if (signal.aborted) return { kind: "left" };
  const notes = inbox<Note<Candidate, Prize, Reason, Why>>();
  const field = runners(rules, notes);
  const dispose = (owned: AsyncDisposable) => rules.aside("loser", Promise.resolve(owned[Symbol.asyncDispose]()));
  const judge = umpire(rules, field, dispose);
  const onAbort = () => notes.put({ kind: "left" });
  signal.addEventListener("abort", onAbort, { once: true });
  let result: Result<Prize, Reason, Why> | null = null;
  try {
    field.seek("first");
    while (!result) {
      const note = await notes.take();
      if (note.kind === "broken") throw note.error;
      result = note.kind === "left" ? { kind: "left" } : judge.decide(note);
    }
    return result;
  } finally {
    signal.removeEventListener("abort", onAbort);
    if (result === null || result.kind === "left") judge.abandon();
    // Where all have lost nothing goes on that would be given a reason.
    field.callOff(result?.kind === "won" ? rules.stop.lost(result.prize) : rules.stop.left());
    notes.close((late) => {
      if (late.kind === "next" && late.next.kind === "go") dispose(late.next.candidate);
      if (late.kind === "finished" && late.finish.kind !== "lost") dispose(late.finish.prize);
    });
  }
}

/** Says what follows from each note: a result that ends the race, or null to go on. */
function umpire<Candidate extends AsyncDisposable, Prize extends AsyncDisposable, Reason, Why>(
  rules: Rules<Candidate, Prize, Reason, Why>,
  field: Runners<Candidate>,
  dispose: (owned: AsyncDisposable) => void,
) {
  type Verdict = Result<Prize, Reason, Why> | null;
  const reasons: Reason[] = [];
  let held: { prize: Prize; attempt: AttemptKind } | null = null;
  let hedged = false;
  let why: Why | null = null;

  function late(): Verdict {
    if (held || field.running() === 0 || field.extend()) return null;
    if (field.started() >= Math.min(rules.hedgeUpTo, rules.attemptsMax)) return null;
    field.rearm();
    if (!field.searching() && field.running() < rules.atOnceMax && rules.mayHedge()) field.seek("hedge");
    return null;
  }
  function found(attempt: AttemptKind, next: Next<Candidate, Why>): Verdict {
    field.found();
    if (next.kind === "go" && !held) {
      hedged ||= attempt === "hedge";
      field.launch(next.candidate, attempt);
      return null;
    }
    if (next.kind === "go") dispose(next.candidate);
    // A hedge is choosier than a failover: that it found nobody says nothing about the next loss.
    else if (attempt === "hedge") rules.hedgeRefused(next.why);
    else why = next.why;
    return field.running() > 0 ? null : goOn();
  }
  function finished(runner: Runner, finish: Finish<Prize, Reason>): Verdict {
    field.finished(runner);
    if (finish.kind === "won") {
      if (held) dispose(held.prize);
      return { kind: "won", prize: finish.prize, attempt: runner.kind, hedged };
    }
    if (finish.kind === "lost") {
      reasons.push(finish.reason);
      // It may have made room where the last search found none: a provider has several keys.
      why = null;
    } else if (held) {
      dispose(finish.prize);
    } else {
      held = { prize: finish.prize, attempt: runner.kind };
    }
    return goOn();
  }
  /** After something ended: the held answer, another try, or the end. */
  function goOn(): Verdict {
    const running = field.running();
    if (held) return running > 0 ? null : { kind: "won", ...held, hedged };
    if (field.searching()) return null;
    if (why === null && field.started() < rules.attemptsMax && running < rules.atOnceMax) {
      field.seek(field.started() === 0 ? "first" : "failover");
      return null;
    }
    return running > 0 ? null : { kind: "lost", reasons, why };
  }
  return {
    decide(note: Exclude<Note<Candidate, Prize, Reason, Why>, { kind: "left" | "broken" }>): Verdict {
      if (note.kind === "late") return late();
      return note.kind === "next" ? found(note.attempt, note.next) : finished(note.runner, note.finish);
    },
    /** Nobody wins: what was held back is not wanted. */
    abandon() {
      if (held) dispose(held.prize);
    },
  };
}
