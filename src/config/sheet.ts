import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  type YAMLError,
} from "yaml";
import { itemPath, keyPath } from "./problem.ts";

/** A parsed file: its nodes with their places, aliases led back to what they name. */
export type Sheet = Readonly<{
  /** Null: nothing in it but comments. */
  root: Node | null;
  /** What an alias stands for; any other node is itself. */
  resolve(node: Node): Node;
  place(offset: number): Readonly<{ line: number; column: number }>;
  mistakes: readonly Mistake[];
  /** It could not be read to its end: what is there is not the whole. */
  broken: boolean;
}>;

/** Characters from the start of the file. */
export type Mistake = Readonly<{ offset: number; path: string; message: string }>;

/** Deeper than any key, shallow enough for the stack. */
const DEPTH_MAX = 32;

export function readSheet(text: string): Sheet {
  const lines = new LineCounter();
  const place = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    // Offset 0 of a file without any line break counted is line 0.
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  const broken = (mistakes: readonly Mistake[]): Sheet => ({
    root: null,
    resolve: (node) => node,
    place,
    mistakes,
    broken: true,
  });
  const document = parse(text, lines);
  if (document === null) return broken([{ offset: 0, path: "", message: "this YAML is nested too deep to be read" }]);
  const errors = [...document.errors, ...document.warnings];
  if (errors.length > 0) return broken(firstOfLines(mistakesOf(errors, text), (offset) => place(offset).line));
  // A %YAML directive overrides the option, and 1.1 would read `off` as false.
  if (document.directives?.yaml.version !== "1.2") {
    return broken([{ offset: 0, path: "", message: "only YAML 1.2 is read" }]);
  }
  const root = document.contents;
  const { targets, mistakes } = survey(root);
  return {
    root,
    resolve: (node) => (isAlias(node) ? (targets.get(node) ?? node) : node),
    place,
    mistakes,
    broken: false,
  };
}

function parse(text: string, lineCounter: LineCounter): Document.Parsed | null {
  try {
    return parseDocument(text, {
      version: "1.2",
      schema: "core",
      strict: true,
      stringKeys: true,
      // Looked for below, where the path is known.
      uniqueKeys: false,
      merge: false,
      resolveKnownTags: false,
      prettyErrors: false,
      lineCounter,
    });
  } catch (error) {
    // The parser recurses; what is left is a stack that ran out.
    if (error instanceof RangeError) return null;
    throw error;
  }
}

/** One walk in the order of the file: which anchor each alias means (the last one before it), and every key there twice. */
function survey(root: Node | null): Readonly<{ targets: Map<Alias, Node>; mistakes: readonly Mistake[] }> {
  const anchors = new Map<string, Node>();
  const targets = new Map<Alias, Node>();
  const mistakes: Mistake[] = [];

  function walk(node: unknown, path: string, depth: number): void {
    if (isAlias(node)) {
      const target = anchors.get(node.source);
      if (target) targets.set(node, target);
      else mistakes.push({ offset: startOf(node), path, message: "this alias names no anchor before it" });
      return;
    }
    if (!isMap(node) && !isSeq(node) && !isScalar(node)) return;
    if (node.anchor) anchors.set(node.anchor, node);
    if (isScalar(node)) return;
    if (depth > DEPTH_MAX) {
      mistakes.push({ offset: startOf(node), path, message: `nested deeper than ${DEPTH_MAX}` });
      return;
    }
    if (isSeq(node)) {
      for (const [index, item] of node.items.entries()) walk(item, itemPath(path, index), depth + 1);
      return;
    }
    const seen = new Set<string>();
    for (const pair of node.items) {
      const key = isScalar(pair.key) ? String(pair.key.value) : "";
      const at = keyPath(path, key);
      if (seen.has(key) && key !== MERGE_KEY) {
        mistakes.push({ offset: startOf(pair.key as Node), path: at, message: "duplicate key" });
      }
      seen.add(key);
      walk(pair.key, at, depth + 1);
      walk(pair.value, at, depth + 1);
    }
  }
  walk(root, "", 0);
  return { targets, mistakes };
}

export const MERGE_KEY = "<<";

export function startOf(node: Node): number {
  return node.range?.[0] ?? 0;
}

/** In our own words: the parser's quote the file, and what they quote may be a key. */
const WORDS: Partial<Record<YAMLError["code"], string>> = {
  BAD_ALIAS: "an alias cannot have an anchor or end in a colon",
  BAD_DQ_ESCAPE: "unknown escape in a double-quoted text",
  BAD_INDENT: "wrong indentation",
  BAD_SCALAR_START: "a plain text cannot begin with this character; quote it",
  BLOCK_AS_IMPLICIT_KEY: "a nested mapping cannot be on one line; is a line break or a quote missing?",
  BLOCK_IN_FLOW: "a block cannot be inside [] or {}",
  KEY_OVER_1024_CHARS: "this key is too long",
  MISSING_CHAR: "a quote, bracket, comma, colon or blank is missing",
  MULTILINE_IMPLICIT_KEY: "a key must be on one line; is a colon missing?",
  MULTIPLE_DOCS: "only one document is read; remove the --- between",
  NON_STRING_KEY: "a key must be text; quote it",
  RESOURCE_EXHAUSTION: "nested too deep",
  TAB_AS_INDENT: "indented with a tab; YAML allows only blanks",
  TAG_RESOLVE_FAILED: "tags (!…) are not used here",
};

/**
 * The brace of a variable without quotes begins a mapping inside {} and []. The parser complains of everything after it,
 * so that from the first on only others of its kind are told.
 */
function mistakesOf(errors: readonly YAMLError[], text: string): readonly Mistake[] {
  const isVariable = ({ pos: [at] }: YAMLError) => text[at] === "{" && text[at - 1] === "$";
  const variables = errors.filter(isVariable).map(({ pos: [at] }) => ({
    offset: at - 1,
    path: "",
    message: 'this is no valid YAML: a variable inside {} or [] needs quotes, like "${NAME}"',
  }));
  const first = variables[0]?.offset ?? Number.POSITIVE_INFINITY;
  return [...errors.filter(({ pos: [at] }) => at < first).map(mistakeOf), ...variables];
}

function mistakeOf(error: YAMLError): Mistake {
  return {
    offset: error.pos[0],
    path: "",
    message: `this is no valid YAML: ${WORDS[error.code] ?? "unexpected text"}`,
  };
}

/** One slip makes the parser complain several times on the spot. */
function firstOfLines(mistakes: readonly Mistake[], lineOf: (offset: number) => number): readonly Mistake[] {
  const lines = new Set<number>();
  return mistakes.filter(({ offset }) => {
    const line = lineOf(offset);
    if (lines.has(line)) return false;
    lines.add(line);
    return true;
  });
}
