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

/** The process's own. `noColour`: NO_COLOR is set (no-color.org). */
export function processTerminal(noColour: boolean): Terminal {
  const { stdin, stdout, stderr } = process;
  const isInteractive = isatty(stdout.fd);
  return {
    isInteractive,
    colour: isInteractive && !noColour,
    // 0 on a terminal that does not know its size.
    rows: () => stdout.rows || 24,
    write: (text) => void stdout.write(text),
    writeError: (text) => void stderr.write(text),
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
