import { writeFileSync } from "node:fs";
import { SAMPLE } from "./sample.ts";
import type { Terminal } from "./terminal.ts";

/** Never throws. `exists` only without `overwrite`. */
export type WriteFile = (path: string, text: string, options: Readonly<{ overwrite: boolean }>) => Written;

export type Written =
  | Readonly<{ kind: "written" }>
  | Readonly<{ kind: "exists" }>
  | Readonly<{ kind: "failed"; why: string }>;

export type InitDoors = Readonly<{ terminal: Pick<Terminal, "write" | "writeError">; writeFile: WriteFile }>;

/** `hedgerow init`: the sample, to a file that is not there yet or to standard output (`output` null). */
export function init(
  { output, force }: Readonly<{ output: string | null; force: boolean }>,
  { terminal, writeFile }: InitDoors,
): 0 | 1 | 2 {
  if (output === null) {
    terminal.write(SAMPLE);
    return 0;
  }
  const written = writeFile(output, SAMPLE, { overwrite: force });
  if (written.kind === "written") {
    terminal.write(
      `${output} is written; hedgerow check -c ${output} looks it over, hedgerow -c ${output} serves it\n`,
    );
    return 0;
  }
  if (written.kind === "exists") {
    terminal.writeError(`hedgerow: ${output} is there already; --force writes over it, -o - prints\n`);
    return 2;
  }
  terminal.writeError(`hedgerow: ${output} cannot be written: ${written.why}\n`);
  return 1;
}

/** For its owner alone: keys will be in it. */
const MODE = 0o600;

export const diskWriter: WriteFile = (path, text, { overwrite }) => {
  try {
    // "wx" decides in one step whether it is there, links that lead nowhere included.
    writeFileSync(path, text, { mode: MODE, flag: overwrite ? "w" : "wx" });
    return { kind: "written" };
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "EEXIST") return { kind: "exists" };
    return { kind: "failed", why: typeof code === "string" ? code : String(error) };
  }
};
