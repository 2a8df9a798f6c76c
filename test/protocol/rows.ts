import { expect, test } from "bun:test";
import * as fc from "fast-check";
import type { Splitter } from "../../src/protocol/frames.ts";
import type { EventReader, Level, Seen } from "../../src/protocol/protocol.ts";
import { byteByByte, chunkings, cut } from "./chunks.ts";
import type { Row } from "./corpus/row.ts";

export type Stream = Readonly<{ splitter: () => Splitter; events: (requestBytes: number) => EventReader }>;

const SETTLES: ReadonlySet<Level> = new Set(["content", "definitive", "held", "error"]);

/** What a reader makes of a stream: each level until it is settled, then what it knows at the end. */
export function heard({ splitter, events }: Stream, chunks: readonly Uint8Array[]) {
  const reader = events(400);
  const seen: Seen[] = [];
  for (const frame of cut(splitter(), chunks).frames) {
    if (seen.some(({ level }) => SETTLES.has(level))) reader.watch(frame);
    else seen.push(reader.classify(frame));
  }
  return {
    levels: seen.map(({ level }) => level),
    error: seen.at(-1)?.error,
    ended: reader.ended(),
    usage: reader.usage(),
    aliases: reader.aliases(),
    sequence: reader.sequence(),
    failed: reader.failed(),
  };
}

/** Each row means what it says, however the network cuts it. */
export function testRows(rows: readonly Row[], stream: Stream): void {
  for (const row of rows) {
    const bytes = new TextEncoder().encode(row.stream);
    test(`a stream with ${row.what}: ${row.levels.join(", ")}`, () => {
      const whole = heard(stream, [bytes]);
      expect(whole.levels).toEqual([...row.levels]);
      expect(whole.ended).toBe(row.ended);
      if (row.error) {
        expect(whole.error).toMatchObject({ retryAfterMs: null, policy: false, ...row.error });
      } else expect(whole.error).toBeUndefined();
      expect(heard(stream, byteByByte(bytes))).toEqual(whole);
      fc.assert(
        fc.property(chunkings(bytes), (chunks) => expect(heard(stream, chunks)).toEqual(whole)),
        { numRuns: 20 },
      );
    });
  }
}
