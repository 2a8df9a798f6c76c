import type { Share } from "../core/byte-account.ts";
import type { Frame } from "./protocol.ts";

/**
 * Cuts a stream into frames that are passed on whole or not at all. The bytes of all frames and then of `rest` are
 * exactly the bytes pushed, and how those were chunked changes no frame that there was room for. Owns its share of what
 * may be held at once.
 */
export type Splitter = Disposable &
  Readonly<{
    /** The frames that end in this chunk. The chunk is taken over: frames are views of it. */
    push(chunk: Uint8Array): readonly Frame[];
    /**
     * After a clean end of the stream: what is left as a last frame, if its end can be told without the separator that
     * never came (else null, and it stays in `rest`). Nothing may follow it but the end: pass it on only if it ended the stream.
     */
    flush(): Frame | null;
    /** What belongs to no frame yet. */
    rest(): Uint8Array;
    /** How much that is. */
    heldBytes(): number;
  }>;

/** What one framing knows; holds how far it is in the unfinished frame. */
export type Cutter = Readonly<{
  /** Where in `chunk` frames end, ascending. 0: the frame ended with the chunk before, which only this one could tell. */
  ends(chunk: Uint8Array): readonly number[];
  read(bytes: Uint8Array): Frame;
  /** As `Splitter.flush`. */
  readLast(bytes: Uint8Array): Frame | null;
}>;

/**
 * Larger events are passed on in pieces as they come, and nobody reads them. A picture inside one event has some MiB, and
 * the request body that a stream may echo has 32 MiB by default.
 */
export const FRAME_BYTES_MAX = 32 * 1024 * 1024;

/**
 * So are events for which no room is left, but for these: little is won by them, and with the event that ends an answer
 * unread the answer would be taken for one that broke.
 */
export const SMALL_FRAME_BYTES_MAX = 256 * 1024;

/** For what is bounded by other means. */
export const UNCOUNTED: Share = { resize: () => true, [Symbol.dispose]() {} };

const NOTHING = new Uint8Array(0);

/** `room`: where the bytes of the unfinished frame are counted; taken over. */
export function splitter(cutter: Cutter, frameBytesMax: number, room: Share): Splitter {
  let held: Uint8Array[] = [];
  let heldBytes = 0;
  let countedBytes = 0;
  let inPieces = false;

  const count = (bytes: number): boolean => {
    if (!room.resize(bytes)) return false;
    countedBytes = bytes;
    return true;
  };
  const all = () => (held.length === 1 ? (held[0] ?? NOTHING) : Buffer.concat(held, heldBytes));
  const drop = () => {
    held = [];
    heldBytes = 0;
    if (countedBytes > 0) count(0);
  };
  const taken = (): Uint8Array => {
    const bytes = all();
    drop();
    return bytes;
  };
  const hold = (bytes: Uint8Array) => {
    if (bytes.byteLength === 0) return;
    held.push(bytes);
    heldBytes += bytes.byteLength;
  };
  const mayHold = () => heldBytes <= frameBytesMax && (count(heldBytes) || heldBytes <= SMALL_FRAME_BYTES_MAX);

  return {
    push(chunk) {
      const frames: Frame[] = [];
      let start = 0;
      for (const end of cutter.ends(chunk)) {
        hold(part(chunk, start, end));
        const whole = taken();
        if (whole.byteLength > 0) frames.push(inPieces ? piece(whole) : cutter.read(whole));
        inPieces = false;
        start = end;
      }
      if (start === chunk.byteLength) return frames;
      hold(part(chunk, start, chunk.byteLength));
      if (inPieces || !mayHold()) {
        inPieces = true;
        frames.push(piece(taken()));
      }
      return frames;
    },
    flush() {
      const frame = heldBytes === 0 ? null : cutter.readLast(all());
      if (frame) drop();
      return frame;
    },
    rest: all,
    heldBytes: () => heldBytes,
    [Symbol.dispose]() {
      drop();
      room[Symbol.dispose]();
    },
  };
}

/** Most chunks are one whole frame: no view of a view. */
function part(chunk: Uint8Array, start: number, end: number): Uint8Array {
  return start === 0 && end === chunk.byteLength ? chunk : chunk.subarray(start, end);
}

/** As UTF-8; what is none is replaced, as everywhere on the web. A byte order mark stays. */
export function textOf(bytes: Uint8Array): string {
  return utf8.decode(bytes);
}

const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });

function piece(bytes: Uint8Array): Frame {
  return { kind: "piece", event: "", data: "", bytes };
}
