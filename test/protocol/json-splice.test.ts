import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { spliceStrings, spliceTopLevelString } from "../../src/protocol/json-splice.ts";

const ALPHABET = ["{", "}", "[", "]", '"', ",", ":", "\\", " ", "m", "model", "1"];

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (body: Uint8Array) => new TextDecoder().decode(body);
const splice = (body: string, value = "new") => text(spliceTopLevelString(bytes(body), "model", value));

describe("splicing the model", () => {
  test.each([
    ["a plain body", `{"model":"old","n":1}`, `{"model":"new","n":1}`],
    ["white space and order", `{ "n" : 1 ,\n\t"model" :  "old" }\r\n`, `{ "n" : 1 ,\n\t"model" :  "new" }\r\n`],
    ["a key written with escapes", String.raw`{"\u006do\u0064el":"old"}`, String.raw`{"\u006do\u0064el":"new"}`],
    ["duplicates", `{"model":"a","x":0,"model":"b"}`, `{"model":"new","x":0,"model":"new"}`],
    ["a duplicate that is no string", `{"model":{"model":"a"},"model":"b"}`, `{"model":"new","model":"new"}`],
    [
      "nested models",
      `{"a":{"model":"x"},"b":[{"model":"y"}],"model":"old"}`,
      `{"a":{"model":"x"},"b":[{"model":"y"}],"model":"new"}`,
    ],
    [
      "quotes inside strings",
      String.raw`{"a":"\"model\":\"x\"","b\\":"\\","model":"o\"ld\\"}`,
      String.raw`{"a":"\"model\":\"x\"","b\\":"\\","model":"new"}`,
    ],
    ["a number where a string should be", `{"model":-1.5e3,"z":null}`, `{"model":"new","z":null}`],
  ])("leaves everything else as it is: %s", (_, before, after) => {
    expect(splice(before)).toBe(after);
  });

  test("hands back the same array where there is nothing to replace", () => {
    for (const body of [`{"modelx":"a","mode":"b"}`, `{}`, `[]`, `["model"]`, `"model"`, ``, ` `]) {
      const before = bytes(body);
      expect(spliceTopLevelString(before, "model", "new")).toBe(before);
    }
  });

  test("escapes a value that needs it", () => {
    expect(JSON.parse(splice(`{"model":"a"}`, `q"\\\n\u00e9`))).toEqual({ model: `q"\\\n\u00e9` });
  });

  test("works on a view into a larger buffer", () => {
    const whole = bytes(`xx{"model":"old"}yy`);
    expect(text(spliceTopLevelString(whole.subarray(2, whole.length - 2), "model", "new"))).toBe(`{"model":"new"}`);
  });

  test("follows a path through arrays, and tells the old value", () => {
    const body = bytes(`{"requests":[{"model":"models/a","x":{"model":"no"}},{"model":"b"},7],"model":1}`);
    const paths = [["model"], ["requests", "*", "model"]];
    const spliced = spliceStrings(body, paths, (old) => (old?.startsWith("models/") ? "models/new" : "new"));
    expect(text(spliced)).toBe(
      `{"requests":[{"model":"models/new","x":{"model":"no"}},{"model":"new"},7],"model":"new"}`,
    );
  });

  test("no depth of nesting overflows it", () => {
    const deep = "[".repeat(500_000) + "]".repeat(500_000);
    expect(splice(`{"a":${deep},"model":"old"}`)).toBe(`{"a":${deep},"model":"new"}`);
  });

  test("a body of many megabytes of image and of backslashes comes out whole", () => {
    const image = "A".repeat(12 * 1024 * 1024);
    const slashes = "\\\\".repeat(1024 * 1024);
    const after = splice(`{"i":"${image}","s":"${slashes}","model":"old"}`);
    expect(after === `{"i":"${image}","s":"${slashes}","model":"new"}`).toBe(true);
  });

  test("for any JSON: only the model differs, and every other byte stays", () => {
    const spaced = fc.constantFrom("", " ", "\n", "\t\r\n ");
    const other = fc.tuple(fc.string({ unit: "binary" }), fc.jsonValue());
    const model = fc.tuple(fc.constant("model"), fc.jsonValue());
    const member = fc.oneof({ weight: 3, arbitrary: other }, { weight: 1, arbitrary: model });
    fc.assert(
      fc.property(fc.array(member, { maxLength: 8 }), spaced, fc.string({ unit: "binary" }), (members, gap, value) => {
        const print = (as: (name: string, value: unknown) => unknown) =>
          `${gap}{${members
            .map(
              ([name, given]) => `${gap}${JSON.stringify(name)}${gap}:${gap}${JSON.stringify(as(name, given))}${gap}`,
            )
            .join(",")}}${gap}`;
        const before = print((_, given) => given);
        const after = print((name, given) => (name === "model" ? value : given));
        expect(splice(before, value)).toBe(after);
      }),
      { numRuns: 500 },
    );
  });

  test("any bytes at all come to an end", () => {
    const jsonish = fc.string({ unit: fc.constantFrom(...ALPHABET) });
    fc.assert(
      fc.property(jsonish, (body) => splice(`{${body}`).length > 0),
      { numRuns: 2_000 },
    );
  });
});
