import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { readAnthropic } from "../../src/protocol/anthropic/request.ts";
import { readGemini } from "../../src/protocol/gemini/request.ts";
import { isModelNamedTwice } from "../../src/protocol/named-twice.ts";
import { readChat } from "../../src/protocol/openai-chat/request.ts";
import { readResponses } from "../../src/protocol/openai-responses/request.ts";
import { facts, operation, refusal } from "./request-world.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const asked = (text: string) => isModelNamedTwice(JSON.parse(text), bytes(text));

describe("a body that names its model twice", () => {
  test.each([
    `{"model":"a","model":"b"}`,
    `{"model":"a","model":"a"}`,
    `{"model":"a","messages":[{"model":"c"}],"model":"b"}`,
    `{"model" : "model", "model": "model"}`,
    `{"\\u006dodel":"a","model":"b"}`,
    `{"model":"a","mo\\u0064el":"b"}`,
    `{"mod\\u0065l":"a","mode\\u006C":"b"}`,
    `{"model":"a","m\\u006Fdel":"b"}`,
    `{"x":"mod\\u0065l","model":"a","model":"b"}`,
    `{"model":{"model":1},"model":"b"}`,
  ])("%s", (text) => expect(asked(text)).toBe(true));
});

describe("a body that names its model once", () => {
  test.each([
    `{"model":"a"}`,
    `{"mod\\u0065l":"a"}`,
    `{"model":"model","x":"model","y":["model",{"model":"model"}]}`,
    `{"tools":[{"properties":{"model":{"type":"string"}},"required":["model"]}],"model":"a"}`,
    `{"model":"a","x":{"model":1,"model":2}}`,
    `{"model":"a","x":"he said \\"model\\": \\"b\\", \\"model"}`,
    `{"model":"a","x":"\\u006dodel","y":{"\\u006dodel":1}}`,
    `{"model":"a","dup":1,"dup":{"model":1}}`,
    `{"model":"a","Model":"b","models":"c","model ":"d"}`,
  ])("%s", (text) => expect(asked(text)).toBe(false));

  test("whatever else is in it", () => {
    const word = fc.constantFrom("model", "x", '"model"', "\\u006d", "é🌱");
    fc.assert(
      fc.property(fc.array(fc.tuple(word, fc.anything({ key: word, values: [word, fc.double()] }))), (members) => {
        const rest = Object.fromEntries(members.filter(([name]) => name !== "model"));
        const inside = JSON.stringify(rest).slice(1, -1);
        const once = `{"model":"m"${inside === "" ? "" : `,${inside}`}}`;
        expect(asked(once)).toBe(false);
        expect(asked(`${once.slice(0, -1)},"model":"m"}`)).toBe(true);
      }),
    );
  });
});

const readers = [
  ["anthropic", readAnthropic],
  ["openai-chat", readChat],
  ["openai-responses", readResponses],
] as const;

describe.each(readers)("%s", (protocol, read) => {
  test("a model named twice is refused with a word that says so", () => {
    const twice = bytes(`{"model":"cheap","stream":true,"model":"dear"}`);
    expect(refusal(read(operation(protocol), twice))).toBe("model: there more than once; name one model, once");
    expect(facts(read(operation(protocol), bytes(`{"model":"cheap","x":{"model":1}}`))).model).toBe("cheap");
  });
});

test("gemini: its path names the model, whatever a body repeats", () => {
  const body = bytes(`{"model":"models/a","model":"models/b"}`);
  expect(facts(readGemini({ ...operation("gemini"), pathModel: "g" }, body)).model).toBe("g");
});
