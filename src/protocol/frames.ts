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
    /** How much of the unfinished frame is held. */
    heldBytes(): number;
    /**
     * Answers what is held of the unfinished frame, to be passed on at once. The rest of it comes in pieces, and then as
     * a frame that says all but has only its last bytes.
     */
    pour(): readonly Uint8Array[];
    /** A frame of which a part was passed on is not whole yet: nothing can be put after it. */
    amid(): boolean;
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
 * Larger events are passed on in pieces as they come, unread. A picture inside one event has some MiB, and the request
 * body that a stream may echo has 32 MiB by default.
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
  const held = unfinished(room);
  /** The unfinished frame is kept until it is whole; or passed on as it comes, and kept to be read then, or not. */
  let goes: "whole" | "in pieces" | "unread" = "whole";

  const ended = (last: Uint8Array): Frame | null => {
    const went = goes;
    goes = "whole";
    if (went === "unread") return last.byteLength === 0 ? null : piece(last);
    held.add(last);
    const whole = held.take();
    if (whole.byteLength === 0) return null;
    const frame = cutter.read(whole);
    return went === "whole" ? frame : { ...frame, bytes: last };
  };
  const begun = (more: Uint8Array): Frame | null => {
    if (goes === "unread") return piece(more);
    held.add(more);
    if (held.bytes() <= frameBytesMax && held.fits()) return goes === "whole" ? null : piece(more);
    const bytes = goes === "whole" ? held.all() : more;
    held.drop();
    goes = "unread";
    return piece(bytes);
  };
  return {
    push(chunk) {
      const frames: Frame[] = [];
      let start = 0;
      for (const end of cutter.ends(chunk)) {
        const frame = ended(part(chunk, start, end));
        if (frame) frames.push(frame);
        start = end;
      }
      const frame = start === chunk.byteLength ? null : begun(part(chunk, start, chunk.byteLength));
      if (frame) frames.push(frame);
      return frames;
    },
    flush() {
      const frame = held.bytes() === 0 ? null : cutter.readLast(held.all());
      if (frame) held.drop();
      return frame && goes === "in pieces" ? { ...frame, bytes: NOTHING } : frame;
    },
    rest: () => (goes === "whole" ? held.all() : NOTHING),
    heldBytes: held.bytes,
    pour() {
      if (goes !== "whole" || held.bytes() === 0) return [];
      goes = "in pieces";
      return held.parts();
    },
    amid: () => goes !== "whole",
    [Symbol.dispose]() {
      held.drop();
      room[Symbol.dispose]();
    },
  };
}

/** What is held of a frame, and its share of all that may be held. */
function unfinished(room: Share) {
  let parts: Uint8Array[] = [];
  let bytes = 0;
  let countedBytes = 0;

  const count = (now: number): boolean => {
    if (!room.resize(now)) return false;
    countedBytes = now;
    return true;
  };
  const all = () => (parts.length === 1 ? (parts[0] ?? NOTHING) : Buffer.concat(parts, bytes));
  const drop = () => {
    parts = [];
    bytes = 0;
    if (countedBytes > 0) count(0);
  };
  return {
    bytes: () => bytes,
    parts: () => [...parts],
    all,
    drop,
    add(part: Uint8Array) {
      if (part.byteLength === 0) return;
      parts.push(part);
      bytes += part.byteLength;
    },
    take(): Uint8Array {
      const whole = all();
      drop();
      return whole;
    },
    /** It is counted, or so small that it need not be. */
    fits: () => count(bytes) || bytes <= SMALL_FRAME_BYTES_MAX,
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
