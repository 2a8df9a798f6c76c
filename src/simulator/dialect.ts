import type { OperationKind, ProtocolName } from "../protocol/protocol.ts";

/** What a request asks of a simulated upstream. */
export type Wish = Readonly<{
  protocol: ProtocolName;
  kind: OperationKind;
  model: string;
  stream: boolean;
  /** Gemini without `alt=sse` streams one JSON array. */
  framing: "sse" | "json-array";
  /** Chat: the client wants the usage chunk. */
  usageChunk: boolean;
  /** How many inputs are to be embedded, as a list; null: one, and no list (Gemini's `embedContent`). */
  inputs: number | null;
  /** Makes the ids in the answer. */
  serial: number;
}>;

/** What is said, whatever the protocol. */
export type Reply = Readonly<{
  /** A stream says it in these pieces. */
  pieces: readonly string[];
  /** Thought first; "" = nothing. */
  thinking: string;
  /** Called after the text. `args` is JSON text; "" = a call without arguments. */
  tool: Readonly<{ name: string; args: string }> | null;
  tokens: Readonly<{ input: number; output: number; cached: number }>;
}>;

/** One event as it goes over the wire, separators included. */
export type Piece = Readonly<{
  text: string;
  /** `prelude` is what real vendors send before they have anything to say. */
  part: "prelude" | "content" | "end";
}>;

/** How one vendor talks. The shapes are those of the vendors' public references. */
export type Dialect = Readonly<{
  /** A whole generated answer. */
  whole(wish: Wish, reply: Reply): unknown;
  stream(wish: Wish, reply: Reply): readonly Piece[];
  /** Anything that is not generated: counts, embeddings, compactions. */
  short(wish: Wish, reply: Reply): unknown;
  /** The body of an answer with that status. */
  error(status: number, message: string): unknown;
  /** An error as an event inside a stream that began with 200. */
  errorPiece(status: number, message: string): string;
  /** Liveness without progress, as this vendor (or a relay of it) sends it. */
  ping: string;
}>;

export const piece = (part: Piece["part"], text: string): Piece => ({ part, text });
