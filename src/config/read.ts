import type { TSchema } from "@sinclair/typebox";
import { isAlias, isMap, isScalar, isSeq, type Node } from "yaml";
import type { Line } from "./kinds.ts";
import { type Entry, entriesOf } from "./merge.ts";
import { nearest } from "./nearest.ts";
import { itemPath, keyPath } from "./problem.ts";
import { type Outside, readName, readScalar, type Scalars, type Texts } from "./read-scalar.ts";
import { expected, isOptional, type Shape, shapeOf } from "./shape.ts";
import { type Sheet, startOf } from "./sheet.ts";

/** What the schema made of a file. */
export type Reading = Readonly<{
  /** As the schema's static type, but for what was wrong: that is left out. */
  value: unknown;
  /** Where each key that is in the file is, by path. */
  places: ReadonlyMap<string, number>;
  /** What the keys that name a file call it, by path. */
  files: ReadonlyMap<string, string>;
}>;

export type Source = Outside & Readonly<{ sheet: Sheet; problem(offset: number, path: string, message: string): void }>;

/** Far more than a file of a MiB holds without aliases of aliases ("billion laughs"). */
const VISITS_MAX = 100_000;

/** A value that was wrong; the problem has been told. */
const WRONG = undefined;

/**
 * Reads a sheet by a schema in one walk: aliases and merges, variables, types, ranges, units, files and defaults. It
 * goes on after a mistake, so that all of them come out at once.
 */
export function read(schema: TSchema, source: Source): Reading {
  const places = new Map<string, number>();
  const files = new Map<string, string>();
  const { root } = source.sheet;
  if (root === null) {
    source.problem(0, "", "the file is empty");
    return { value: WRONG, places, files };
  }
  return { value: readNode(schema, { node: root, path: "" }, { source, places, files, visits: 0 }), places, files };
}

type Walk = {
  readonly source: Source;
  readonly places: Map<string, number>;
  readonly files: Map<string, string>;
  visits: number;
};
type Spot = Readonly<{ node: Node; path: string }>;

function readNode(schema: TSchema, written: Spot, walk: Walk): unknown {
  const { source, places } = walk;
  if (++walk.visits === VISITS_MAX)
    source.problem(startOf(written.node), written.path, "too large with all its aliases");
  if (walk.visits >= VISITS_MAX) return WRONG;
  const spot = { node: source.sheet.resolve(written.node), path: written.path };
  places.set(spot.path, startOf(spot.node));
  const shape = shapeOf(schema);
  if (shape.kind === "section") return readSection(shape, spot, walk);
  if (shape.kind === "list") return readList(shape, spot, walk);
  if (shape.kind === "table") return readTable(shape, spot, walk);
  return readLeaf(shape, spot, walk);
}

function readLeaf(shape: Scalars, spot: Spot, { source, files }: Walk): unknown {
  if (!isScalar(spot.node)) return mismatch(shape, spot, source);
  const readFile = (path: string) => {
    files.set(spot.path, path);
    return source.readFile(path);
  };
  const read = readScalar(shape, spot.node, { env: source.env, readFile });
  if (read.kind === "value") return read.value;
  source.problem(startOf(spot.node), spot.path, read.why);
  return WRONG;
}

function readSection(shape: Extract<Shape, { kind: "section" }>, spot: Spot, walk: Walk): unknown {
  const { source } = walk;
  if (!isMap(spot.node)) return mismatch(shape, spot, source);
  const entries = entriesOf(spot.node, spot.path, source);
  const known = [...shape.keys.keys()];
  for (const [key, { offset }] of entries) {
    if (shape.keys.has(key) || shape.ignored?.test(key)) continue;
    const near = nearest(key, known);
    const hint = near === null ? `known are ${known.join(", ")}` : `did you mean "${near}"?`;
    source.problem(offset, keyPath(spot.path, key), `unknown key; ${hint}`);
  }
  return filled(shape.keys, entries, spot, walk);
}

