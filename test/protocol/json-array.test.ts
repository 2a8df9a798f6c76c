import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { jsonArraySplitter } from "../../src/protocol/json-array.ts";
import { byteByByte, chunkings, cut, received, said } from "./chunks.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const split = (text: string) => cut(jsonArraySplitter(), [bytes(text)]);
const element = (data: string) => ({ kind: "element", event: "", data });
const close = { kind: "close", event: "", data: "" };

test("each object is a frame as soon as its brace is there, with what separates it from the one before", () => {
  const splitter = jsonArraySplitter();
  const texts = (chunk: string) => splitter.push(bytes(chunk)).map((frame) => Buffer.from(frame.bytes).toString());
  expect(texts('[{"a":1}')).toEqual(['[{"a":1}']);
  expect(texts(',\r\n{"b":{"c":[2]}},{"d"')).toEqual([',\r\n{"b":{"c":[2]}}']);
  expect(texts(":3}\n]")).toEqual([',{"d":3}', "\n]"]);
});

test("elements are read without their separators, the closing bracket says nothing", () => {
  expect(split(' [ {"a":[{}]} , {"b":2} ] \n').frames.map(said)).toEqual([
    element('{"a":[{}]}'),
    element('{"b":2}'),
    close,
    { kind: "event", event: "", data: "" },
  ]);
});

test("brackets, braces, quotes and backslashes in strings are text", () => {
  const texts = ["]", "}{][", '"', "\\", '\\"', '\\\\"]}', "ü🦔", "\u2028"];
  const elements = texts.map((text) => JSON.stringify({ [text]: text }));
  const stream = bytes(`[${elements.join(",\n")}]`);
  const expected = [...elements.map(element), close];
  expect(cut(jsonArraySplitter(), [stream]).frames.map(said)).toEqual(expected);
  expect(cut(jsonArraySplitter(), byteByByte(stream)).frames.map(said)).toEqual(expected);
});

test("an empty array closes at once", () => {
  expect(split("[]").frames.map(said)).toEqual([close]);
});

test("an element that was cut, and an array that was not closed, leave a tail", () => {
  for (const tail of [',{"b":"', ",", "\n", ',{"b":"}]\\"']) {
    const { frames, rest } = split(`[{"a":1}${tail}`);
    expect(frames.map(said)).toEqual([element('{"a":1}')]);
    expect(rest).toBe(tail);
  }
});

test("what is no array is one bare text", () => {
  for (const text of ['{"error":{"code":429,"details":[]}}', "<html>[1]</html>", "upstream said: no"]) {
    expect(split(`\n${text}\n`).frames.map(said)).toEqual([{ kind: "bare", event: "", data: text }]);
  }
});

test("an element larger than can be kept is passed on in pieces, and the next one is whole again", () => {
  const tricky = '\\"}]'.repeat(9);
  const text = `[{"a":${JSON.stringify(tricky)}},{"b":2}]`;
  const cutUp = cut(jsonArraySplitter(10), byteByByte(bytes(text)));
  expect(cutUp.frames.map(({ kind }) => kind).filter((kind) => kind !== "piece")).toEqual(["element", "close"]);
  expect(received(cutUp).toString()).toBe(text);
});

describe("chunking", () => {
  const elements = fc.array(
    fc.json({ maxDepth: 2 }).map((json) => `{"value":${json}}`),
    { maxLength: 5 },
  );
  const separators = fc.constantFrom(",", ",\n", ",\r\n", " , ");
  const arrays = fc.tuple(elements, separators).map(([list, by]) => bytes(`[${list.join(by)}]\n`));

  test("changes neither elements nor tail, and no byte is lost", () => {
    fc.assert(
      fc.property(
        arrays
          .chain((stream) => fc.tuple(fc.constant(stream), fc.nat(stream.byteLength)))
          .chain(([stream, end]) => {
            const part = stream.slice(0, end);
            return fc.tuple(fc.constant(part), chunkings(part));
          }),
        ([stream, chunks]) => {
          const whole = cut(jsonArraySplitter(), [stream]);
          expect(cut(jsonArraySplitter(), chunks)).toEqual(whole);
          expect(cut(jsonArraySplitter(), byteByByte(stream))).toEqual(whole);
          expect(received(whole).equals(stream)).toBe(true);
        },
      ),
      { numRuns: 500 },
    );
  });

  test("loses no byte of any bytes at all, nor with elements too large", () => {
    const text = fc.string({ unit: fc.constantFrom(...'[ ] { } , " \\ a \n'.split(" "), " "), maxLength: 40 });
    fc.assert(
      fc.property(
        text.chain((text) => chunkings(bytes(text))),
        fc.nat(20),
        (chunks, frameBytesMax) => {
          const cutUp = cut(jsonArraySplitter(frameBytesMax), chunks);
          expect(received(cutUp).equals(Buffer.concat(chunks))).toBe(true);
        },
      ),
      { numRuns: 500 },
    );
  });
});
