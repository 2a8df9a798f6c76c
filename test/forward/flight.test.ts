import { describe, expect, test } from "bun:test";
import { background } from "../../src/core/background.ts";
import type { ProxyEvent } from "../../src/core/events.ts";
import { lastCall } from "../../src/core/last-call.ts";
import { type FlightDeps, takeOff } from "../../src/forward/flight.ts";
import type { Inbound } from "../../src/forward/inbound.ts";
import { anthropic } from "../../src/protocol/anthropic/anthropic.ts";
import type { Held } from "../../src/session/slot.ts";
import { handClock } from "../world/clock.ts";

function flown(clock = handClock()) {
  const log: string[] = [];
  const jobs = background((_, error) => {
    throw error;
  });
  const client = new AbortController();
  const drain = lastCall();
  let end = () => {};
  const deps = {
    clock,
    background: jobs,
    observe: (event: ProxyEvent) => log.push(event.kind),
    lastCall: drain,
    slots: {
      watch(_: string, onEnded: () => void) {
        end = onEnded;
        return () => log.push("unwatched");
      },
    },
  } as unknown as FlightDeps;
  const inbound = {
    requestId: "r",
    client: { name: "ann" },
    protocol: anthropic,
    facts: { model: "m", stream: true },
    session: "s",
    sessionSource: "content",
    signal: client.signal,
    arrivedMs: 0,
    arrivedWallMs: 0,
    bodyDone: () => log.push("body done"),
  } as unknown as Inbound;
  const flight = takeOff(deps, inbound);
  return { clock, log, jobs, client, drain, flight, end: () => end() };
}
const END = { status: 200, error: "", provider: "a", usage: null };

describe("a request under way", () => {
  test("gives everything back when it lands, and is told once its last attempt has ended", async () => {
    const { flight, log, jobs, clock } = flown();
    const attempt = flight.story.trail.start("a", "first");
    flight.hold({ release: (ending: string) => void log.push(`client ${ending}`) } as Held);
    flight.land(END, "done");
    await clock.advance(0);
    expect(log).toEqual(["request_arrived", "attempt_started", "unwatched", "body done", "client done"]);
    attempt.ended({ outcome: "answered", reason: "", usage: null });
    await jobs.drained();
    expect(log.slice(-2)).toEqual(["attempt_ended", "request_finished"]);
  });

  test("knows when it took off, which may be long after its arrival", async () => {
    const clock = handClock();
    await clock.advance(20_000);
    const { flight } = flown(clock);
    expect([flight.inbound.arrivedMs, flight.tookOffMs]).toEqual([0, 20_000]);
  });

  test("gives a client's lease that comes after its landing back at once", () => {
    const { flight, log } = flown();
    flight.land(END, "failed");
    flight.hold({ release: (ending: string) => void log.push(`client ${ending}`) } as Held);
    expect(log.at(-1)).toBe("client reverted");
  });

  test("is stopped by its client, by a drain, and by an operator who ends its session", () => {
    const [left, drained, ended] = [flown(), flown(), flown()];
    left.client.abort();
    drained.drain.say();
    ended.end();
    expect([left, drained, ended].map(({ flight }) => flight.stop.stopped())).toEqual([
      "client_left",
      "drain",
      "session_ended",
    ]);
  });

  test("is stopped by nothing once it has landed", () => {
    const { flight, client } = flown();
    flight.land(END, "done");
    client.abort();
    expect(flight.stop.stopped()).toBeNull();
  });
});
