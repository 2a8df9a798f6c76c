import { describe, expect, test } from "bun:test";
import { Stop } from "../../src/forward/stop.ts";
import { settled, stoppable } from "../../src/forward/stoppable.ts";
import { handClock } from "../world/clock.ts";

describe("what can be stopped", () => {
  test("is stopped once, for the first reason", () => {
    const it = stoppable(handClock());
    expect(it.stopped()).toBeNull();
    it.stop("drain");
    it.stop("lost_race");
    expect([it.stopped(), it.signal.aborted]).toEqual(["drain", true]);
  });

  test("follows others, and takes what is no reason of ours for a client that left", () => {
    const [ours, client, gone] = [new AbortController(), new AbortController(), new AbortController()];
    const [first, second, third] = [stoppable(handClock()), stoppable(handClock()), stoppable(handClock())];
    first.follow(ours.signal);
    second.follow(client.signal);
    ours.abort(new Stop("session_ended"));
    client.abort();
    gone.abort();
    third.follow(gone.signal);
    expect([first.stopped(), second.stopped(), third.stopped()]).toEqual([
      "session_ended",
      "client_left",
      "client_left",
    ]);
  });

  test("is stopped by its limits, unless they are cancelled or none", async () => {
    const clock = handClock();
    const it = stoppable(clock);
    it.limit(0, "total_timeout");
    it.limit(100, "connect_timeout")();
    it.limit(200, "first_token_timeout");
    await clock.advance(199);
    expect(it.stopped()).toBeNull();
    await clock.advance(1);
    expect(it.stopped()).toBe("first_token_timeout");
  });

  test("lets go of everything when it is disposed", async () => {
    const clock = handClock();
    const other = new AbortController();
    const it = stoppable(clock);
    it.follow(other.signal);
    it.limit(200, "total_timeout");
    it[Symbol.dispose]();
    other.abort();
    await clock.advance(1_000);
    expect([it.stopped(), clock.sleepers()]).toEqual([null, 0]);
  });
});

describe("what settles after an abort", () => {
  test("is waited for as long as it takes while there is none", async () => {
    const clock = handClock();
    const slow = clock.sleep(60_000).then(() => "done");
    const waited = settled(slow, new AbortController().signal, clock);
    await clock.advance(60_000);
    expect([await waited, clock.sleepers()]).toEqual(["done", 0]);
  });

  test("is waited for two seconds more, then for no longer", async () => {
    const clock = handClock();
    const off = new AbortController();
    const never = settled(new Promise(() => {}), off.signal, clock).catch((error: unknown) => error);
    const soon = settled(clock.sleep(1_500), off.signal, clock).then(() => "ended by itself");
    off.abort("called off");
    await clock.advance(1_500);
    expect(await soon).toBe("ended by itself");
    await clock.advance(500);
    expect([await never, clock.sleepers()]).toEqual(["called off", 0]);
  });

  test("is given the same time where the abort came first", async () => {
    const clock = handClock();
    const waited = settled(new Promise(() => {}), AbortSignal.abort("called off"), clock).catch(
      (error: unknown) => error,
    );
    await clock.advance(2_000);
    expect(await waited).toBe("called off");
  });
});
