import type { Level } from "../../../src/protocol/protocol.ts";

/** One stream in the shape a vendor sends, and what it means. */
export type Row = Readonly<{
  /** What happens, as a sentence's end: "a stream with …". */
  what: string;
  stream: string;
  /** The level of each frame until the first that settles, that one included. */
  levels: readonly Level[];
  /** With `error`: what it was. */
  error?: Readonly<{ type: string; status: number | null; retryAfterMs?: number; policy?: boolean }>;
  /** A clean end after all of it is the end of a whole answer. */
  ended: boolean;
}>;

/** Levels written as words, for a table that can be read. */
export function levels(words: string): readonly Level[] {
  return words.split(" ") as Level[];
}

type Event = Readonly<{ type: string; [field: string]: unknown }>;

/** Events with their names, as Anthropic and Responses send them. */
export function named(...events: readonly Event[]): string {
  return events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join("");
}

/** Events of data alone, as chat completions send them. */
export function plain(...chunks: readonly unknown[]): string {
  return chunks.map((chunk) => `data: ${typeof chunk === "string" ? chunk : JSON.stringify(chunk)}\n\n`).join("");
}

/** As Google sends them. */
export function plainCrlf(...chunks: readonly unknown[]): string {
  return plain(...chunks).replaceAll("\n\n", "\r\n\r\n");
}
