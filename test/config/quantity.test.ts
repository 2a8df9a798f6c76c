import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import type { Format } from "../../src/config/format.ts";
import { duration, ratio, size, within } from "../../src/config/quantity.ts";

const value = <Value>(format: Format<Value>, text: string) => {
  const read = format.parse(text);
  return read.kind === "value" ? read.value : null;
};

describe("durations", () => {
  test.each([
    ["250ms", 250],
    ["3s", 3_000],
    ["5m", 300_000],
    ["2h", 7_200_000],
    ["1.5s", 1_500],
    ["0s", 0],
    ["0", 0],
  ])("%s is %d ms", (text, ms) => expect(value(duration, text)).toBe(ms));

  test.each([
    "300",
    "5 m",
    "5M",
    "1d",
    "1h30m",
    "-1s",
    "+1s",
    ".5s",
    "5.s",
    "",
    " 5s",
    "0.5ms",
    "1e3s",
    "99999999999999h",
  ])("%j is none", (text) => expect(value(duration, text)).toBeNull());
});

describe("sizes", () => {
  test.each([
    ["0B", 0],
    ["64KiB", 65_536],
    ["32MiB", 33_554_432],
    ["1.5GiB", 1_610_612_736],
  ])("%s is %d bytes", (text, bytes) => expect(value(size, text)).toBe(bytes));
  test.each(["1", "0", "1KB", "1k", "1 MiB", "0.1B"])("%j is none", (text) => expect(value(size, text)).toBeNull());
});

describe("ratios", () => {
  test.each([
    ["10%", 0.1],
    ["0%", 0],
    ["2.5%", 0.025],
  ])("%s is %d", (text, share) => expect(value(ratio, text)).toBeCloseTo(share, 12));
  test.each(["0.1", "10", "%", "-1%", "10 %"])("%j is none", (text) => expect(value(ratio, text)).toBeNull());
});

test("a value is shown in the largest unit that holds it whole, and read back as itself", () => {
  expect([0, 250, 1_500, 90_000, 300_000, 7_200_000].map(duration.show)).toEqual([
    "0s",
    "250ms",
    "1500ms",
    "90s",
    "5m",
    "2h",
  ]);
  fc.assert(fc.property(fc.nat(86_400_000), (ms) => value(duration, duration.show(ms)) === ms));
  fc.assert(fc.property(fc.nat(2 ** 40), (bytes) => value(size, size.show(bytes)) === bytes));
  fc.assert(
    fc.property(
      fc.nat(10_000),
      (tenths) => Math.abs((value(ratio, ratio.show(tenths / 1e5)) ?? 9) - tenths / 1e5) < 1e-9,
    ),
  );
});

test("bounds are part of what is expected, and only `below` excludes its own value", () => {
  const bounded = within(duration, { from: "1s", to: "1m", below: "1h" });
  expect(bounded.expected).toBe("duration >= 1s, <= 1m, < 1h");
  expect(["999ms", "1s", "1m", "61s"].map((text) => value(bounded, text))).toEqual([null, 1_000, 60_000, null]);
  expect(["59m", "1h"].map((text) => value(within(duration, { below: "1h" }), text))).toEqual([3_540_000, null]);
});
