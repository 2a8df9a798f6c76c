import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { globMatches, isLiteral } from "../../src/provider/glob.ts";

describe("a glob", () => {
  const rows: [string, string, boolean][] = [
    ["claude-*", "claude-opus", true],
    ["claude-*", "gpt-5", false],
    ["*", "", true],
    ["?", "", false],
    ["gpt-?", "gpt-5", true],
    ["gpt-?", "gpt-55", false],
    ["*-latest", "a-latest-latest", true],
    ["a*b*c", "a-b-b-c", true],
    ["a*b*c", "a-c-b", false],
    ["gpt-4.1", "gpt-4x1", false],
    ["", "", true],
    ["", "a", false],
  ];
  test.each(rows)("%p on %p: %p", (glob, name, matches) => {
    expect(globMatches(glob, name)).toBe(matches);
  });

  test("means what the same pattern means as a regular expression", () => {
    const letters = fc.constantFrom("a", "b", ".", "*", "?", "[", "\\");
    fc.assert(
      fc.property(
        fc.string({ unit: letters, maxLength: 8 }),
        fc.string({ unit: letters, maxLength: 10 }),
        (glob, name) => {
          const pattern = glob
            .split("")
            .map((letter) => (letter === "*" ? ".*" : letter === "?" ? "." : letter.replace(/[.[\\]/, "\\$&")))
            .join("");
          expect(globMatches(glob, name)).toBe(new RegExp(`^${pattern}$`, "s").test(name));
        },
      ),
      { numRuns: 3_000 },
    );
  });

  test("takes its pattern's length times the name's steps at most, whatever the stars", () => {
    expect(globMatches("*a".repeat(200), "a".repeat(5_000) + "b")).toBe(false);
  });

  test("without a wildcard is a name that can be listed", () => {
    expect(["gpt-5", "gpt-*", "gpt-?"].map(isLiteral)).toEqual([true, false, false]);
  });
});
