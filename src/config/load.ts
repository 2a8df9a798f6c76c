import { dirname, resolve } from "node:path";
import { check } from "./checks.ts";
import { type Config, configOf, type Draft } from "./config.ts";
import type { FileRead, ReadFile } from "./files.ts";
import type { Env } from "./interpolate.ts";
import { note } from "./notes.ts";
import { inFileOrder, type Problem } from "./problem.ts";
import { read } from "./read.ts";
import { decoded } from "./read-scalar.ts";
import { configSchema, type FileConfig } from "./schema.ts";
import { type Mistake, readSheet, type Sheet } from "./sheet.ts";

export type Loaded =
  /**
   * `files`: all that were read, the configuration first, for whoever watches them. `notes`: what is allowed and yet
   * hardly meant, in the order of the file.
   */
  | Readonly<{ kind: "ok"; config: Config; files: readonly string[]; notes: readonly Problem[] }>
  /** Never empty, in the order of the file. `files` as above, as far as they were named. `missing`: there is no file at all. */
  | Readonly<{ kind: "bad"; problems: readonly Problem[]; files: readonly string[]; missing: boolean }>;

export type LoadFrom = Readonly<{
  /** As the user gave it; problems name it so. */
  path: string;
  env: Env;
  readFile: ReadFile;
  /** What the command line says stands above the file. */
  overrides?: Overrides;
}>;

export type Overrides = Readonly<{
  host?: string;
  port?: number;
  logLevel?: Config["log"]["level"];
}>;

const CONFIG_BYTES_MAX = 1024 * 1024;
/** A key, a certificate chain. */
const NAMED_FILE_BYTES_MAX = 64 * 1024;
/** More does not help anybody. */
const PROBLEMS_MAX = 100;

/** Reads, resolves and checks the whole configuration; never throws. Files named in it are relative to it. */
export function load(from: LoadFrom): Loaded {
  const files = [from.path];
  const whole = from.readFile(from.path, CONFIG_BYTES_MAX);
  const missing = whole.kind === "unreadable" && whole.missing;
  const placed = (sheet: Pick<Sheet, "place">, mistakes: readonly Mistake[]) => {
    const problems = mistakes.map(({ offset, path, message }) => ({
      file: from.path,
      ...sheet.place(offset),
      path,
      message,
    }));
    return bounded(inFileOrder(problems));
  };
  const bad = (sheet: Pick<Sheet, "place">, mistakes: readonly Mistake[]): Loaded => {
    return { kind: "bad", problems: placed(sheet, mistakes), files, missing };
  };
  const text = contentOf(whole);
  if (text.kind === "unreadable") return bad(TOP, [{ offset: 0, path: "", message: text.why }]);

  const sheet = readSheet(text.text);
  if (sheet.broken) return bad(sheet, sheet.mistakes);
  const mistakes = [...sheet.mistakes];
  const {
    value,
    places,
    files: named,
  } = read(configSchema, {
    sheet,
    env: from.env,
    readFile(path) {
      const file = resolve(dirname(from.path), path);
      if (!files.includes(file)) files.push(file);
      return from.readFile(file, NAMED_FILE_BYTES_MAX);
    },
    problem: (offset, path, message) => mistakes.push({ offset, path, message }),
  });
  if (isDraft(value)) {
    const file = overridden(value, from.overrides ?? {});
    const has = (path: string) => places.has(path);
    const into = (list: Mistake[]) => (path: string, message: string) =>
      void list.push({ offset: placeOf(path, places), path, message });
    check(file, { has, fileOf: (path) => named.get(path) ?? "", tell: into(mistakes) });
    if (mistakes.length === 0) {
      // Nothing was left out then, so the draft is the whole.
      const config = configOf(file as FileConfig);
      const notes: Mistake[] = [];
      note(config, has, into(notes));
      return { kind: "ok", config, files, notes: placed(sheet, notes) };
    }
  }
  return bad(sheet, mistakes);
}

/** Before there is a sheet. */
const TOP = { place: () => ({ line: 1, column: 1 }) };

type Content = Readonly<{ kind: "text"; text: string }> | Readonly<{ kind: "unreadable"; why: string }>;

function contentOf(file: FileRead): Content {
  if (file.kind === "unreadable") return { kind: "unreadable", why: `the configuration cannot be read: ${file.why}` };
  const text = decoded(file.bytes);
  if (text === null) return { kind: "unreadable", why: "the configuration cannot be read: it is not UTF-8" };
  return { kind: "text", text };
}

function isDraft(value: unknown): value is Draft<FileConfig> {
  return value !== undefined;
}

function overridden(file: Draft<FileConfig>, { host, port, logLevel }: Overrides): Draft<FileConfig> {
  return {
    ...file,
    server: { ...file.server, ...(host !== undefined && { host }), ...(port !== undefined && { port }) },
    log: { ...file.log, ...(logLevel !== undefined && { level: logLevel }) },
  };
}

/** The key's own place, else that of the section it would be in. */
function placeOf(path: string, places: ReadonlyMap<string, number>): number {
  const place = places.get(path);
  if (place !== undefined || path === "") return place ?? 0;
  return placeOf(path.slice(0, Math.max(0, path.search(/(\.[^.[\]]+|\[[^[\]]*\])$/))), places);
}

function bounded(problems: readonly Problem[]): readonly Problem[] {
  const last = problems[PROBLEMS_MAX - 1];
  if (last === undefined || problems.length === PROBLEMS_MAX) return problems;
  const rest = { ...last, path: "", message: `and ${problems.length - PROBLEMS_MAX + 1} more problems from here on` };
  return [...problems.slice(0, PROBLEMS_MAX - 1), rest];
}
