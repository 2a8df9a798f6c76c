import { describe, expect, test } from "bun:test";
import type { ProxyEvent } from "../../src/core/events.ts";
import { trail } from "../../src/forward/trail.ts";
import { handClock } from "../world/clock.ts";

const END = { outcome: "answered", reason: "", usage: null } as const;

describe("a trail", () => {
  test("tells each attempt once it has ended, in the order they were started", async () => {
    const clock = handClock();
    const events: ProxyEvent[] = [];
    await clock.advance(100);
    const it = trail(
      { clock, observe: (event) => void events.push(event) },
      { requestId: "r", protocol: "gemini", arrivedMs: 40 },
    );
    const first = it.start("a", "first");
    await clock.advance(250.4);
    const hedge = it.start("b", "hedge");
    hedge.sawStatus(200);
    await clock.advance(50);
    hedge.sawContent();
    await clock.advance(50);
    hedge.sawContent();
    hedge.ended({ ...END, usage: { input: 1, output: 2, cached: 0, estimated: false } });
    first.ended({ outcome: "lost", reason: "lost_race", usage: null, key: "abcd" });
    first.ended(END);
    await it.complete();
    expect(it.count()).toBe(2);
    expect(it.records()).toEqual([
      {
        provider: "a",
        kind: "first",
        outcome: "lost",
        status: null,
        ttft_ms: null,
        ms: 350,
        reason: "lost_race",
        key: "abcd",
        at_ms: 60,
        tokens: null,
      },
      {
        provider: "b",
        kind: "hedge",
        outcome: "answered",
        status: 200,
        ttft_ms: 50,
        ms: 100,
        reason: "",
        at_ms: 310,
        tokens: { input: 1, output: 2, cached: 0, estimated: false },
      },
    ]);
    expect(events.map((event) => event.kind)).toEqual([
      "attempt_started",
      "attempt_started",
      "attempt_ended",
      "attempt_ended",
    ]);
  });

  test("is complete when the last attempt has ended", async () => {
    const it = trail({ clock: handClock(), observe: () => {} }, { requestId: "r", protocol: "gemini", arrivedMs: 0 });
    const one = it.start("a", "first");
    let complete = false;
    const waited = it.complete().then(() => (complete = true));
    await Promise.resolve();
    expect(complete).toBe(false);
    one.ended(END);
    await waited;
    expect(complete).toBe(true);
  });
});
