/** Writes the generated parts of README.md: `npm run docs`. */
import { readFileSync, writeFileSync } from "node:fs";
import { configTable } from "../src/config/describe.ts";

const BEGIN = "<!-- config:begin -->\n";
const END = "\n<!-- config:end -->";

/** The text with its configuration table as the schema has it now. */
export function withConfigTable(readme: string): string {
  const begin = readme.indexOf(BEGIN);
  const end = readme.indexOf(END);
  if (begin < 0 || end < begin) throw new Error(`README.md lacks ${BEGIN.trim()} before ${END.trim()}`);
  return `${readme.slice(0, begin + BEGIN.length)}${configTable()}${readme.slice(end)}`;
}

if (import.meta.main) writeFileSync("README.md", withConfigTable(readFileSync("README.md", "utf8")));
