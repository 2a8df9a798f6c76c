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

/** Text handed over and not yet taken by the reader: some thousand lines, enough for a log collector that restarts. */
const HELD_BYTES_MAX = 4 * 1024 * 1024;

/**
 * Writes without ever making the caller wait. Bun writes to pipes and sockets without blocking and keeps what they do
 * not take, without a bound of its own; so what is under way is counted here and lines beyond the bound are dropped.
 * A closed pipe (EPIPE) or a full disk (ENOSPC) fails each write by itself: the line is counted as dropped, and
 * writing goes on as soon as the disk has room. (A terminal stopped by the person in front of it does block.)
 *
 * `onResumed` is called with the number of lines lost when the first line after a gap has been taken.
 */
export function lineWriter(
  stream: LineStream,
  onResumed: (lost: number) => void,
  heldBytesMax: number = HELD_BYTES_MAX,
): LineWriter {
  let heldBytes = 0;
  let dropped = 0;
  let lostSinceTold = 0;
  let writing = false;
  let next: string[] = [];
  let onQuiet: (() => void)[] = [];
  const drop = (lines: number) => {
    dropped += lines;
    lostSinceTold += lines;
  };
  // A write costs more than making its line: what comes while one is under way goes out with the next, in one.
  const flush = () => {
    if (writing) return;
    if (next.length === 0) {
      for (const quiet of onQuiet) quiet();
      onQuiet = [];
      return;
    }
    const lines = next;
    const text = lines.join("");
    const bytes = Buffer.byteLength(text);
    next = [];
    writing = true;
    stream.write(text, (error) => {
      writing = false;
      heldBytes -= bytes;
      if (error) drop(lines.length);
      else if (lostSinceTold > 0) {
        const lost = lostSinceTold;
        lostSinceTold = 0;
        onResumed(lost);
      }
      flush();
    });
  };
  // Without a listener a failed write would be an uncaught error and end the process.
  stream.on("error", () => {});
  return {
    write(line) {
      const bytes = Buffer.byteLength(line);
      if (heldBytes + bytes > heldBytesMax) return drop(1);
      heldBytes += bytes;
      next.push(line);
      flush();
    },
    dropped: () => dropped,
    written: () =>
      new Promise((resolve) => {
        onQuiet.push(resolve);
        flush();
      }),
  };
}
