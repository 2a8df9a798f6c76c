import type { AttemptKind } from "../../src/core/events.ts";
import { type Result, race } from "../../src/forward/race.ts";
import type { Finish, Next } from "../../src/forward/race-rules.ts";
import { jumpingClock } from "../world/clock.ts";

export type End = "won" | "held" | "lost";
export type Step = { slotMs: number; granted: boolean; runMs: number; end: End; startsMs: number; deafMs: number };
export type Script = {
  steps: Step[];
  hedgeAfterMs: number;
  budget: number;
  atOnceMax: number;
  attemptsMax: number;
  hedgeUpTo: number;
  leavesMs: number | null;
};

/** Everything that must hold is counted here while a race runs. */
export function world(script: Script) {
  const { clock, runDry, timers } = jumpingClock();
  const seen = {
    leases: 0,
    running: 0,
    mostAtOnce: 0,
    starts: 0,
    startsAfterEnd: 0,
    settled: false,
    prizesOpen: 0,
    doubleRelease: 0,
    abortedRuns: 0,
    /** What went on when the race settled, attempts and searches: why each was called off, null where it was not. */
    calledOff: [] as (string | null)[],
    kinds: [] as AttemptKind[],
    aside: 0,
  };
  let budget = script.budget;
  let at = 0;
  const underWay = new Set<AbortSignal>();
  const why = (signal: AbortSignal) => (signal.aborted ? (signal.reason as Error).message : null);

  function lease() {
    seen.leases++;
    let open = true;
    return () => {
      if (!open) seen.doubleRelease++;
      open = false;
      seen.leases--;
    };
  }
  type Candidate = AsyncDisposable & { step: Step; release: () => void };
  type Prize = AsyncDisposable & { step: Step };
  async function next(kind: AttemptKind, signal: AbortSignal): Promise<Next<Candidate, string>> {
    underWay.add(signal);
    using _ = { [Symbol.dispose]: () => underWay.delete(signal) };
    for (;;) {
      const step = script.steps[at++];
      if (!step) return { kind: "none", why: "none left" };
      await clock.sleep(step.slotMs);
      if (!step.granted) {
        signal.throwIfAborted();
        continue;
      }
      const release = lease();
      seen.kinds.push(kind);
      return {
        kind: "go",
        candidate: {
          step,
          release,
          async [Symbol.asyncDispose]() {
            release();
          },
        },
      };
    }
  }
  async function run(
    candidate: Candidate,
    _: AttemptKind,
    { signal }: AbortController,
    started: () => void,
  ): Promise<Finish<Prize, string>> {
    const { step } = candidate;
    seen.starts++;
    if (seen.settled) seen.startsAfterEnd++;
    seen.running++;
    seen.mostAtOnce = Math.max(seen.mostAtOnce, seen.running);
    underWay.add(signal);
    const cancelStarted = clock.after(step.startsMs, started);
    try {
      await clock.sleep(step.runMs, signal);
      underWay.delete(signal);
    } catch {
      seen.abortedRuns++;
      await clock.sleep(step.deafMs); // a socket takes its time to end
      seen.running--;
      cancelStarted();
      candidate.release();
      return { kind: "lost", reason: "aborted" };
    }
    cancelStarted();
    seen.running--;
    if (step.end === "lost") {
      candidate.release();
      return { kind: "lost", reason: "failed" };
    }
    seen.prizesOpen++;
    return {
      kind: step.end,
      prize: {
        step,
        async [Symbol.asyncDispose]() {
          seen.prizesOpen--;
          candidate.release();
        },
      },
    };
  }
  return {
    seen,
    timers,
    async play() {
      const client = new AbortController();
      if (script.leavesMs !== null) clock.after(script.leavesMs, () => client.abort());
      let result: Result<Prize, string, string> | undefined;
      const running = race<Candidate, Prize, string, string>(
        {
          clock,
          next,
          run,
          hedgeAfterMs: () => script.hedgeAfterMs,
          mayHedge: () => budget-- > 0,
          hedgeRefused: () => {},
          attemptsMax: script.attemptsMax,
          atOnceMax: script.atOnceMax,
          hedgeUpTo: script.hedgeUpTo,
          stop: { lost: () => new Error("lost"), left: () => new Error("left") },
          aside(_, promise) {
            seen.aside++;
            void promise.finally(() => seen.aside--);
          },
        },
        client.signal,
      ).then((value) => {
        seen.settled = true;
        // No time has passed since: what is called off a moment later is called off too late.
        seen.calledOff = [...underWay].map(why);
        result = value;
      });
      await runDry();
      await running;
      return result as Result<Prize, string, string>;
    },
  };
}

export function randomScript(random: () => number): Script {
  const pick = <T>(...values: T[]) => values[Math.floor(random() * values.length)] as T;
  const ms = () => Math.floor(random() * 100);
  return {
    steps: Array.from({ length: Math.floor(random() * 6) }, () => ({
      slotMs: pick(0, 0, ms()),
      granted: random() < 0.8,
      runMs: ms(),
      end: pick<End>("won", "lost", "lost", "held"),
      startsMs: ms(),
      deafMs: pick(0, ms()),
    })),
    hedgeAfterMs: pick(Number.POSITIVE_INFINITY, ms(), ms(), 0),
    budget: pick(0, 1, 5),
    atOnceMax: pick(1, 2, 3),
    attemptsMax: pick(1, 2, 4),
    hedgeUpTo: pick(1, 2, 3),
    leavesMs: random() < 0.25 ? ms() * 2 : null,
  };
}
