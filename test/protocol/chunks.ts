import * as fc from "fast-check";
import type { Splitter } from "../../src/protocol/frames.ts";
import type { Frame } from "../../src/protocol/protocol.ts";

/** What a stream was cut into: all frames, the one at its end included, and the tail that belongs to none. */
export type Cut = Readonly<{ frames: readonly Frame[]; last: Frame | null; rest: string }>;

export function cut(splitter: Splitter, chunks: readonly Uint8Array[]): Cut {
  const frames = chunks.flatMap((chunk) => splitter.push(chunk));
  const last = splitter.flush();
  return { frames: last ? [...frames, last] : frames, last, rest: Buffer.from(splitter.rest()).toString("latin1") };
}

/** All that was received, put together again. */
export function received({ frames, rest }: Cut): Buffer {
  return Buffer.concat([...frames.map(({ bytes }) => bytes), Buffer.from(rest, "latin1")]);
}

/** Bytes in chunks of any sizes, empty ones and single bytes among them. */
export function chunkings(bytes: Uint8Array): fc.Arbitrary<readonly Uint8Array[]> {
  return fc.array(fc.nat(bytes.byteLength), { maxLength: 12 }).map((cuts) => {
    const edges = [0, ...cuts.sort((a, b) => a - b), bytes.byteLength];
    return edges.slice(1).map((edge, at) => bytes.slice(edges[at] ?? 0, edge));
  });
}

export function byteByByte(bytes: Uint8Array): readonly Uint8Array[] {
  return Array.from(bytes, (_, at) => bytes.slice(at, at + 1));
}

/** A frame without its bytes, for comparing with what is meant. */
export function said(frame: Frame): Readonly<{ kind: string; event: string; data: string }> {
  return { kind: frame.kind, event: frame.event, data: frame.data };
}