function filled(
  keys: ReadonlyMap<string, TSchema>,
  entries: ReadonlyMap<string, Entry>,
  spot: Spot,
  walk: Walk,
): unknown {
  const value: Record<string, unknown> = {};
  for (const [key, schema] of keys) {
    const entry = entries.get(key);
    const path = keyPath(spot.path, key);
    let read: unknown;
    if (entry === undefined) read = absent(schema, { ...spot, path }, walk);
    else if (entry.node === null) read = nothing(expected(shapeOf(schema)), entry.offset, path, walk);
    else read = readNode(schema, { node: entry.node, path }, walk);
    if (read !== WRONG) value[key] = read;
  }
  return value;
}

/** `spot.node`: the mapping it would have to be in. */
function absent(schema: TSchema, spot: Spot, walk: Walk): unknown {
  if (isOptional(schema)) return WRONG;
  const shape = shapeOf(schema);
  if (shape.kind === "section") return filled(shape.keys, new Map(), spot, walk);
  if (schema.default === undefined) {
    walk.source.problem(startOf(spot.node), spot.path, `missing; expected ${expected(shape)}`);
    return WRONG;
  }
  if (shape.kind !== "text") return schema.default;
  const read = shape.format.parse(schema.default);
  if (read.kind === "wrong") throw new Error(`the schema's own default at ${spot.path} is no ${expected(shape)}`);
  return read.value;
}

function readList(shape: Extract<Shape, { kind: "list" }>, spot: Spot, walk: Walk): unknown {
  const { source, places } = walk;
  if (!isSeq(spot.node)) return mismatch(shape, spot, source);
  const { length } = spot.node.items;
  if (length < shape.itemsMin || length > shape.itemsMax) {
    const bound = length < shape.itemsMin ? `${shape.itemsMin} or more` : `at most ${shape.itemsMax}`;
    source.problem(startOf(spot.node), spot.path, `expected ${bound} items, got ${length}`);
    return WRONG;
  }
  // A text twice in one list is a slip; what else must differ is looked at where its meaning is known.
  const seen = new Map<unknown, string>();
  return spot.node.items.map((item, index) => {
    const path = itemPath(spot.path, index);
    const value = readNode(shape.items, { node: item as Node, path }, walk);
    if (typeof value !== "string") return value;
    const first = seen.get(value);
    if (first === undefined) seen.set(value, path);
    else source.problem(places.get(path) ?? 0, path, `the same as ${first}`);
    return value;
  });
}

function readTable(shape: Extract<Shape, { kind: "table" }>, spot: Spot, walk: Walk): unknown {
  const { source, places } = walk;
  if (!isMap(spot.node)) return mismatch(shape, spot, source);
  const lines: Line<unknown>[] = [];
  for (const [name, { node, offset }] of entriesOf(spot.node, spot.path, source)) {
    const path = keyPath(spot.path, name);
    const key = readName(textShape(shape.keys), name, source.env);
    if (key.kind === "wrong") source.problem(offset, path, key.why);
    if (node === null) {
      nothing(shape.values.expected, offset, path, walk);
      continue;
    }
    const line = { node: source.sheet.resolve(node), path };
    places.set(path, startOf(line.node));
    const value = readLeaf(textShape(shape.values), line, walk);
    if (key.kind === "value" && value !== WRONG) lines.push({ key: key.value, value });
  }
  return lines;
}

function textShape<Value>(format: Texts<Value>["format"]): Texts<Value> {
  return { kind: "text", format, fromFile: false };
}

function nothing(wanted: string, offset: number, path: string, { source, places }: Walk): undefined {
  places.set(path, offset);
  source.problem(offset, path, `expected ${wanted}, got nothing`);
  return WRONG;
}

function mismatch(shape: Shape, { node, path }: Spot, source: Source): undefined {
  // An alias that leads nowhere has been told already.
  if (!isAlias(node)) source.problem(startOf(node), path, `expected ${expected(shape)}, got ${typeName(node)}`);
  return WRONG;
}

function typeName(node: Node): string {
  if (isMap(node)) return "a mapping";
  if (isSeq(node)) return "a list";
  const value = isScalar(node) ? node.value : null;
  if (value === null) return "nothing";
  return typeof value === "string" ? "a text" : `a ${typeof value}`;
}
