import { describe, expect, test } from "bun:test";
import { decisionOf } from "../../../src/page/browser/decisions.ts";
import type { FeedEvent } from "../../../src/page/browser/feed.ts";
import { attemptRecord } from "../../observe/records.ts";
import { requestView } from "./world.ts";

const at = { time_ms: 5 };
const of = (event: unknown) => decisionOf(event as FeedEvent);
const said = (event: unknown) => {
  const decision = of(event);
  return decision === null ? null : `${decision.tone}: ${decision.text}`;
};

test("a decision knows its time, and the request it is about where there is one", () => {
  const data = { ...at, request_id: "req_1", provider: "a", how: "no_terminal" };
  expect(of({ kind: "stream_broken", data })).toEqual({
    tone: "bad",
    text: "a: stream broken (no terminal)",
    timeMs: 5,
    requestId: "req_1",
  });
  expect(of({ kind: "store", data: { ...at, up: true, reason: "" } })).toMatchObject({ timeMs: 5, requestId: "" });
});

describe("an attempt", () => {
  const ended = (own: Parameters<typeof attemptRecord>[0]) =>
    said({ kind: "attempt_ended", data: { ...at, ...attemptRecord(own) } });

  test("that went wrong is told, with the key where that is at fault", () => {
    expect(ended({ outcome: "failed", reason: "status_529" })).toBe("warn: fast: failed after 900ms, status 529");
    expect(ended({ outcome: "broken", reason: "stall" })).toBe("bad: fast: broken after 900ms, stall");
    expect(ended({ outcome: "failed", reason: "status_401", key: "9xyz" })).toBe(
      "warn: fast (key 9xyz): failed after 900ms, status 401",
    );
  });

  test.each(["answered", "lost", "client_left", "ended"] as const)("that %s is its request's row", (outcome) => {
    expect(ended({ outcome })).toBeNull();
  });

  test("is told at its start where it is a hedge", () => {
    expect(said({ kind: "attempt_started", data: { ...at, provider: "a", attempt: "hedge" } })).toBe(
      "dim: a: asked as a hedge",
    );
    expect(said({ kind: "attempt_started", data: { ...at, provider: "a", attempt: "first" } })).toBeNull();
  });
});

test.each([
  ["hedge", { provider: "a", result: "won" }, "good: a: hedge won"],
  ["hedge", { provider: "a", result: "denied_budget" }, "dim: a: hedge denied budget"],
  ["breaker", { provider: "a", state: "open", reason: "failures" }, "bad: a: breaker open, failures"],
  ["breaker", { provider: "a", state: "half_open", reason: "" }, "warn: a: breaker half open"],
  ["breaker", { provider: "a", state: "closed", reason: "probe_ok" }, "good: a: breaker closed, probe ok"],
  [
    "cooldown",
    { provider: "a", what: "key", key: "9xyz", model: "m", ms: 10_000, reason: "status_429" },
    "warn: a: key 9xyz, m rests 10s, status 429",
  ],
  ["cooldown", { provider: "a", what: "model", key: "", model: "m", ms: 60_000, reason: "" }, "warn: a: m rests 1m"],
  [
    "cooldown",
    { provider: "a", what: "provider", key: "", model: "", ms: 1_500, reason: "" },
    "warn: a: all of it rests 1.5s",
  ],
  ["store", { up: false, reason: "timeout" }, "bad: store down, timeout"],
  ["store", { up: true, reason: "" }, "good: store up"],
  ["reload", { result: "applied", problems: [], notes: [] }, "good: config applied"],
  [
    "reload",
    { result: "refused", problems: ["f:1:1 one", "f:2:1 two"], notes: [] },
    "bad: config refused, the last good one stays: f:1:1 one; f:2:1 two",
  ],
  ["override", { provider: "a", override: "disabled" }, "warn: a: disabled by an operator"],
  [
    "notice",
    { level: "warn", what: "unknown_encoding", fields: { provider: "a", n: 2 } },
    "warn: unknown encoding provider=a n=2",
  ],
] as const)("%s %j", (kind, data, words) => {
  expect(said({ kind, data: { ...at, ...data } })).toBe(words);
});

test.each(["request_arrived", "overrun", "something_new"])("%s is nothing to tell", (kind) => {
  expect(of({ kind, data: {} })).toBeNull();
});

test("a request that has ended is a row of its own", () => {
  expect(of({ kind: "request_finished", data: requestView() })).toBeNull();
});
