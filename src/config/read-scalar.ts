import type { Scalar } from "yaml";
import { HIDDEN } from "../core/secret.ts";
import type { FileRead } from "./files.ts";
import { type Format, type Parsed, parsed, wrong } from "./format.ts";
import { type Env, interpolate } from "./interpolate.ts";
import { nearest } from "./nearest.ts";
import { quoted } from "./problem.ts";
import { expected, type Shape } from "./shape.ts";

/** Kinds of keys whose value is one scalar. */
export type Scalars = Exclude<Shape, { kind: "section" | "list" | "table" }>;
export type Texts<Value = unknown> = Readonly<{ kind: "text"; format: Format<Value>; fromFile: boolean }>;

export type Outside = Readonly<{ env: Env; readFile(path: string): FileRead }>;

/** `file`: the one that was read and found wrong. What names a file that is there is no secret in the wrong place. */
type Read = Parsed<unknown> | Readonly<{ kind: "wrong"; why: string; file: string }>;

/** A scalar's value by its shape; `wrong` is the whole message then. */
export function readScalar(shape: Scalars, node: Scalar, outside: Outside): Parsed<unknown> {
  let { value } = node;
  let fromEnv = false;
  if (typeof value === "string") {
    const resolved = interpolate(value, outside.env);
    if (resolved.kind === "wrong") return wrong(resolved.why);
    fromEnv = resolved.fromEnv;
    value = fromEnv ? retyped(shape, resolved.text) : resolved.text;
  }
  const read = valueOf(shape, value, node, outside);
  if (read.kind === "value") return read;
  const got = "file" in read ? JSON.stringify(read.file) : shown(shape, node, fromEnv);
  return wrong(withWhy(`expected ${expected(shape)}, got ${got}`, read.why));
}

/** The same for the name of a table's line, which is text whatever it looks like. */
export function readName(shape: Texts<string>, text: string, env: Env): Parsed<string> {
  const resolved = interpolate(text, env);
  if (resolved.kind === "wrong") return wrong(resolved.why);
  const read = shape.format.parse(resolved.text);
  if (read.kind === "value") return read;
  return wrong(withWhy(`expected ${shape.format.expected}, got ${quoted(text)}`, read.why));
}

function valueOf(shape: Scalars, value: unknown, node: Scalar, outside: Outside): Read {
  if (shape.kind === "integer") {
    return Number.isSafeInteger(value) && Number(value) >= shape.min && Number(value) <= shape.max
      ? parsed(value)
      : wrong();
  }
  if (shape.kind === "boolean") return typeof value === "boolean" ? parsed(value) : wrong();
  if (shape.kind === "choice") return wordOf(shape.words, value);
  if (typeof value === "string") return textOf(shape, value, outside);
  return typeof value === "number" ? numberAsText(shape, node.source ?? String(value)) : wrong();
}

function wordOf(words: readonly string[], value: unknown): Parsed<string> {
  if (typeof value !== "string") return wrong();
  if (words.includes(value)) return parsed(value);
  const near = nearest(value, words);
  return wrong(near === null ? "" : `did you mean "${near}"?`);
}

/** YAML reads 300 as a number; where a text is wanted, its unit is missing or its quotes are. */
function numberAsText(shape: Texts, source: string): Parsed<unknown> {
  if (shape.fromFile) return wrong("quote it");
  const read = shape.format.parse(source);
  return read.kind === "wrong" || (source === "0" && shape.format.zero === true) ? read : wrong("quote it");
}

function textOf(shape: Texts, text: string, { readFile }: Outside): Read {
  if (!shape.fromFile) return shape.format.parse(text);
  if (text === "" || text.includes("\0")) return wrong();
  const file = readFile(text);
  if (file.kind === "unreadable") return wrong(file.why);
  const read = contentOf(shape, file.bytes);
  return read.kind === "value" ? read : { ...read, file: text };
}

function contentOf({ format }: Texts, bytes: Uint8Array): Parsed<unknown> {
  // Editors and `echo` end files with a line break, which no key has.
  const content = decoded(bytes)?.trim();
  if (content === undefined) return wrong("it is not UTF-8");
  return content === "" ? wrong("the file is empty") : format.parse(content);
}

/** Null: these bytes are no UTF-8. */
export function decoded(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}

/** A variable is always text; where a number or a boolean is wanted, text that is one becomes it. */
function retyped(shape: Scalars, text: string): unknown {
  if (shape.kind === "integer" && /^[-+]?[0-9]+$/.test(text)) return Number(text);
  if (shape.kind === "boolean" && (text === "true" || text === "false")) return text === "true";
  return text;
}

/** `fromEnv`: it may hold a secret that ended up in the wrong place. */
function shown(shape: Scalars, { value, source }: Scalar, fromEnv: boolean): string {
  if (value === null) return "nothing";
  if (shape.kind === "text" && (shape.format.hidden || shape.fromFile)) return HIDDEN;
  if (typeof value !== "string") return source ?? typeof value;
  return fromEnv ? `the value of ${quoted(value)}` : quoted(value);
}

function withWhy(message: string, why: string): string {
  return why === "" ? message : `${message}: ${why}`;
}
