import type { Config } from "../../src/config/config.ts";
import type { ReadFile } from "../../src/config/files.ts";
import type { Env } from "../../src/config/interpolate.ts";
import { type Loaded, load, type Overrides } from "../../src/config/load.ts";
import { printProblem } from "../../src/config/problem.ts";

export type Disk = Readonly<Record<string, string | Uint8Array>>;

export type World = Readonly<{ env?: Env; disk?: Disk; overrides?: Overrides }>;

/** The shortest file without mistakes. */
export const PROVIDER = "providers: [{name: a, protocols: [anthropic], base_url: https://a.example}]\n";

/** A disk that holds what it is told to, and is asked by absolute paths but for the configuration itself. */
export function diskOf(disk: Disk): ReadFile {
  return (path, bytesMax) => {
    const content = disk[path];
    if (content === undefined) return { kind: "unreadable", why: "no such file", missing: true };
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    if (bytes.length > bytesMax)
      return { kind: "unreadable", why: `it is larger than ${bytesMax / 1024} KiB`, missing: false };
    return { kind: "bytes", bytes };
  };
}

export function loaded(text: string | Uint8Array, { env = {}, disk = {}, overrides = {} }: World = {}): Loaded {
  return load({ path: "providers.yaml", env, overrides, readFile: diskOf({ "providers.yaml": text, ...disk }) });
}

/** What `hedgerow check` prints; empty without mistakes. */
export function linesOf(text: string | Uint8Array, world: World = {}): readonly string[] {
  const result = loaded(text, world);
  return result.kind === "ok" ? [] : result.problems.map(printProblem);
}

export function configOf(text: string, world: World = {}): Config {
  const result = loaded(text, world);
  if (result.kind === "bad") throw new Error(result.problems.map(printProblem).join("\n"));
  return result.config;
}

/** A sample with its switched-off settings (`#key: value` and what is below them) switched on. */
export function switchedOn(sample: string): string {
  return sample.replace(/^( *)#(?=[^ #\n]| {2})/gm, "$1");
}
