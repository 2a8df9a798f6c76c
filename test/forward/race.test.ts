import { describe, expect, test } from "bun:test";
import { race } from "../../src/forward/race.ts";
import { seeded } from "../world/seeded.ts";
import { jumpingClock } from "../world/clock.ts";
import { type End, randomScript, type Script, type Step, world } from "./race-world.ts";

/** For tests that play the candidates and the attempts themselves. */
const hedgedAfter50Ms = {
  hedgeAfterMs: () => 50,
  mayHedge: () => true,
  hedgeRefused: () => {},
  attemptsMax: 4,
  atOnceMax: 2,
  hedgeUpTo: 3,
  stop: { lost: () => new Error("lost"), left: () => new Error("left") },
  aside: (_: string, promise: Promise<unknown>) => void promise.catch(() => {}),
};

describe("a race", () => {
  test("keeps its promises under 30,000 random schedules", async () => {
    let losers = 0;
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
      const reason = result.kind === "left" ? "left" : "lost";
      if (seen.calledOff.some((why) => why !== reason)) throw new Error(`not called off: ${context}`);
      losers += seen.calledOff.length;
      // Nobody is given up while somebody could still be asked.
      if (result.kind === "lost" && result.why === null && seen.starts < script.attemptsMax)
        throw new Error(`gave up early: ${context}`);
      if (result.kind === "won") await result.prize[Symbol.asyncDispose]();
      if (seen.leases !== 0) throw new Error(`the winner's lease is left: ${context}`);
    }
    expect(losers).toBeGreaterThan(1_000);
  }, 60_000);

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

  test("asks again for a hedge after a search that outlasted the delay and found nobody", async () => {
    const { clock, runDry } = jumpingClock();
    let searches = 0;
    const running = race<AsyncDisposable & { ms: number }, AsyncDisposable, string, string>(
      {
        ...hedgedAfter50Ms,
        clock,
        async next(kind) {
          if (kind === "hedge") await clock.sleep(80);
          searches++;
          if (searches === 2) return { kind: "none", why: "full" };
          return { kind: "go", candidate: { ms: searches === 1 ? 1_000 : 10, async [Symbol.asyncDispose]() {} } };
        },
        async run(candidate) {
          await clock.sleep(candidate.ms);
          return { kind: "won", prize: { async [Symbol.asyncDispose]() {} } };
        },
      },
      new AbortController().signal,
    );
    await runDry();
    expect(await running).toMatchObject({ kind: "won", attempt: "hedge" });
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
        ...hedgedAfter50Ms,
        clock,
        next: async () => ({ kind: "go", candidate: { async [Symbol.asyncDispose]() {} } }),
        run: () => Promise.reject(new Error("a bug")),
        hedgeAfterMs: () => Number.POSITIVE_INFINITY,
      },
      new AbortController().signal,
    );
    expect(broken).rejects.toThrow("a bug");
  });

  test("looks again after a later loss, which may have made room where there was none", async () => {
    const { clock, runDry } = jumpingClock();
    const asked: string[] = [];
    let room = 2;
    const running = race<AsyncDisposable & { ms: number }, AsyncDisposable, string, string>(
      {
        ...hedgedAfter50Ms,
        clock,
        async next(kind) {
          asked.push(kind);
          if (room === 0) return { kind: "none", why: "full" };
          return { kind: "go", candidate: { ms: room-- === 2 ? 100 : 10, async [Symbol.asyncDispose]() {} } };
        },
        async run(candidate) {
          await clock.sleep(candidate.ms);
          if (candidate.ms === 100) room = 1; // its other key may be tried
          return asked.length > 3
            ? { kind: "won", prize: { async [Symbol.asyncDispose]() {} } }
            : { kind: "lost", reason: "failed" };
        },
      },
      new AbortController().signal,
    );
    await runDry();
    expect(await running).toMatchObject({ kind: "won", attempt: "failover" });
    expect(asked).toEqual(["first", "hedge", "failover", "failover"]);
  });
});
