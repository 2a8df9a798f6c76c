import type { ErrorFacts, EventReader, Frame, Level } from "../protocol/protocol.ts";
import { joined, type Piece, type Source } from "./source.ts";

/**
 * What the beginning of a stream turned out to be. `head`: the bytes up to and with the frame that told, to be passed on
 * should it win; what came with them is the source's next piece.
 */
export type Look =
  | Readonly<{ kind: "content" | "definitive" | "held"; head: readonly Uint8Array[] }>
  | Readonly<{ kind: "error"; facts: ErrorFacts; head: readonly Uint8Array[] }>
  /** The stream ended, cleanly or not, before anything that could be an answer. */
  | Readonly<{ kind: "truncated"; error: unknown; empty: boolean }>;

/** A stream that goes on for so long without content is passed on as it is: it may be one we do not know. */
const EVENTS_MAX = 64;
const BYTES_MAX = 1024 * 1024;
/** All that may be kept, echoes of large requests included. */
const KEPT_BYTES_MAX = 64 * 1024 * 1024;

/**
 * Reads a stream until its first content, a definitive answer or a fault. Nothing of it has gone to the client by then.
 * Signs of life that repeat are not kept: an upstream that pings for an hour costs nothing. Frames are judged and counted
 * one by one, and one that is too large to be waited for is committed to unread: what is found does not depend on how many
 * of them came at once, nor in how many parts.
 *
 * `requestBytes`: what an echo of the request may have, which is not known for one before it is whole. `kept` takes room
 * for what is kept; without room the stream is passed on as it is.
 */
export async function lookAhead(
  source: Source,
  reader: EventReader,
  how: Readonly<{ requestBytes: number; started(): void; kept(bytes: number): boolean }>,
): Promise<Look> {
  const head: Uint8Array[] = [];
  let counted = 0;
  let countedBytes = 0;
  let keptBytes = 0;
  let quiet = false;
  let first = true;
  let started = false;
  const isLarge = (frameBytes: number) => countedBytes + frameBytes > BYTES_MAX + how.requestBytes;
  /** Keeps what was read of a piece, up to the frame `at`. */
  const keepUpTo = (at: number, piece: Piece & { kind: "frames" }, keep: readonly Frame[]): number => {
    source.back(piece.frames.slice(at));
    const kept = source.encoded ? piece.pass : joined(keep);
    if (kept.byteLength > 0) head.push(kept);
    return kept.byteLength;
  };

  for (;;) {
    const piece = await source.next();
    if (piece.kind !== "frames") {
      return { kind: "truncated", error: piece.kind === "broke" ? piece.error : null, empty: first };
    }
    first = false;
    const keep: Frame[] = [];
    if (source.encoded) keptBytes += piece.pass.byteLength;
    for (const [at, frame] of piece.frames.entries()) {
      if (isLarge(frame.bytes.byteLength)) {
        keepUpTo(at, piece, keep);
        return { kind: "content", head };
      }
      const seen = reader.classify(frame);
      const liveness = seen.level === "liveness";
      if (!(liveness && quiet)) {
        keep.push(frame);
        if (!source.encoded) keptBytes += frame.bytes.byteLength;
      }
      quiet = liveness;
      if (seen.level === "started" && !started) {
        started = true;
        how.started();
      }
      if (!liveness && seen.level !== "neutral" && seen.echo !== true) {
        counted++;
        countedBytes += frame.bytes.byteLength;
      }
      const tooMuch = counted >= EVENTS_MAX || countedBytes > BYTES_MAX || keptBytes > KEPT_BYTES_MAX;
      const found = answerIn(seen.level) ?? (tooMuch ? "content" : null);
      if (!found && !seen.error) continue;
      // The stream is over with this frame. One that is no whole answer is cut off here, and no event could be put after it.
      if (!seen.error && piece.unended && !reader.ended()) return { kind: "truncated", error: null, empty: false };
      keepUpTo(at + 1, piece, keep);
      if (seen.error) return { kind: "error", facts: seen.error, head };
      if (found) return { kind: found, head };
    }
    const bytes = keepUpTo(piece.frames.length, piece, keep);
    const room = bytes === 0 || how.kept(bytes);
    const large = isLarge(source.heldBytes());
    if (large) head.push(...source.pour());
    if (large || !room || keptBytes > KEPT_BYTES_MAX) return { kind: "content", head };
  }
}

/** The answer that a frame begins, by what it says. */
function answerIn(level: Level): "content" | "definitive" | "held" | null {
  return level === "content" || level === "definitive" || level === "held" ? level : null;
}
