import { describe, expect, test } from "bun:test";
import { idleWatch } from "../../src/forward/idle-watch.ts";
import { handClock } from "../world/clock.ts";

function watched(idleMs: number) {
  const clock = handClock();
  let fired = 0;
  const it = idleWatch(clock, idleMs, () => fired++);
  return { clock, it, fired: () => fired };
}

describe("an idle watch", () => {
  test("fires when one wait has lasted so long, and not before", async () => {
    const { clock, it, fired } = watched(1_000);
    await clock.advance(700);
    it.begin();
    await clock.advance(999);
    expect(fired()).toBe(0);
    await clock.advance(1);
    expect(fired()).toBe(1);
    it[Symbol.dispose]();
  });

  test("does not add up waits, nor counts what lies between them", async () => {
    const { clock, it, fired } = watched(1_000);
    for (let round = 0; round < 20; round++) {
      it.begin();
      await clock.advance(600);
      it.end();
      await clock.advance(5_000);
    }
    expect(fired()).toBe(0);
    it[Symbol.dispose]();
    expect(clock.sleepers()).toBe(0);
  });

  test("of nothing sets no timer", () => {
    expect(watched(0).clock.sleepers()).toBe(0);
  });

  test("has one timer however many waits there were", () => {
    const { clock, it } = watched(1_000);
    for (let wait = 0; wait < 100; wait++) {
      it.begin();
      it.end();
    }
    expect(clock.sleepers()).toBe(1);
    it[Symbol.dispose]();
  });
});
