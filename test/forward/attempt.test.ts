import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import type { Run } from "../../src/forward/attempt.ts";
import { Stop, type Why } from "../../src/forward/stop.ts";
import { attemptWorld } from "./attempt-world.ts";
import {
  type Act,
  after,
  closing,
  error,
  fails,
  hand,
  json,
  message,
  opening,
  ping,
  said,
  silent,
  sse,
  start,
  unreachable,
  words,
} from "./upstream.ts";

let it: ReturnType<typeof attemptWorld>;
beforeEach(() => {
  it = attemptWorld();
});
afterEach(() => expect(it.clock.sleepers()).toBe(0));

describe("an attempt", () => {
  test("with content wins, says so to the breaker at once, and keeps its lease until it is closed", async () => {
    it.acts.push(after(700, sse(said("x"))));
    const made = it.make();
    await it.clock.advance(700);
    const finish = await made.finish;
    expect([finish.kind, ...it.log]).toEqual(["won", "sent", "started", "breaker ok"]);
    if (finish.kind === "won") await finish.prize.close("answered");
    expect(it.log.at(-1)).toBe("lease done");
    expect(it.timed).toEqual(["700 exactly"]);
  });

  test("with a valid answer without content is held", async () => {
    it.acts.push(sse(start + closing));
    expect((await it.ran({})).finish.kind).toBe("held");
    expect(it.timed).toEqual([]);
  });

  test("that is thrown away gives its lease back as if it had never been", async () => {
    const body = hand();
    it.acts.push(body.act);
    const made = it.make();
    body.say(start + opening + words("x"));
    await it.clock.advance(0);
    const finish = await made.finish;
    if (finish.kind !== "lost") await finish.prize[Symbol.asyncDispose]();
    expect(it.log.at(-1)).toBe("lease reverted");
    expect(body.cancelled()).toBe(true);
    expect(made.records()).toMatchObject([{ outcome: "lost", reason: "lost_race", tokens: { input: 7 } }]);
  });

  test("that is thrown away waits two seconds for its body to end, and no longer", async () => {
    const stuck = new ReadableStream({
      start: (body) => body.enqueue(new TextEncoder().encode(start + opening + words("x"))),
      cancel: () => new Promise<void>(() => {}),
    });
    it.acts.push(async () => new Response(stuck, { headers: { "content-type": "text/event-stream" } }));
    const made = it.make();
    await it.clock.advance(0);
    const finish = await made.finish;
    const gone = finish.kind === "lost" ? null : finish.prize[Symbol.asyncDispose]();
    await it.clock.advance(1_999);
    expect(it.log).not.toContain("lease reverted");
    await it.clock.advance(1);
    await gone;
    expect(it.log.at(-1)).toBe("lease reverted");
  });

  test.each([
    ["a reset", fails("connect"), "connect"],
    ["an error status", error(500), "status_500"],
    [
      "an error event",
      sse(start + 'event: error\ndata: {"type":"error","error":{"type":"api_error"}}\n\n'),
      "error_api_error",
    ],
    ["an error object in a 200", json(200, { type: "error", error: { type: "api_error" } }), "error_api_error"],
    [
      "HTML in a 200",
      async () => new Response("<html>", { headers: { "content-type": "text/html" } }),
      "error_invalid_answer",
    ],
    ["HTML without a type", async () => new Response("<html>hi</html>"), "error_invalid_stream"],
    ["an empty body", sse(""), "empty_body"],
    ["a clean end before content", sse(start + opening), "truncated"],
    ["a redirect", json(302, ""), "status_302"],
  ] satisfies [string, Act, string][])("with %s is lost, and its lease ends after its I/O", async (_, act, reason) => {
    it.acts.push(act);
    const { finish, record } = await it.ran({ retrySame: 0 });
    expect(finish.kind).toBe("lost");
    expect(it.log).toContain("breaker failed");
    expect(it.log.at(-1)).toBe("lease failed");
    expect(record).toMatchObject({ outcome: "failed", reason });
    expect(it.timed).toEqual([]);
  });
});

test("an error inside any 2xx is judged as one inside a 200", async () => {
  it.acts.push(json(202, { type: "error", error: { type: "api_error" } }));
  expect((await it.ran({ stream: false })).record).toMatchObject({ status: 202, reason: "error_api_error" });
});

test("an error answer is shown only where it is here to its last byte", async () => {
  it.acts.push(error(500), json(500, `{"error":"${"x".repeat(1_100_000)}"}`));
  await it.ran({});
  await it.ran({});
  expect(it.losses.map(({ shown }) => shown?.status)).toEqual([500, undefined]);
});

