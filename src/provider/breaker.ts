import type { Clock } from "../core/clock.ts";
import type { BreakerRules } from "./provider.ts";

/** `closed` lets through, `open` does not, `half_open` lets one probe through at a time. */
export type BreakerState = "closed" | "half_open" | "open";

/**
 * Leave to make one attempt. It must be settled exactly once, by whoever owns the attempt: `ok` at content or a
 * definitive answer, `failed` for a fault of the provider, `unknown` where the attempt says nothing about it (the client
 * left, a 429): that frees a probe without judging.
 */
export type Permit = Readonly<{
  settle(outcome: "ok" | "failed" | "unknown"): void;
  /** After `ok`: the stream broke after content. Takes the `ok` back and counts a failure in its stead. */
  broke(): void;
}>;

export type Breaker = Readonly<{
  /** Null while open, or while another probe is under way. */
  permit(rules: BreakerRules): Permit | null;
  /** As `permit` would find it now. */
  state(): BreakerState;
  /** Milliseconds until a probe is let through; 0 unless open. */
  opensInMs(): number;
  /** Closed again, nothing counted: an operator's word. */
  reset(): void;
}>;

type State =
  | Readonly<{ kind: "closed"; failures: number }>
  | Readonly<{ kind: "open"; untilMs: number }>
  | Readonly<{ kind: "half_open"; probesPassed: number; probing: boolean }>;

const CLOSED: State = { kind: "closed", failures: 0 };

/**
 * Consecutive failures open it; after `openMs` one probe at a time; `successes` good probes in a row close it, one bad
 * one opens it again. Permits given before a change of state have no say after it: a crowd of attempts that began while
 * it was closed must not decide what the first probe is there to find out.
 */
export function breaker(clock: Clock, onChange: (state: BreakerState, reason: string) => void): Breaker {
  const own = circuit(clock, onChange);
  return {
    permit(rules) {
      const state = own.due();
      if (state.kind === "open" || (state.kind === "half_open" && state.probing)) return null;
      own.probe(true);
      return permit(own, rules);
    },
    state: () => (own.opensInMs() === 0 && own.state().kind === "open" ? "half_open" : own.state().kind),
    opensInMs: own.opensInMs,
    reset: own.reset,
  };
}

type Circuit = ReturnType<typeof circuit>;

function permit(own: Circuit, rules: BreakerRules): Permit {
  const givenIn = own.era();
  let runBefore = 0;
  let at = 0;
  return {
    settle(outcome) {
      if (own.era() !== givenIn) return;
      if (outcome === "unknown") return own.probe(false);
      if (outcome === "failed") return own.failed(rules, 0);
      // Without this a provider whose every stream breaks after its first words would never open: ok, broke, ok, broke.
      const state = own.state();
      runBefore = state.kind === "closed" ? state.failures : 0;
      at = own.succeeded(rules);
    },
    broke() {
      // A probe is judged by itself alone, not by streams that began long before it.
      if (own.state().kind === "half_open" && own.era() !== givenIn) return;
      // Each success since has ended a part of that run: one stream that breaks after many good ones proves little.
      own.failed(rules, runBefore - (own.successes() - at));
    },
  };
}

/** The state and what moves it. */
function circuit(clock: Clock, onChange: (state: BreakerState, reason: string) => void) {
  let state: State = CLOSED;
  /** Counts the changes of state, so that a permit knows whether it is of an earlier one. */
  let era = 0;
  let successes = 0;

  function turn(next: State, reason: string) {
    state = next;
    era++;
    onChange(next.kind, reason);
  }
  function open(rules: BreakerRules, reason: string) {
    turn({ kind: "open", untilMs: clock.monoMs() + rules.openMs }, reason);
  }
  return {
    state: () => state,
    era: () => era,
    /** Of all times. */
    successes: () => successes,
    opensInMs: () => (state.kind === "open" ? Math.max(0, state.untilMs - clock.monoMs()) : 0),
    /** The state after what time alone brings about. */
    due(): State {
      const over = state.kind === "open" && clock.monoMs() >= state.untilMs;
      if (over) turn({ kind: "half_open", probesPassed: 0, probing: false }, "open_time_over");
      return state;
    },
    probe(probing: boolean) {
      if (state.kind === "half_open") state = { ...state, probing };
    },
    failed(rules: BreakerRules, runBefore: number) {
      if (state.kind === "half_open") return open(rules, "probe_failed");
      if (state.kind === "open") return;
      const failures = Math.max(state.failures, runBefore) + 1;
      if (failures >= rules.failures) open(rules, "failures");
      else state = { kind: "closed", failures };
    },
    /** Answers how many successes there have been, this one included. */
    succeeded(rules: BreakerRules): number {
      successes++;
      if (state.kind === "closed") state = CLOSED;
      if (state.kind !== "half_open") return successes;
      const probesPassed = state.probesPassed + 1;
      if (probesPassed >= rules.successes) turn(CLOSED, "probes_succeeded");
      else state = { kind: "half_open", probesPassed, probing: false };
      return successes;
    },
    reset() {
      if (state.kind !== "closed") turn(CLOSED, "reset");
      state = CLOSED;
    },
  };
}
