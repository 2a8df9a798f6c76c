import { type Clock, sleepWith } from "../../src/core/clock.ts";

/** A clock moved by hand. `sleepers` must be 0 at the end of a test: a timer left over is a leak. */
export type HandClock = Clock &
  Readonly<{
    /** Moves both clocks forward, calling back whatever falls due, in order, letting promises settle in between. */
    advance(ms: number): Promise<void>;
    /** Moves the wall clock alone, either way (a clock step). */
    stepWall(ms: number): void;
    sleepers(): number;
  }>;

export function handClock(startMs = 1_700_000_000_000): HandClock {
  let nowMs = 0;
  let wallOffsetMs = startMs;
  let sequence = 0;
  const timers = new Map<number, { dueMs: number; callback: () => void }>();
  const settle = async () => {
    for (let turn = 0; turn < 10; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
  };
  const after: Clock["after"] = (ms, callback) => {
    const id = ++sequence;
    timers.set(id, { dueMs: nowMs + Math.max(0, ms), callback });
    return () => timers.delete(id);
  };
  const nextDue = (untilMs: number) => {
    let best: [number, { dueMs: number; callback: () => void }] | null = null;
    for (const entry of timers)
      if (entry[1].dueMs <= untilMs && (!best || entry[1].dueMs < best[1].dueMs)) best = entry;
    return best;
  };
  return {
    wallMs: () => wallOffsetMs + nowMs,
    monoMs: () => nowMs,
    after,
    sleep: (ms, signal) => sleepWith(after, ms, signal),
    async advance(ms) {
      const untilMs = nowMs + ms;
      await settle();
      for (let due = nextDue(untilMs); due; due = nextDue(untilMs)) {
        timers.delete(due[0]);
        nowMs = Math.max(nowMs, due[1].dueMs);
        due[1].callback();
        await settle();
      }
      nowMs = untilMs;
    },
    stepWall(ms) {
      wallOffsetMs += ms;
    },
    sleepers: () => timers.size,
  };
}

/** A clock for tens of thousands of races: time jumps to the next timer whenever nothing but timers is left to happen. */
export function jumpingClock() {
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
        for (let turn = 0; turn < 40; turn++) await Promise.resolve();
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
