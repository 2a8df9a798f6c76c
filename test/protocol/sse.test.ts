import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { sseSplitter } from "../../src/protocol/sse.ts";
import { byteByByte, chunkings, cut, received, said } from "./chunks.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const split = (text: string) => cut(sseSplitter(), [bytes(text)]);
const heard = (text: string) => split(text).frames.map(said);
const event = (event: string, data: string) => ({ kind: "event", event, data });

describe("lines", () => {
  test("LF, CRLF and CR end a line, each alone and mixed", () => {
    for (const eol of ["\n", "\r\n", "\r"]) {
      expect(heard(`event: a${eol}data: 1${eol}${eol}data: 2${eol}${eol}`)).toEqual([event("a", "1"), event("", "2")]);
    }
    expect(heard("event: a\rdata: 1\r\n\ndata: 2\n\rdata: 3\r\r\n")).toEqual([
      event("a", "1"),
      event("", "2"),
      event("", "3"),
    ]);
  });

  test("a CRLF that two chunks share is one line end", () => {
    const splitter = sseSplitter();
    expect(splitter.push(bytes("data: 1\r"))).toEqual([]);
    expect(splitter.push(bytes("\n\r"))).toEqual([]);
    expect(splitter.push(bytes("\ndata: 2\r\n\r\n")).map(said)).toEqual([event("", "1"), event("", "2")]);
  });

  test("a CR at the end of a chunk is known to have ended the event when the next byte comes", () => {
    const splitter = sseSplitter();
    expect(splitter.push(bytes("data: 1\r\r"))).toEqual([]);
    const [frame] = splitter.push(bytes("d"));
    expect(Buffer.from(frame?.bytes ?? []).toString()).toBe("data: 1\r\r");
    expect(Buffer.from(splitter.rest()).toString()).toBe("d");
  });

  test("a byte order mark at the start is no part of the first line", () => {
    expect(heard("\uFEFFdata: 1\n\n")).toEqual([event("", "1")]);
  });

  test("data lines are joined by LF, one space after the colon is dropped, other fields are passed over", () => {
    expect(heard("id: 7\nretry: 100\ndata:a\ndata:  b\ndata:\nunknown: x\nevent:e\n\n")).toEqual([
      event("e", "a\n b\n"),
    ]);
  });

  test("comments and blank lines are frames without data", () => {
    expect(heard(": OPENROUTER PROCESSING\n\n\n\ndata: 1\n\n")).toEqual([
      event("", ""),
      event("", ""),
      event("", ""),
      event("", "1"),
    ]);
  });

  test("a line of 1 MiB is a line", () => {
    const data = "x".repeat(1024 * 1024);
    expect(heard(`data: ${data}\n\n`)).toEqual([event("", data)]);
  });
});

describe("the end of the stream", () => {
  test("an event without its blank line is one if its data is whole", () => {
    for (const tail of ["data: [DONE]", "data: [DONE]\n", "data: [DONE]\r", 'event: x\ndata: {"a":1}\n']) {
      const { last, rest } = split(`data: 1\n\n${tail}`);
      expect(Buffer.from(last?.bytes ?? []).toString()).toBe(tail);
      expect(rest).toBe("");
    }
  });

  test("an event that was cut is none", () => {
    for (const tail of ["data: [DON", 'data: {"a":"b', "event: message_stop\n", ": comm", "da"]) {
      const { last, rest } = split(`data: 1\n\n${tail}`);
      expect(last).toBeNull();
      expect(rest).toBe(tail);
    }
  });

  test("a last comment and stray line ends are passed on", () => {
    expect(split("data: 1\n\n: bye\n").rest).toBe("");
  });

  test("a JSON object, a JSON array and a page instead of events are told apart from events", () => {
    for (const text of ['{"error":{"code":429}}', '[{\n "error": {}\n}]\n', "<html><body>502</body></html>"]) {
      expect(heard(text)).toEqual([{ kind: "bare", event: "", data: text.trim() }]);
      expect(heard(`data: 1\n\n${text}\n\n`)[1]).toEqual({ kind: "bare", event: "", data: text.trim() });
    }
  });
});

describe("an event larger than can be kept", () => {
  test("is passed on in pieces, and the next one is whole again", () => {
    const splitter = sseSplitter(16);
    const text = `data: ${"x".repeat(40)}\n\ndata: 2\n\n`;
    const { frames, rest } = cut(splitter, byteByByte(bytes(text)));
    expect(frames.length).toBeGreaterThan(2);
    expect(frames.slice(0, -1).every(({ kind, data }) => kind === "piece" && data === "")).toBe(true);
    expect(frames.slice(-1).map(said)).toEqual([event("", "2")]);
    expect(received({ frames, last: null, rest }).toString()).toBe(text);
  });
});

describe("chunking", () => {
  const line = fc.oneof(
    fc.string({ unit: "binary", maxLength: 12 }).map((text) => `data: ${text}`),
    fc.constantFrom("", "", "event: message", "data", ": ping", 'data: {"type":"ping","text":"ü🦔"}', "{", "\uFEFF"),
  );
  const streams = fc
    .array(fc.tuple(line, fc.constantFrom("\n", "\r\n", "\r", "\n\n", "\r\n\r\n")), { maxLength: 12 })
    .map((lines) => bytes(lines.flat().join("")));

  test("changes neither frames nor tail, and no byte is lost", () => {
    fc.assert(
      fc.property(
        streams.chain((stream) => fc.tuple(fc.constant(stream), chunkings(stream))),
        ([stream, chunks]) => {
          const whole = cut(sseSplitter(), [stream]);
          expect(cut(sseSplitter(), chunks)).toEqual(whole);
          expect(cut(sseSplitter(), byteByByte(stream))).toEqual(whole);
          expect(received(whole).equals(stream)).toBe(true);
        },
      ),
      { numRuns: 500 },
    );
  });

  test("loses no byte of any bytes at all, nor with events too large", () => {
    const any = fc.uint8Array({ maxLength: 60 });
    fc.assert(
      fc.property(
        any.chain((stream) => chunkings(stream)),
        fc.nat(40),
        (chunks, frameBytesMax) => {
          const cutUp = cut(sseSplitter(frameBytesMax), chunks);
          expect(received(cutUp).equals(Buffer.concat(chunks))).toBe(true);
        },
      ),
      { numRuns: 500 },
    );
  });
});
