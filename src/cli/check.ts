import type { ReadFile } from "../config/files.ts";
import type { Env } from "../config/interpolate.ts";
import { load } from "../config/load.ts";
import { counted } from "../words/counted.ts";
import { initHint, mistakeLines, noteLines } from "./mistakes.ts";
import type { Terminal } from "./terminal.ts";

export type CheckDoors = Readonly<{ terminal: Pick<Terminal, "write" | "writeError">; env: Env; readFile: ReadFile }>;

/** `hedgerow check`: one line a mistake or a note on standard output, so that it can be piped; what it comes to on the other. */
export function check({ path }: Readonly<{ path: string }>, { terminal, env, readFile }: CheckDoors): 0 | 2 {
  const loaded = load({ path, env, readFile });
  if (loaded.kind === "ok") {
    const { providers, clients } = loaded.config;
    const notes = loaded.notes.length === 0 ? "" : `, ${counted(loaded.notes.length, "note")}`;
    const parts = `${counted(providers.length, "provider")}, ${counted(clients.length, "client")}`;
    terminal.write(`${noteLines(loaded)}${path}: no mistakes${notes}; ${parts}\n`);
    return 0;
  }
  terminal.write(mistakeLines(loaded));
  terminal.writeError(`hedgerow: ${counted(loaded.problems.length, "mistake")} in ${path}\n${initHint(loaded, path)}`);
  return 2;
}
