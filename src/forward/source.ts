import type { Frame } from "../protocol/protocol.ts";
import type { Splitter } from "../protocol/frames.ts";
import type { Clock } from "../core/clock.ts";
import type { Decoder } from "./decode.ts";
import { settled } from "./stoppable.ts";

/** What one read of an upstream's body brought. */
export type Piece =
  /**
   * `pass`: the bytes to pass on for these frames, as received. `unended`: the stream is over, and its last frame lacks
   * the separator that would keep apart from it what is written next.
   */
  | Readonly<{ kind: "frames"; frames: readonly Frame[]; pass: Uint8Array; unended: boolean }>
  | Readonly<{ kind: "end" }>
  | Readonly<{ kind: "broke"; error: unknown }>;

/** Owns an upstream's body and its splitter. One reader; `next` after an end or a break answers the same again. */
export type Source = AsyncDisposable &
  Readonly<{
    /** The bytes passed on are encoded: none of them can be left out, and nothing can be added. */
    encoded: boolean;
    next(): Promise<Piece>;
    /** Puts back what has not been looked at of the last piece, its last frames: the next piece. */
    back(frames: readonly Frame[]): void;
    /** How much has come of a frame that is not whole yet, decoded. */
    heldBytes(): number;
    /** Takes that out, to be passed on at once; what is still to come of it comes in pieces. */
    pour(): readonly Uint8Array[];
    /** A part of a frame was passed on, and the rest has not come yet: nothing can be put after it. */
    amid(): boolean;
  }>;

const NOTHING = new Uint8Array(0);

/**
 * Reads a body as whole frames. With a `decoder` the body is encoded: frames are those of the decoded text while the
 * bytes passed on stay the encoded ones. Without a `splitter` the body is passed on as it comes.
 */
export function frameSource(
  body: ReadableStream<Uint8Array> | null,
  how: Readonly<{ clock: Clock; splitter: Splitter | null; decoder: Decoder | null; signal: AbortSignal }>,
): Source {
  const { clock, splitter, decoder, signal } = how;
  const reader = body?.getReader();
  let over: Piece | null = reader ? null : { kind: "end" };
  let unread: Piece | null = null;
  let cancelled: Promise<void> | undefined;

  /** Once: a second cancel of a stream is answered at once, and not when the first has ended. */
  function cancel(): Promise<void> {
    // It rejects where the body has already failed, which is one way of having ended.
    cancelled ??= Promise.resolve(reader?.cancel().catch(() => undefined));
    return cancelled;
  }
  // A read under way ends with its reader, whatever the runtime makes of the abort of the request behind it.
  const stop = () => {
    decoder?.close();
    void cancel();
  };
  if (signal.aborted) stop();
  else signal.addEventListener("abort", stop, { once: true });

  function piece(chunk: Uint8Array): Piece {
    if (!splitter) return { kind: "frames", frames: [], pass: chunk, unended: false };
    const frames = splitter.push(chunk);
    return { kind: "frames", frames, pass: joined(frames), unended: false };
  }
  function last(): Piece {
    over = { kind: "end" };
    const frame = splitter?.flush();
    return frame ? { kind: "frames", frames: [frame], pass: decoder ? NOTHING : frame.bytes, unended: true } : over;
  }
  return {
    encoded: decoder !== null,
    back(frames) {
      if (frames.length === 0) return;
      // Encoded bytes went with the piece they came in.
      unread = { kind: "frames", frames, pass: decoder ? NOTHING : joined(frames), unended: false };
    },
    heldBytes: () => splitter?.heldBytes() ?? 0,
    // Encoded bytes have gone with the piece they came in.
    pour: () => (decoder ? [] : (splitter?.pour() ?? [])),
    amid: () => splitter?.amid() ?? false,
    async next() {
      if (unread !== null) {
        const piece = unread;
        unread = null;
        return piece;
      }
      if (over || !reader) return over ?? { kind: "end" };
      try {
        const { done, value } = await reader.read();
        if (signal.aborted) throw signal.reason;
        if (done) return last();
        // Only what has to be waited for is: a stream has ten thousand of these.
        return decoder && splitter ? await decodedPiece(value, decoder, splitter) : piece(value);
      } catch (error) {
        over = { kind: "broke", error };
        return over;
      }
    },
    async [Symbol.asyncDispose]() {
      signal.removeEventListener("abort", stop);
      decoder?.close();
      splitter?.[Symbol.dispose]();
      if (over?.kind === "end") return; // read to its end: there is nothing left to cancel
      await settled(cancel(), signal, clock).catch(() => undefined); // given up after the abort: as ended as it will be
    },
  };
}

async function decodedPiece(chunk: Uint8Array, decoder: Decoder, splitter: Splitter): Promise<Piece> {
  const frames = (await decoder.push(chunk)).flatMap((text) => splitter.push(text));
  return { kind: "frames", frames, pass: chunk, unended: false };
}

/** The bytes of neighbouring frames in one piece; frames cut from one chunk lie side by side and need no copy. */
export function joined(frames: readonly Frame[]): Uint8Array {
  const first = frames[0]?.bytes;
  const last = frames.at(-1)?.bytes;
  if (!first || !last) return NOTHING;
  if (frames.length === 1) return first;
  const sum = frames.reduce((bytes, frame) => bytes + frame.bytes.byteLength, 0);
  const adjoin = first.buffer === last.buffer && last.byteOffset + last.byteLength === first.byteOffset + sum;
  if (adjoin) return new Uint8Array(first.buffer, first.byteOffset, sum);
  return Buffer.concat(frames.map((frame) => frame.bytes));
}
