import { describe, expect, test } from "bun:test";
import { pushbackMs } from "../../src/forward/pushback.ts";

const NOW_MS = Date.parse("2026-01-15T12:00:00Z");
const asked = (headers: Record<string, string>, bodyMs: number | null = null) =>
  pushbackMs(new Headers(headers), bodyMs, NOW_MS);

describe("how long an upstream asks to be left alone", () => {
  test("is said in seconds, in milliseconds, or as a date", () => {
    expect(asked({ "retry-after": "7" })).toBe(7_000);
    expect(asked({ "retry-after": "0.5" })).toBe(500);
    expect(asked({ "retry-after-ms": "1250" })).toBe(1_250);
    expect(asked({ "retry-after": "Thu, 15 Jan 2026 12:00:30 GMT" })).toBe(30_000);
  });

  test("is nothing once its date has passed", () => {
    expect(asked({ "retry-after": "Thu, 15 Jan 2026 11:59:00 GMT" })).toBe(0);
  });

  test("is best said in milliseconds, then in seconds, then in the body", () => {
    expect(asked({ "retry-after-ms": "100", "retry-after": "7" }, 9_000)).toBe(100);
    expect(asked({ "retry-after": "7" }, 9_000)).toBe(7_000);
    expect(asked({}, 9_000)).toBe(9_000);
  });

  test("is not known where what is said is no time", () => {
    for (const odd of ["soon", "", "-5", "1e9"]) expect(asked({ "retry-after": odd })).toBeNull();
    expect(asked({ "retry-after": "soon", "retry-after-ms": "x" }, 9_000)).toBe(9_000);
  });
});
