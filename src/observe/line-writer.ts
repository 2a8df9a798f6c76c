import type { Clock } from "../core/clock.ts";

/** What lines are written to: `process.stdout`, or a test's own. */
export type LineStream = Readonly<{
  write(text: string, callback: (error?: Error | null) => void): unknown;
  on(event: "error", listener: (error: Error) => void): unknown;
}>;

export type LineWriter = Readonly<{
  write(line: string): void;
  /** Lines nobody will read: the reader was too slow, the disk full or the pipe closed. */
  dropped(): number;
  /** Resolves when all lines so far have been taken, or are lost; to be awaited before the process ends. */
  written(): Promise<void>;
}>;

export type LineWriterRules = Readonly<{
  after: Clock["after"];
  /** Called with the number of lines lost when the first line after a gap has been taken. */
  onResumed(lost: number): void;
  heldBytesMax?: number;
}>;

/** Text handed over and not yet taken by the reader: some thousand lines, enough for a log collector that restarts. */
const HELD_BYTES_MAX = 4 * 1024 * 1024;
/** After each write the writer rests: under load a write costs more than making its line, and hundreds share one. */
const REST_MS = 2;

/**
 * Writes without ever making the caller wait. Bun writes to pipes and sockets without blocking and keeps what they do
 * not take, without a bound of its own; so what is under way is counted here and lines beyond the bound are dropped.
 * A closed pipe (EPIPE) or a full disk (ENOSPC) fails each write by itself: its lines are counted as dropped, and
 * writing goes on as soon as the disk has room. (A terminal stopped by the person in front of it does block.)
 */
export function lineWriter(stream: LineStream, rules: LineWriterRules): LineWriter {
  const { after, onResumed, heldBytesMax = HELD_BYTES_MAX } = rules;
  let heldBytes = 0;
  let dropped = 0;
  let lostSinceTold = 0;
  let state: "idle" | "writing" | "resting" = "idle";
  let next: string[] = [];
  let whenWritten: (() => void)[] = [];

  const drop = (lines: number) => {
    dropped += lines;
    lostSinceTold += lines;
  };
  const flush = () => {
    const lines = next;
    const text = lines.join("");
    const bytes = Buffer.byteLength(text);
    next = [];
    state = "writing";
    stream.write(text, (error) => {
      state = "resting";
      heldBytes -= bytes;
      if (error) drop(lines.length);
      else if (lostSinceTold > 0) {
        const lost = lostSinceTold;
        lostSinceTold = 0;
        onResumed(lost);
      }
      if (whenWritten.length > 0) goOn();
      else after(REST_MS, goOn);
    });
  };
  const goOn = () => {
    if (state === "writing") return;
    if (next.length > 0) return flush();
    state = "idle";
    for (const written of whenWritten) written();
    whenWritten = [];
  };
  // Without a listener a failed write would be an uncaught error and end the process.
  stream.on("error", () => {});
  return {
    write(line) {
      const bytes = Buffer.byteLength(line);
      if (heldBytes + bytes > heldBytesMax) return drop(1);
      heldBytes += bytes;
      next.push(line);
      if (state === "idle") flush();
    },
    dropped: () => dropped,
    written: () =>
      new Promise((resolve) => {
        whenWritten.push(resolve);
        goOn();
      }),
  };
}
