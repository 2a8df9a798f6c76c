import { OptionalKind, type TSchema } from "@sinclair/typebox";
import type { Format } from "./format.ts";

/** One key of the schema as those that walk it see it: the reader, the documentation, the JSON Schema, the redacted view. */
export type Shape =
  | Readonly<{ kind: "section"; keys: ReadonlyMap<string, TSchema>; ignored: RegExp | null; like: string | null }>
  | Readonly<{ kind: "list"; items: TSchema; itemsMin: number; itemsMax: number }>
  | Readonly<{ kind: "table"; keys: Format<string>; values: Format<unknown> }>
  | Readonly<{ kind: "integer"; min: number; max: number }>
  | Readonly<{ kind: "boolean" }>
  | Readonly<{ kind: "choice"; words: readonly string[] }>
  | Readonly<{ kind: "text"; format: Format<unknown>; fromFile: boolean }>;

export function shapeOf(schema: TSchema): Shape {
  if (schema.properties !== undefined) {
    return {
      kind: "section",
      keys: new Map(Object.entries<TSchema>(schema.properties)),
      ignored: schema.ignored === undefined ? null : new RegExp(schema.ignored),
      like: schema.like ?? null,
    };
  }
  switch (schema.type) {
    case "array":
      return { kind: "list", items: schema.items, itemsMin: schema.minItems ?? 0, itemsMax: schema.maxItems };
    case "object":
      return { kind: "table", keys: schema.keys, values: schema.values };
    case "integer":
      return { kind: "integer", min: schema.minimum, max: schema.maximum ?? Number.MAX_SAFE_INTEGER };
    case "boolean":
      return { kind: "boolean" };
    default:
      if (schema.enum !== undefined) return { kind: "choice", words: schema.enum };
      return { kind: "text", format: schema.reads, fromFile: schema.fromFile === true };
  }
}

/** May be left out and then has no value, not even a default. */
export function isOptional(schema: TSchema): boolean {
  return OptionalKind in schema;
}

/** `integer >= 0`: what messages say was expected and the documentation gives as range. */
export function expected(shape: Shape): string {
  if (shape.kind === "section" || shape.kind === "table") return "mapping";
  if (shape.kind === "list") return shape.itemsMin > 0 ? `list of ${shape.itemsMin} or more` : "list";
  if (shape.kind === "boolean") return "true or false";
  if (shape.kind === "choice") return oneOf(shape.words);
  if (shape.kind === "text")
    return shape.fromFile ? `path of a file with ${shape.format.expected}` : shape.format.expected;
  return shape.max < Number.MAX_SAFE_INTEGER ? `integer ${shape.min}..${shape.max}` : `integer >= ${shape.min}`;
}

/** `a, b or c` */
function oneOf(words: readonly string[]): string {
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
}
