import { expect, test } from "bun:test";
import { painted, table } from "../../src/cli/table.ts";

const columns = [{ title: "NAME" }, { title: "N", align: "right" }] as const;

test("columns are as wide as their widest cell, wide characters counted as such", () => {
  const rows = [
    ["a", "1"],
    ["名前", "1000"],
  ];
  expect(table(columns, rows, false)).toBe(["NAME     N", "a        1", "名前  1000"].join("\n"));
});

test("colours do not count as width, and are left out when not wanted", () => {
  const rows = [[{ text: "up", tone: "good" as const }, "1"]];
  expect(table(columns, rows, true).split("\n")[1]).toBe("\u001b[32mup\u001b[0m    1");
  expect(table(columns, rows, false)).not.toContain("\u001b");
});

test("no line ends in blanks and no rows are no more than the titles", () => {
  expect(table([{ title: "A" }, { title: "LONG" }], [["x", ""]], false)).toBe("A  LONG\nx");
  expect(table(columns, [], false)).toBe("NAME  N");
});

test("what a client sent cannot steer the terminal", () => {
  expect(painted("a\u001b[2J\r\nb\u009b", true)).toBe("a�[2J��b�");
});
