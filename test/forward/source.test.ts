import { describe, expect, test } from "bun:test";
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import { decoderFor } from "../../src/forward/decode.ts";
import { frameSource, joined } from "../../src/forward/source.ts";
import { sseSplitter } from "../../src/protocol/sse.ts";
import { handClock } from "../world/clock.ts";
import { bodyOf } from "./bodies.ts";
import { said } from "./upstream.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const clock = handClock();
const source = (body: ReadableStream<Uint8Array> | null, more: Partial<Parameters<typeof frameSource>[1]> = {}) =>
  frameSource(body, { clock, splitter: null, decoder: null, signal: new AbortController().signal, ...more });

describe("a source", () => {
  test("passes on what comes, as it comes, and says the end again and again", async () => {
    await using it = source(bodyOf(bytes("ab"), bytes("c")));
    const pieces = [await it.next(), await it.next(), await it.next(), await it.next()];
    expect(pieces.map((piece) => (piece.kind === "frames" ? Buffer.from(piece.pass).toString() : piece.kind))).toEqual([
      "ab",
      "c",
      "end",
      "end",
    ]);
  });

  test("of no body is at its end", async () => {
    await using it = source(null);
    expect(await it.next()).toEqual({ kind: "end" });
  });

  test("says a break again and again", async () => {
    const reset = new Error("reset");
    await using it = source(bodyOf(bytes("ab"), reset));
    await it.next();
    expect([await it.next(), await it.next()]).toEqual([
      { kind: "broke", error: reset },
      { kind: "broke", error: reset },
    ]);
  });

  test("passes on whole events alone, and marks a last one without its separator", async () => {
    await using it = source(bodyOf(bytes("data: 1\n\ndata: "), bytes("2\n\ndata: 3\n")), { splitter: sseSplitter() });
    const pieces = [await it.next(), await it.next(), await it.next(), await it.next()];
    expect(
      pieces.map((piece) =>
        piece.kind === "frames" ? [Buffer.from(piece.pass).toString(), piece.unended] : piece.kind,
      ),
    ).toEqual([["data: 1\n\n", false], ["data: 2\n\n", false], ["data: 3\n", true], "end"]);
  });

  test("ends a read under way when everything is called off", async () => {
    const off = new AbortController();
    let cancelled = false;
    const silent = new ReadableStream<Uint8Array>({
      cancel() {
        cancelled = true;
      },
    });
    await using it = source(silent, { signal: off.signal });
    const reading = it.next();
    off.abort(new Error("called off"));
    expect(await reading).toMatchObject({ kind: "broke" });
    expect(cancelled).toBe(true);
  });

  test("that was called off before it began reads nothing", async () => {
    const off = new AbortController();
    off.abort(new Error("called off"));
    await using it = source(new ReadableStream<Uint8Array>({}), { signal: off.signal });
    expect(await it.next()).toMatchObject({ kind: "broke" });
  });
});

describe("an encoded body", () => {
  const text = said("hello");
  const rows: [string, Uint8Array][] = [
    ["gzip", gzipSync(text)],
    ["x-gzip", gzipSync(text)],
    ["deflate", deflateSync(text)],
    ["br", brotliCompressSync(text)],
    [" ZSTD ", zstdCompressSync(text)],
  ];
  test.each(rows)("in %s is read beside its passing on, byte for byte", async (encoding, encoded) => {
    const half = encoded.length >> 1;
    await using it = source(bodyOf(encoded.subarray(0, half), encoded.subarray(half)), {
      splitter: sseSplitter(),
      decoder: decoderFor(encoding),
    });
    const passed: Uint8Array[] = [];
    const read: string[] = [];
    for (let piece = await it.next(); piece.kind === "frames"; piece = await it.next()) {
      passed.push(piece.pass);
      read.push(...piece.frames.map((frame) => Buffer.from(frame.bytes).toString()));
    }
    expect(Buffer.concat(passed).equals(encoded)).toBe(true);
    expect(read.join("")).toBe(text);
  });

  test("that is corrupt breaks", async () => {
    await using it = source(bodyOf(bytes("not gzip at all")), { splitter: sseSplitter(), decoder: decoderFor("gzip") });
    expect((await it.next()).kind).toBe("broke");
  });

  test("in what nobody knows has no decoder", () => {
    for (const coding of ["snappy", "gzip, br", "", "constructor"]) expect(decoderFor(coding)).toBeNull();
  });
});

describe("joining frames", () => {
  const chunk = bytes("aabbcc");
  const frame = (view: Uint8Array) => ({ kind: "event" as const, event: "", data: "", bytes: view });

  test("of one chunk, side by side, copies nothing", () => {
    const one = joined([frame(chunk.subarray(0, 2)), frame(chunk.subarray(2, 4))]);
    expect([Buffer.from(one).toString(), one.buffer === chunk.buffer]).toEqual(["aabb", true]);
  });

  test("with one left out between them keeps it out", () => {
    expect(Buffer.from(joined([frame(chunk.subarray(0, 2)), frame(chunk.subarray(4, 6))])).toString()).toBe("aacc");
  });

  test("of several chunks, and of none", () => {
    expect(Buffer.from(joined([frame(bytes("x")), frame(chunk.subarray(0, 2))])).toString()).toBe("xaa");
    expect(joined([]).byteLength).toBe(0);
  });
});
