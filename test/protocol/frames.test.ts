import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { byteAccount } from "../../src/core/byte-account.ts";
import { FRAME_BYTES_MAX, SMALL_FRAME_BYTES_MAX } from "../../src/protocol/frames.ts";
import { sseSplitter } from "../../src/protocol/sse.ts";
import { chunkings, cut, received, said } from "./chunks.ts";

const KIB = 1024;
const bytes = (text: string) => new TextEncoder().encode(text);
const line = (bytes: number) => `data: ${"x".repeat(bytes - 6)}`;

/** A splitter that counts what it holds where there is room for `bytesMax`. */
function counting(bytesMax: number, frameBytesMax = FRAME_BYTES_MAX) {
  const account = byteAccount(() => bytesMax);
  const splitter = sseSplitter(frameBytesMax, account.share());
  const push = (text: string) => splitter.push(bytes(text));
  return { account, splitter, push, kinds: (text: string) => push(text).map(({ kind }) => kind) };
}

describe("what is held of an unfinished event", () => {
  test("is counted while it is held", () => {
    const { account, splitter, push } = counting(1_000 * KIB);
    const counted = [0, 400 * KIB, 100 * KIB].map((more) => {
      push(more === 0 ? "data: 1\n\n" : line(more));
      expect(splitter.heldBytes()).toBe(account.used());
      return account.used();
    });
    expect(counted).toEqual([0, 400 * KIB, 500 * KIB]);
    const [whole] = push("\n\ndata: 2");
    expect(whole?.bytes.byteLength).toBe(500 * KIB + 2);
    expect([account.used(), splitter.heldBytes()]).toEqual([7, 7]);
    push("\n\n");
    expect([account.used(), splitter.heldBytes()]).toEqual([0, 0]);
  });

  test("is passed on in pieces where there is no room for it, and the next event is whole again", () => {
    const { account, kinds } = counting(600 * KIB);
    expect(kinds(line(400 * KIB))).toEqual([]);
    expect(kinds(line(300 * KIB))).toEqual(["piece"]);
    expect(account.used()).toBe(0);
    expect(kinds(line(10))).toEqual(["piece"]);
    expect(kinds("\n\n" + line(300 * KIB))).toEqual(["piece"]);
    expect(account.used()).toBe(300 * KIB);
    expect(kinds("\n\n")).toEqual(["event"]);
  });

  test("is passed on in pieces above the bound, room or not", () => {
    const { account, kinds } = counting(1_000 * KIB, 300 * KIB);
    expect(kinds(line(200 * KIB))).toEqual([]);
    expect(kinds(line(200 * KIB))).toEqual(["piece"]);
    expect([kinds("\n\n"), account.used()]).toEqual([["piece"], 0]);
  });

  test("is kept to be read where it is little, though no room is left", () => {
    const { account, push } = counting(100);
    expect(push(line(50))).toEqual([]);
    expect(push("y".repeat(SMALL_FRAME_BYTES_MAX - 50))).toEqual([]);
    expect(account.used()).toBe(50);
    const [frame] = push("\n\n");
    expect([frame?.kind, frame?.data.length]).toEqual(["event", SMALL_FRAME_BYTES_MAX - 6]);
    expect(account.used()).toBe(0);
  });

  test("finds the room that has come back by then", () => {
    const { account, push } = counting(100 * KIB);
    const others = account.take(100 * KIB);
    push(line(10 * KIB));
    expect(account.used()).toBe(100 * KIB);
    others?.[Symbol.dispose]();
    push("x");
    expect(account.used()).toBe(10 * KIB + 1);
  });

  test("is given back with the splitter, which takes no more after that", () => {
    const { account, splitter, push } = counting(1_000 * KIB);
    push(line(400 * KIB));
    splitter[Symbol.dispose]();
    expect([account.used(), splitter.heldBytes()]).toEqual([0, 0]);
    push(line(10));
    expect(account.used()).toBe(0);
    splitter[Symbol.dispose]();
    expect(account.used()).toBe(0);
  });

  test("is counted also when it turns out to be the last, until it is taken", () => {
    const { account, splitter, push } = counting(100);
    push("data: [DONE]");
    expect(account.used()).toBe(12);
    expect(splitter.flush()).toMatchObject({ data: "[DONE]" });
    expect(account.used()).toBe(0);
    push("data: {");
    expect([splitter.flush(), splitter.heldBytes(), account.used()]).toEqual([null, 7, 7]);
  });
});

