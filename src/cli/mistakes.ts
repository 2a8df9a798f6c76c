import type { Loaded } from "../config/load.ts";
import { printProblem } from "../config/problem.ts";

/** What is wrong with a configuration, a line each. */
export function mistakeLines({ problems }: Loaded & { kind: "bad" }): string {
  return problems.map((problem) => `${printProblem(problem)}\n`).join("");
}

/** What is allowed in it and yet hardly meant, a line each. */
export function noteLines({ notes }: Loaded & { kind: "ok" }): string {
  return notes.map((note) => `${printProblem(note)}\n`).join("");
}

/** How to come by a configuration where there is none at `path`; else "". */
export function initHint({ missing }: Loaded & { kind: "bad" }, path: string): string {
  return missing ? `try: hedgerow init -o ${path}\n` : "";
}