describe("a timeout", () => {
  test("of connecting ends where the upstream takes the body", async () => {
    it.acts.push(unreachable);
    expect((await it.ran({ connectMs: 500 })).record).toMatchObject({ reason: "connect_timeout", ms: 500 });
    it.acts.push(after(5_000, sse(said("x"))));
    expect((await it.ran({ connectMs: 500 })).finish.kind).toBe("won");
  });

  test("of the first token is not stopped by headers, preludes or pings", async () => {
    const body = hand();
    it.acts.push(body.act);
    const made = it.make({ firstTokenMs: 2_000 });
    body.say(start + ping + opening);
    await it.clock.advance(1_000);
    body.say(ping);
    await it.clock.advance(1_000);
    expect((await made.finish).kind).toBe("lost");
    expect(made.records()).toMatchObject([{ reason: "first_token_timeout", ms: 2_000, status: 200 }]);
    expect(it.timed).toEqual(["2000 at least"]);
    expect(it.log.slice(-2)).toEqual(["breaker failed", "lease failed"]);
  });

  test("of the first token is for streams alone", async () => {
    it.acts.push(after(5_000, message));
    expect((await it.ran({ firstTokenMs: 1_000, stream: false })).finish.kind).toBe("won");
  });

  test("of the whole attempt ends with a stream's content, and with another answer's end", async () => {
    it.acts.push(silent);
    expect((await it.ran({ totalMs: 3_000 })).record).toMatchObject({ reason: "total_timeout", ms: 3_000 });
    const body = hand();
    it.acts.push(body.act);
    const made = it.make({ totalMs: 3_000 });
    body.say(start + opening + words("x"));
    await it.clock.advance(10_000);
    const finish = await made.finish;
    expect(finish.kind).toBe("won");
    if (finish.kind === "won") expect(finish.prize.io.stopped()).toBeNull();
    if (finish.kind === "won") await finish.prize.close("answered");
    const whole = hand({ "content-type": "application/json" });
    it.acts.push(whole.act);
    const slow = it.make({ totalMs: 3_000, stream: false });
    whole.say('{"type":');
    await it.clock.advance(3_000);
    await slow.finish;
    expect(slow.records()).toMatchObject([{ reason: "total_timeout" }]);
  });

  test("that is off never comes", async () => {
    it.acts.push(after(90_000, sse(said("x"))));
    expect((await it.ran({})).finish.kind).toBe("won");
  });
});

describe("a reset before any byte of an answer", () => {
  test("within a second is tried again at the same provider, under the same lease, and is no failure", async () => {
    it.acts.push(after(900, fails("reset")), sse(said("x")));
    expect((await it.ran({})).finish.kind).toBe("won");
    expect(it.log).toEqual(["sent", "sent", "started", "breaker ok", "lease done"]);
  });

  test("is tried again no more often than allowed", async () => {
    it.acts.push(fails("reset"), fails("reset"), sse(said("x")));
    expect((await it.ran({})).finish.kind).toBe("lost");
    expect(it.log.filter((what) => what === "sent").length).toBe(2);
  });

  test("after a second is not", async () => {
    it.acts.push(after(1_001, fails("reset")), sse(said("x")));
    expect((await it.ran({})).record).toMatchObject({ outcome: "failed", reason: "reset" });
  });

  test("is the only fault that is", async () => {
    for (const act of [fails("connect"), fails("tls"), fails("invalid_response"), error(500), sse("")]) {
      it.acts.splice(0, it.acts.length, act, sse(said("x")));
      expect((await it.ran({})).finish.kind).toBe("lost");
    }
  });
});

describe("called off", () => {
  const rows: [Why, Run["kind"], string, string, string[]][] = [
    ["lost_race", "first", "breaker failed", "lost", ["300 at least"]],
    ["lost_race", "hedge", "breaker unknown", "lost", ["300 at least"]],
    ["lost_race", "failover", "breaker unknown", "lost", ["300 at least"]],
    ["lost_to_client_error", "first", "breaker unknown", "lost", []],
    ["lost_to_client_error", "hedge", "breaker unknown", "lost", []],
    ["client_left", "first", "breaker unknown", "client_left", []],
    ["session_ended", "first", "breaker unknown", "ended", []],
    ["lease_lost", "first", "breaker unknown", "ended", []],
    ["drain", "first", "breaker unknown", "ended", []],
  ];
  test.each(rows)(
    "by %s, a %s attempt leaves nothing at its provider",
    async (why, kind, breaker, outcome, samples) => {
      it.acts.push(silent);
      const made = it.make({ kind });
      await it.clock.advance(300);
      it.stop.abort(new Stop(why));
      await made.finish;
      expect(it.log).toEqual(["sent", breaker, "lease reverted"]);
      expect(made.records()).toMatchObject([{ outcome }]);
      expect(it.timed).toEqual(samples);
      expect(it.losses).toMatchObject([{ stopped: why }]);
    },
  );

  test("it gives its lease back when its request has ended, and after two seconds at most", async () => {
    const socket = Promise.withResolvers<Response>();
    it.acts.push(() => socket.promise);
    it.make();
    it.stop.abort(new Stop("lost_race"));
    await it.clock.advance(1_999);
    expect(it.log).toEqual(["sent"]);
    await it.clock.advance(1);
    expect(it.log.at(-1)).toBe("lease reverted");
    socket.reject(new Error("too late to matter"));
  });

  test("it gives its lease back when its body has ended, and after two seconds at most", async () => {
    const ended = Promise.withResolvers<void>();
    const stuck = new ReadableStream({ cancel: () => ended.promise });
    it.acts.push(async () => new Response(stuck, { headers: { "content-type": "text/event-stream" } }));
    it.make();
    await it.clock.advance(0);
    it.stop.abort(new Stop("lost_race"));
    await it.clock.advance(1_999);
    expect(it.log).not.toContain("lease reverted");
    await it.clock.advance(1);
    expect(it.log.at(-1)).toBe("lease reverted");
    ended.resolve();
  });

  test("what comes in all the same has lost", async () => {
    const socket = Promise.withResolvers<Response>();
    it.acts.push(() => socket.promise);
    const made = it.make();
    it.stop.abort(new Stop("lost_race"));
    socket.resolve(await sse(said("x"))({} as never));
    await it.clock.advance(0);
    expect((await made.finish).kind).toBe("lost");
    expect(it.log.at(-1)).toBe("lease reverted");
  });
});
