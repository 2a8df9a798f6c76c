import { describe, expect, test } from "bun:test";
import type { Clock } from "../../src/core/clock.ts";
import { sleepWith } from "../../src/core/clock.ts";
import type { AttemptKind } from "../../src/core/events.ts";
import { type Finish, type Next, type Result, race } from "../../src/forward/race.ts";

/** A clock for tens of thousands of races: time jumps to the next timer whenever nothing but timers is left to happen. */
function jumpingClock() {
  let nowMs = 0;
  let sequence = 0;
  const timers = new Map<number, { dueMs: number; callback: () => void }>();
  const after: Clock["after"] = (ms, callback) => {
    const id = ++sequence;
    timers.set(id, { dueMs: nowMs + ms, callback });
    return () => timers.delete(id);
  };
  const clock: Clock = {
    wallMs: () => nowMs,
    monoMs: () => nowMs,
    after,
    sleep: (ms, signal) => sleepWith(after, ms, signal),
  };
  return {
    clock,
    timers: () => timers.size,
    async runDry() {
      for (;;) {
        for (let turn = 0; turn < 40; turn++) await null;
        let next: [number, { dueMs: number; callback: () => void }] | null = null;
        for (const entry of timers) if (!next || entry[1].dueMs < next[1].dueMs) next = entry;
        if (!next) return;
        timers.delete(next[0]);
        nowMs = next[1].dueMs;
        next[1].callback();
      }
    },
  };
}

/** mulberry32: a small seeded generator, so that a schedule that fails can be run again. */
function seeded(seed: number) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

type End = "won" | "held" | "lost";
type Step = { slotMs: number; granted: boolean; runMs: number; end: End; startsMs: number; deafMs: number };
type Script = {
  steps: Step[];
  hedgeAfterMs: number;
  budget: number;
  atOnceMax: number;
  attemptsMax: number;
  hedgeUpTo: number;
  leavesMs: number | null;
};

/** Everything that must hold is counted here while a race runs. */
function world(script: Script) {
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
    kinds: [] as AttemptKind[],
    aside: 0,
  };
  let budget = script.budget;
  let at = 0;

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
    signal: AbortSignal,
    started: () => void,
  ): Promise<Finish<Prize, string>> {
    const { step } = candidate;
    seen.starts++;
    if (seen.settled) seen.startsAfterEnd++;
    seen.running++;
    seen.mostAtOnce = Math.max(seen.mostAtOnce, seen.running);
    const cancelStarted = clock.after(step.startsMs, started);
    try {
      await clock.sleep(step.runMs, signal);
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
        result = value;
      });
      await runDry();
      await running;
      return result as Result<Prize, string, string>;
    },
  };
}

