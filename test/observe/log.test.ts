import type { Clock } from "../../src/core/clock.ts";
import { handClock } from "../world/clock.ts";
import { describe, expect, test } from "bun:test";
import type { ProxyEvent } from "../../src/core/events.ts";
import { type LogRules, openLog } from "../../src/observe/log.ts";
import { attemptRecord, finished } from "./records.ts";

/** The writer's rests between lines take no time here. */
const atOnce: Clock["after"] = (_, callback) => {
  callback();
  return () => {};
};
const WALL_MS = Date.UTC(2026, 0, 2, 3, 4, 5, 678);

function openTestLog(own: Partial<LogRules> = {}) {
  let text = "";
  const stream = {
    write: (line: string, callback: () => void) => {
      text += line;
      callback();
    },
    on: () => {},
    isTTY: false,
  };
  const log = openLog({
    level: "info",
    format: "json",
    colour: false,
    clock: { ...handClock(WALL_MS), after: atOnce },
    stream,
    ...own,
  });
  const lines = () =>
    text
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  return { log, text: () => text, lines };
}

describe("the line of a finished request", () => {
  test("has the promised fields and no others", () => {
    const { log, lines } = openTestLog();
    log.observe(finished());
    expect(lines()).toEqual([
      {
        time: "2026-01-02T03:04:05.678Z",
        level: "info",
        msg: "request answered",
        request_id: "req_1",
        client: "alice",
        protocol: "anthropic",
        model: "claude-test",
        stream: true,
        session: "0123456789abcdefghijkl",
        provider: "fast",
        attempts: [
          { provider: "fast", kind: "first", outcome: "answered", status: 200, ttft_ms: 120, ms: 900.3, reason: "" },
        ],
        hedge: "idle",
        sticky: "hit",
        status: 200,
        ttft_ms: 121,
        ms: 902,
        input_tokens: 10,
        output_tokens: 20,
        cached_tokens: 0,
      },
    ]);
  });

  test("tells what each attempt used where that is known", () => {
    const { log, lines } = openTestLog();
    const tokens = { input: 7, output: 3, cached: 0, estimated: true };
    log.observe(finished({ attempts: [attemptRecord({ outcome: "lost", tokens })] }));
    expect(lines()[0]?.["attempts"]).toMatchObject([{ outcome: "lost", tokens }]);
  });

  test.each([
    [{ error: "providers_full", status: 429, provider: "", attempts: [] }, "request providers_full", "info"],
    [{ error: "attempts_failed", status: 502, provider: "" }, "request attempts_failed", "warn"],
    [{ attempts: [attemptRecord({ outcome: "broken" })] }, "request broken", "warn"],
    [{ status: 499, provider: "" }, "request client_left", "info"],
    [{ status: 400 }, "request client_error", "info"],
    [{ status: 500 }, "request upstream_error", "warn"],
  ])("names the outcome of %j", (own, msg, level) => {
    const { log, lines } = openTestLog();
    log.observe(finished(own));
    expect(lines()[0]).toMatchObject({ msg, level });
  });
});