describe("an unfinished event that is passed on at once", () => {
  const poured = (parts: readonly Uint8Array[]) => Buffer.concat(parts).toString();
  const passed = ({ bytes }: Readonly<{ bytes: Uint8Array }>) => Buffer.from(bytes).toString();

  test("comes in pieces, and is read all the same when it is whole", () => {
    const { account, splitter, push } = counting(1_000);
    expect([splitter.pour(), splitter.amid()]).toEqual([[], false]);
    push("data: 1\n\nevent: x\n");
    push("data: a");
    expect([poured(splitter.pour()), splitter.amid()]).toEqual(["event: x\ndata: a", true]);
    expect([splitter.pour(), Buffer.from(splitter.rest()).toString()]).toEqual([[], ""]);
    const [part] = push("bc");
    expect([part?.kind, part && passed(part), account.used()]).toEqual(["piece", "bc", 18]);
    const [whole, next] = push("d\n\ndata: 2\n\n");
    expect([whole && said(whole), whole && passed(whole)]).toEqual([
      { kind: "event", event: "x", data: "abcd" },
      "d\n\n",
    ]);
    expect([next && passed(next), splitter.amid(), account.used()]).toEqual(["data: 2\n\n", false, 0]);
  });

  test("is not read where the room for it runs out", () => {
    const { account, splitter, kinds } = counting(400 * KIB);
    kinds(line(300 * KIB));
    splitter.pour();
    expect([kinds(line(200 * KIB)), account.used(), splitter.amid()]).toEqual([["piece"], 0, true]);
    expect([kinds("\n\ndata: 2\n\n"), splitter.amid()]).toEqual([["piece", "event"], false]);
  });

  test("is read at the end of the stream where it is whole but for its separator, and nothing can follow it", () => {
    const { splitter, push } = counting(1_000);
    push("data: [DO");
    splitter.pour();
    push("NE]");
    const last = splitter.flush();
    expect([last && said(last), last && passed(last), splitter.amid()]).toEqual([
      { kind: "event", event: "", data: "[DONE]" },
      "",
      true,
    ]);
  });

  test("loses no byte and changes no event, whenever that is", () => {
    const text = 'data: {"a":1}\n\n: x\r\n\r\nevent: e\rdata: 2\r\rdata: 3\n\ndata: [DONE]';
    const whole = cut(sseSplitter(), [bytes(text)]).frames.map(said);
    fc.assert(
      fc.property(chunkings(bytes(text)), fc.array(fc.boolean()), (chunks, pours) => {
        const { splitter } = counting(1_000);
        const out: string[] = [];
        const heard = chunks.flatMap((chunk, at) => {
          const frames = splitter.push(chunk);
          out.push(...frames.map(passed), pours[at] ? poured(splitter.pour()) : "");
          return frames;
        });
        const last = splitter.flush();
        if (last) out.push(passed(last));
        const events = [...heard, ...(last ? [last] : [])].filter(({ kind }) => kind !== "piece");
        expect([events.map(said), out.join("")]).toEqual([whole, text]);
      }),
      { numRuns: 500 },
    );
  });
});

test("whatever room there is, no byte is lost and none stays counted", () => {
  const events = fc
    .array(fc.tuple(fc.constantFrom(10, 200 * KIB, 300 * KIB, 700 * KIB), fc.constantFrom("\n\n", "\r\n\r\n", "\n")), {
      maxLength: 5,
    })
    .map((parts) => bytes(parts.map(([size, end]) => line(size) + end).join("")));
  fc.assert(
    fc.property(
      events.chain((stream) => fc.tuple(fc.constant(stream), chunkings(stream))),
      fc.nat(1_000 * KIB),
      ([stream, chunks], roomBytes) => {
        const { account, splitter } = counting(roomBytes);
        const parts = cut(splitter, chunks);
        expect(received(parts).equals(stream)).toBe(true);
        expect(account.used()).toBeLessThanOrEqual(roomBytes);
        const roomy = cut(sseSplitter(), [stream]);
        if (parts.frames.every(({ kind }) => kind === "event")) {
          expect(parts.frames.map(said)).toEqual(roomy.frames.map(said));
        }
        splitter[Symbol.dispose]();
        expect(account.used()).toBe(0);
      },
    ),
    { numRuns: 50 },
  );
});