function randomScript(random: () => number): Script {
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

describe("a race", () => {
  test("keeps its promises under 30,000 random schedules", async () => {
    for (let seed = 1; seed <= 30_000; seed++) {
      const script = randomScript(seeded(seed));
      const it = world(script);
      const result = await it.play();
      const { seen } = it;
      const context = `seed ${seed} ${JSON.stringify(script)} ${JSON.stringify(seen)}`;
      if (seen.startsAfterEnd > 0) throw new Error(`started after the end: ${context}`);
      if (seen.mostAtOnce > script.atOnceMax) throw new Error(`more at once than allowed: ${context}`);
      if (seen.starts > script.attemptsMax) throw new Error(`more attempts than allowed: ${context}`);
      if (seen.doubleRelease > 0) throw new Error(`a lease given back twice: ${context}`);
      const mine = result.kind === "won" ? 1 : 0;
      if (seen.leases !== mine || seen.prizesOpen !== mine) throw new Error(`a lease or a prize is left: ${context}`);
      if (seen.running !== 0 || seen.aside !== 0 || it.timers() !== 0)
        throw new Error(`something still runs: ${context}`);
      // Nobody is given up while somebody could still be asked.
      if (result.kind === "lost" && result.why === null && seen.starts < script.attemptsMax)
        throw new Error(`gave up early: ${context}`);
      if (result.kind === "won") await result.prize[Symbol.asyncDispose]();
      if (seen.leases !== 0) throw new Error(`the winner's lease is left: ${context}`);
    }
    expect.assertions(0);
  });

  const step = (runMs: number, end: End, more: Partial<Step> = {}): Step => ({
    slotMs: 0,
    granted: true,
    runMs,
    end,
    startsMs: 1e6,
    deafMs: 0,
    ...more,
  });
  const script = (steps: Step[], more: Partial<Script> = {}): Script => ({
    steps,
    hedgeAfterMs: Number.POSITIVE_INFINITY,
    budget: 5,
    atOnceMax: 2,
    attemptsMax: 4,
    hedgeUpTo: 3,
    leavesMs: null,
    ...more,
  });

  test("fails over at once and says who won", async () => {
    const it = world(script([step(10, "lost"), step(10, "won")]));
    const result = await it.play();
    expect(result).toMatchObject({ kind: "won", attempt: "failover", hedged: false });
  });

  test("hedges a late first and calls it off when the hedge wins", async () => {
    const it = world(script([step(500, "won"), step(10, "won")], { hedgeAfterMs: 50 }));
    const result = await it.play();
    expect(result).toMatchObject({ kind: "won", attempt: "hedge", hedged: true });
    expect(it.seen.abortedRuns).toBe(1);
  });

  test("gives an attempt that has begun to generate one extension of half the delay", async () => {
    const late = script([step(70, "won", { startsMs: 20 }), step(10, "won")], { hedgeAfterMs: 50 });
    expect(await world(late).play()).toMatchObject({ kind: "won", attempt: "first", hedged: false });
    const later = script([step(90, "won", { startsMs: 20 }), step(10, "won")], { hedgeAfterMs: 50 });
    expect(await world(later).play()).toMatchObject({ kind: "won", attempt: "hedge", hedged: true });
  });

  test("keeps an answer without content back while another attempt may still bring some", async () => {
    const it = world(script([step(60, "held"), step(100, "won")], { hedgeAfterMs: 50 }));
    expect(await it.play()).toMatchObject({ kind: "won", attempt: "hedge" });
    const alone = world(script([step(60, "held"), step(100, "lost")], { hedgeAfterMs: 50 }));
    expect(await alone.play()).toMatchObject({ kind: "won", attempt: "first" });
  });

  test("starts nothing after an answer without content", async () => {
    const it = world(script([step(10, "held"), step(10, "won")]));
    expect(await it.play()).toMatchObject({ kind: "won", attempt: "first" });
    expect(it.seen.starts).toBe(1);
  });

  test("an empty budget starts no hedge and stops no running attempt", async () => {
    const it = world(script([step(500, "won"), step(10, "won")], { hedgeAfterMs: 50, budget: 0 }));
    expect(await it.play()).toMatchObject({ kind: "won", attempt: "first", hedged: false });
    expect(it.seen.abortedRuns).toBe(0);
  });

  test("gives back a slot that is granted after the race is over", async () => {
    const it = world(script([step(60, "won"), step(10, "won", { slotMs: 40 })], { hedgeAfterMs: 50 }));
    expect(await it.play()).toMatchObject({ kind: "won", attempt: "first", hedged: false });
    expect(it.seen.leases).toBe(1);
  });

  test("a client that leaves calls everything off", async () => {
    const it = world(script([step(500, "won"), step(500, "won")], { hedgeAfterMs: 50, leavesMs: 100 }));
    expect(await it.play()).toEqual({ kind: "left" });
    expect(it.seen).toMatchObject({ abortedRuns: 2, leases: 0, running: 0 });
  });

  test("ends, instead of waiting for ever, when an attempt throws", async () => {
    const { clock } = jumpingClock();
    const broken = race<AsyncDisposable, AsyncDisposable, string, string>(
      {
        clock,
        next: async () => ({ kind: "go", candidate: { async [Symbol.asyncDispose]() {} } }),
        run: () => Promise.reject(new Error("a bug")),
        hedgeAfterMs: () => Number.POSITIVE_INFINITY,
        mayHedge: () => true,
        hedgeRefused: () => {},
        attemptsMax: 4,
        atOnceMax: 2,
        hedgeUpTo: 3,
        stop: { lost: () => new Error("lost"), left: () => new Error("left") },
        aside: (_, promise) => void promise.catch(() => {}),
      },
      new AbortController().signal,
    );
    expect(broken).rejects.toThrow("a bug");
  });
});
