import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { breaker, type Permit } from "../../src/provider/breaker.ts";
import { handClock } from "../world/clock.ts";

const RULES = { failures: 3, openMs: 100, successes: 2 };

type Step = Readonly<{ what: "ask" | "ok" | "failed" | "unknown" | "wait"; which: number }>;

const steps = fc.array(
  fc.record({
    what: fc.constantFrom<Step["what"]>("ask", "ask", "ok", "failed", "unknown", "wait"),
    which: fc.nat(7),
  }),
  { maxLength: 80 },
);

/** The same rules in other words: what each permit was given for decides whether it has a say. */
function model() {
  let phase = 0;
  let state: "closed" | "open" | "half_open" = "closed";
  let run = 0;
  let good = 0;
  let untilMs = 0;
  let probes = 0;
  const enter = (next: typeof state, nowMs: number) => {
    state = next;
    phase++;
    run = good = probes = 0;
    if (next === "open") untilMs = nowMs + RULES.openMs;
  };
  return {
    ask(nowMs: number): number | null {
      if (state === "open" && nowMs >= untilMs) enter("half_open", nowMs);
      if (state === "open" || (state === "half_open" && probes > 0)) return null;
      probes++;
      return phase;
    },
    settle(ofPhase: number, outcome: "ok" | "failed" | "unknown", nowMs: number) {
      if (ofPhase !== phase) return;
      if (state === "half_open") {
        probes = 0;
        if (outcome === "failed") enter("open", nowMs);
        else if (outcome === "ok" && ++good === RULES.successes) enter("closed", nowMs);
      } else if (outcome === "ok") run = 0;
      else if (outcome === "failed" && ++run === RULES.failures) enter("open", nowMs);
    },
    state: (nowMs: number) => (state === "open" && nowMs >= untilMs ? "half_open" : state),
  };
}

test("any order of asking, settling and waiting does what the rules in other words say", async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (plan) => {
      let nowMs = 0;
      const clock = { ...handClock(), monoMs: () => nowMs };
      const real = breaker(clock, () => {});
      const ideal = model();
      const open: { permit: Permit; phase: number }[] = [];
      for (const { what, which } of plan) {
        if (what === "wait") nowMs += which * 25;
        else if (what === "ask") {
          const [permit, phase] = [real.permit(RULES), ideal.ask(nowMs)];
          expect(permit !== null).toBe(phase !== null);
          if (permit && phase !== null) open.push({ permit, phase });
        } else {
          const [one] = open.splice(which % Math.max(1, open.length), 1);
          one?.permit.settle(what);
          if (one) ideal.settle(one.phase, what, nowMs);
        }
        expect(real.state()).toBe(ideal.state(nowMs));
      }
    }),
    { numRuns: 2_000 },
  );
});
