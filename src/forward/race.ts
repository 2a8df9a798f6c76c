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
  /** Makes the attempt; never rejects. `started` is told once when generation has begun (extends the hedge delay). */
  run(
    candidate: Candidate,
    kind: AttemptKind,
    signal: AbortSignal,
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
  /** Reasons given to those called off. */
  stop: Readonly<{ lost(): unknown; left(): unknown }>;
  /** Takes over what goes on after the race: losers on their way out. */
  aside(what: string, rest: Promise<unknown>): void;
}>;

export type Result<Prize, Reason, Why> =
  | Readonly<{ kind: "won"; prize: Prize; attempt: AttemptKind; hedged: boolean }>
  /** `why`: why no further candidate was found; null when attempts were used up. */
  | Readonly<{ kind: "lost"; reasons: readonly Reason[]; why: Why | null }>
  /** The signal aborted before anybody won. */
  | Readonly<{ kind: "left" }>;

/** The longest that the sign of life "generation has begun" puts a hedge off. */
const EXTENSION_MS_MAX = 2_000;

/** A hedge that was denied is not asked for again sooner than this, however short the delay. */
const REARM_MS_MIN = 50;

type Running = { readonly kind: AttemptKind; readonly abort: AbortController; started: boolean };

type Note<Candidate, Prize, Reason, Why> =
  | { kind: "next"; attempt: AttemptKind; next: Next<Candidate, Why> }
  | { kind: "finished"; running: Running; finish: Finish<Prize, Reason> }
  | { kind: "late" }
  | { kind: "left" }
  /** `next` or `run` threw: a bug of theirs, which must end the race and not leave it waiting. */
  | { kind: "broken"; error: unknown };

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
  const notes = inbox<Note<Candidate, Prize, Reason, Why>>();
  const running = new Set<Running>();
  const reasons: Reason[] = [];
  let started = 0;
  let hedged = false;
  /** Set while a candidate is being looked for: at most one search at a time. */
  let search: { kind: AttemptKind; abort: AbortController } | null = null;
  let held: { prize: Prize; attempt: AttemptKind } | null = null;
  let why: Why | null = null;
  let timer: { cancel: () => void; delayMs: number; extended: boolean } | null = null;

  function seek(kind: AttemptKind) {
    const abort = new AbortController();
    search = { kind, abort };
    rules.aside(
      "search",
      rules.next(kind, abort.signal).then(
        (next) => notes.put({ kind: "next", attempt: kind, next }),
        (error: unknown) => {
          if (!abort.signal.aborted) notes.put({ kind: "broken", error });
        },
      ),
    );
  }
  function launch(candidate: Candidate, kind: AttemptKind) {
    const mine: Running = { kind, abort: new AbortController(), started: false };
    running.add(mine);
    started++;
    if (kind === "hedge") hedged = true;
    arm(rules.hedgeAfterMs(candidate));
    const markStarted = () => {
      mine.started = true;
    };
    rules.aside(
      "attempt",
      rules.run(candidate, kind, mine.abort.signal, markStarted).then(
        (finish) => notes.put({ kind: "finished", running: mine, finish }),
        (error: unknown) => notes.put({ kind: "broken", error }),
      ),
    );
  }
  function arm(delayMs: number, extended = false) {
    timer?.cancel();
    timer = null;
    if (!Number.isFinite(delayMs)) return;
    timer = { cancel: rules.clock.after(delayMs, () => notes.put({ kind: "late" })), delayMs, extended };
  }
  function onLate() {
    if (!timer || held || search || running.size === 0) return;
    const { delayMs, extended } = timer;
    const [first] = running;
    if (running.size === 1 && first?.started && !extended) return arm(Math.min(delayMs / 2, EXTENSION_MS_MAX), true);
    if (started >= Math.min(rules.hedgeUpTo, rules.attemptsMax)) return;
    arm(Math.max(delayMs, REARM_MS_MIN), true);
    if (running.size < rules.atOnceMax && rules.mayHedge()) seek("hedge");
  }
  function over(reason: unknown) {
    signal.removeEventListener("abort", onAbort);
    timer?.cancel();
    search?.abort.abort(reason);
    for (const one of running) one.abort.abort(reason);
    notes.close((late) => {
      if (late.kind === "next" && late.next.kind === "go") dispose(late.next.candidate);
      if (late.kind === "finished" && late.finish.kind !== "lost") dispose(late.finish.prize);
    });
  }
  function dispose(owned: AsyncDisposable) {
    rules.aside("loser", Promise.resolve(owned[Symbol.asyncDispose]()));
  }
  function win(prize: Prize, attempt: AttemptKind): Result<Prize, Reason, Why> {
    if (held && held.prize !== prize) dispose(held.prize);
    over(rules.stop.lost());
    return { kind: "won", prize, attempt, hedged };
  }
  /** After something ended: the held answer, another try, or the end. Null: wait on. */
  function goOn(): Result<Prize, Reason, Why> | null {
    if (held) return running.size === 0 ? win(held.prize, held.attempt) : null;
    if (search) return null;
    if (why === null && started < rules.attemptsMax && running.size < rules.atOnceMax) {
      seek(started === 0 ? "first" : "failover");
      return null;
    }
    if (running.size > 0) return null;
    over(rules.stop.lost());
    return { kind: "lost", reasons, why };
  }

  const onAbort = () => notes.put({ kind: "left" });
  if (signal.aborted) return { kind: "left" };
  signal.addEventListener("abort", onAbort, { once: true });
  seek("first");
  for (;;) {
    const note = await notes.take();
    if (note.kind === "left" || note.kind === "broken") {
      if (held) dispose(held.prize);
      over(rules.stop.left());
      if (note.kind === "broken") throw note.error;
      return { kind: "left" };
    }
    if (note.kind === "late") {
      onLate();
      continue;
    }
    if (note.kind === "next") {
      search = null;
      if (note.next.kind === "go") {
        if (held) dispose(note.next.candidate);
        else launch(note.next.candidate, note.attempt);
        if (!held) continue;
      } else if (note.attempt === "hedge") {
        // A hedge is choosier than a failover: that it found nobody says nothing about the next loss.
        rules.hedgeRefused(note.next.why);
        if (running.size > 0) continue;
      } else {
        why = note.next.why;
      }
    } else {
      running.delete(note.running);
      if (note.finish.kind === "won") return win(note.finish.prize, note.running.kind);
      if (note.finish.kind === "lost") reasons.push(note.finish.reason);
      else if (held) dispose(note.finish.prize);
      else held = { prize: note.finish.prize, attempt: note.running.kind };
    }
    const result = goOn();
    if (result) return result;
  }
}

/** Notes in the order they came; one reader. After `close` each late one goes to `onLate`. */
function inbox<Note>() {
  const waiting: Note[] = [];
  let wake: ((note: Note) => void) | null = null;
  let late: ((note: Note) => void) | null = null;
  return {
    put(note: Note) {
      if (late) return late(note);
      if (!wake) return void waiting.push(note);
      const reader = wake;
      wake = null;
      reader(note);
    },
    take(): Promise<Note> {
      const note = waiting.shift();
      return note === undefined ? new Promise((resolve) => (wake = resolve)) : Promise.resolve(note);
    },
    close(onLate: (note: Note) => void) {
      late = onLate;
      for (const note of waiting.splice(0)) onLate(note);
    },
  };
}
