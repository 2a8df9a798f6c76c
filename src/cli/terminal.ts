import { isatty } from "node:tty";

/** What a verb sees of the terminal (or pipe) it is run in. */
export type Terminal = Readonly<{
  /** Standard output is a terminal that a person looks at. */
  isInteractive: boolean;
  colour: boolean;
  rows(): number;
  write(text: string): void;
  writeError(text: string): void;
  /** Calls back for each key until the function returned is called; Ctrl-C comes as a key too. Without a keyboard: never. */
  onKey(callback: (key: string) => void): () => void;
}>;

export type ProcessTerminal = Terminal &
  Readonly<{
    /**
     * Resolves when all that was written has been taken, which a reader that is slow may delay for as long as it likes:
     * a process that exits before loses what a pipe does not hold. False where it could not be written (a full disk); a
     * reader that has had enough (EPIPE) is no failure.
     */
    written(): Promise<boolean>;
  }>;

/** The process's own. `noColour`: NO_COLOR is set (no-color.org). */
export function processTerminal(noColour: boolean): ProcessTerminal {
  const { stdin, stdout, stderr } = process;
  const isInteractive = isatty(stdout.fd);
  let writing: Promise<unknown> = Promise.resolve();
  let failed = false;
  const writer = (stream: NodeJS.WriteStream) => {
    // Without a listener a failed write would be an uncaught error and end the process.
    stream.on("error", () => {});
    return (text: string) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      stream.write(text, (error) => {
        failed ||= error !== undefined && error !== null && !("code" in error && error.code === "EPIPE");
        resolve();
      });
      writing = Promise.all([writing, promise]);
    };
  };
  return {
    isInteractive,
    colour: isInteractive && !noColour,
    // 0 on a terminal that does not know its size.
    rows: () => stdout.rows || 24,
    write: writer(stdout),
    writeError: writer(stderr),
    async written() {
      await writing;
      return !failed;
    },
    onKey(callback) {
      if (!stdin.isTTY) return () => {};
      const listener = (bytes: Buffer) => callback(bytes.toString());
      stdin.setRawMode(true);
      stdin.on("data", listener);
      stdin.resume();
      return () => {
        stdin.off("data", listener);
        stdin.setRawMode(false);
        stdin.pause();
      };
    },
  };
}
