import { expect, test } from "bun:test";
import { durationText } from "../../src/words/duration-text.ts";

test.each([
  [-5, "0ms"],
  [0, "0ms"],
  [999.4, "999ms"],
  [1_000, "1s"],
  [1_549, "1.5s"],
  [9_999, "10s"],
  [59_400, "59s"],
  [59_600, "1m"],
  [200_000, "3m20s"],
  [3_600_000, "1h"],
  [7_500_000, "2h5m"],
  [86_400_000, "1d"],
  [273_600_000, "3d4h"],
])("%d ms is %s", (ms, text) => {
  expect(durationText(ms)).toBe(text);
});