describe("changes of state", () => {
  const changes: readonly [ProxyEvent, string, string][] = [
    [{ kind: "breaker", provider: "fast", state: "open", reason: "5 failures" }, "warn", "breaker open"],
    [{ kind: "breaker", provider: "fast", state: "half_open", reason: "" }, "info", "breaker half open"],
    [{ kind: "store", up: false, reason: "ECONNREFUSED" }, "warn", "store down"],
    [{ kind: "store", up: true, reason: "" }, "info", "store up"],
    [
      { kind: "reload", result: "refused", problems: ["p.yaml:1:1 x"], notes: [] },
      "error",
      "config refused, the last good one stays",
    ],
    [{ kind: "reload", result: "applied", problems: [], notes: [] }, "info", "config applied"],
    [{ kind: "override", provider: "fast", override: "disabled" }, "info", "provider disabled by an operator"],
    [{ kind: "sweep", scope: "provider:fast", leases: 2, sessions: 0 }, "info", "swept lapsed leases"],
  ];

  test.each(changes)("%j is one line, at its level", (event, level, msg) => {
    const { log, lines } = openTestLog();
    log.observe(event);
    const { kind: _, ...fields } = event;
    expect(lines()).toEqual([{ ...fields, level, msg, time: new Date(WALL_MS).toISOString() }]);
  });

  test("a key that was rejected is a warning, one that was throttled is not", () => {
    const { log, lines } = openTestLog();
    const cooldown = { kind: "cooldown", provider: "fast", what: "key", key: "wxyz", ms: 1, reason: "r" } as const;
    log.observe({ ...cooldown, model: "" });
    log.observe({ ...cooldown, model: "m" });
    expect(lines().map(({ level, key }) => [level, key])).toEqual([
      ["warn", "wxyz"],
      ["info", "wxyz"],
    ]);
  });

  test("a notice cannot set the line's own fields", () => {
    const { log, text } = openTestLog();
    log.observe({
      kind: "notice",
      level: "info",
      what: "listening",
      fields: { msg: "x", level: "y", time: "z", url: "u" },
    });
    expect(text()).toBe(`{"level":"info","time":"${new Date(WALL_MS).toISOString()}","url":"u","msg":"listening"}\n`);
  });
});

describe("level and format", () => {
  const step: ProxyEvent = { kind: "lease", scope: "provider:fast", event: "granted", count: 1 };

  test("steps are told at debug only, and the level can be changed while running", () => {
    const { log, lines } = openTestLog();
    log.observe(step);
    log.setLevel("debug");
    log.observe(step);
    log.setLevel("warn");
    log.observe(finished());
    expect(lines().map(({ msg }) => msg)).toEqual(["lease"]);
  });

  test("auto is JSON into a pipe and pretty on a terminal", () => {
    const written: string[] = [];
    for (const isTTY of [false, true]) {
      const write = (line: string) => written.push(line);
      const { log } = openTestLog({ format: "auto", stream: { write, on: () => {}, isTTY } });
      log.observe({ kind: "breaker", provider: "fast", state: "closed", reason: "" });
    }
    expect(written[0]).toStartWith("{");
    expect(written[1]).toMatch(/^\[\d\d:\d\d:\d\d\.678\] INFO: breaker closed \{"provider":"fast"/);
  });

  test("what a client sent cannot move the cursor of a terminal", () => {
    const { log, text } = openTestLog({ format: "pretty" });
    log.observe(finished({ model: "\u001b[2J\rgone\nnext" }));
    for (const control of ["\u001b", "\r"]) expect(text()).not.toContain(control);
    expect(text().trimEnd()).not.toContain("\n");
  });

  test.each([
    ["U+009B begins a command as ESC [ does", "a\u009b2J", "a\\u009b2J"],
    ["so do the other C1 controls, and DEL", "\u0080\u009d\u007f", "\\u0080\\u009d\\u007f"],
    ["writing from right to left", "a\u202eb\u2067c\u200f\u061c", "a\\u202eb\\u2067c\\u200f\\u061c"],
    ["separators of lines", "a\u2028b\u2029", "a\\u2028b\\u2029"],
    ["no width", "a\u200bb\u200d\ufeff\u00ad\u2060", "a\\u200bb\\u200d\\ufeff\\u00ad\\u2060"],
    ["fillers and variation selectors", "\u3164\u115f\ufe0f", "\\u3164\\u115f\\ufe0f"],
    ["tags, beyond the first plane", "a\u{e0041}", "a\\udb40\\udc41"],
    ["what can be seen", "modèle-模型-🦔", "modèle-模型-🦔"],
  ])("what a client sent is shown for what it is: %s", (_, model, shown) => {
    const { log, text } = openTestLog({ format: "pretty", colour: true });
    log.observe(finished({ model }));
    expect(text()).toContain(`"model":"${shown}"`);
    // The colours are still colours, and the fields still JSON.
    expect(text()).toContain("\u001b[32mINFO");
    const { log: plain, text: line } = openTestLog({ format: "pretty" });
    plain.observe(finished({ model }));
    expect(JSON.parse(line().slice(line().indexOf("{")))).toMatchObject({ model });
  });
});
