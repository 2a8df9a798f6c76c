import { describe, expect, test } from "bun:test";
import { gzipSync } from "node:zlib";
import { frameSource } from "../../src/forward/source.ts";
import { decoded, readWhole } from "../../src/forward/whole.ts";
import { handClock } from "../world/clock.ts";

const MIB = 1024 * 1024;
const source = (chunks: (Uint8Array | Error)[]) =>
  frameSource(
    new ReadableStream({
      pull(controller) {
        const next = chunks.shift();
        if (next === undefined) controller.close();
        else if (next instanceof Error) controller.error(next);
        else controller.enqueue(next);
      },
    }),
    { clock: handClock(), splitter: null, decoder: null, signal: new AbortController().signal },
  );

describe("a document", () => {
  test("up to 1 MiB is read to its end", async () => {
    const read = await readWhole(source([new Uint8Array(MIB - 1), new Uint8Array([7])]));
    expect(read.kind === "whole" && [read.bytes.byteLength, read.bytes.at(-1)]).toEqual([MIB, 7]);
  });

  test("that is larger is left in its source from there on", async () => {
    await using it = source([new Uint8Array(MIB), new Uint8Array(1), new Uint8Array([7])]);
    const read = await readWhole(it);
    expect(read.kind === "more" && read.bytes.byteLength).toBe(MIB + 1);
    expect(await it.next()).toMatchObject({ kind: "frames", pass: new Uint8Array([7]) });
  });

  test("that breaks is broken", async () => {
    expect((await readWhole(source([new Uint8Array(1), new Error("reset")]))).kind).toBe("broke");
  });
});

describe("an encoded document", () => {
  const text = Buffer.from('{"error":{}}');

  test("is decoded to be judged", async () => {
    expect(Buffer.from(await decoded("gzip", gzipSync(text))).toString()).toBe(text.toString());
  });

  test("is judged by its raw bytes where it is corrupt, unknown or a bomb", async () => {
    expect(await decoded("gzip", text)).toBe(text);
    expect(await decoded("snappy", text)).toBe(text);
    expect(await decoded(null, text)).toBe(text);
    const bomb = gzipSync(Buffer.alloc(20 * MIB));
    expect(await decoded("gzip", bomb)).toBe(bomb);
  });
});
