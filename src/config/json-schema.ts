import type { TSchema } from "@sinclair/typebox";
import { configSchema } from "./schema.ts";
import { isOptional, type Shape, shapeOf } from "./shape.ts";

export type JsonSchema = Readonly<Record<string, unknown>>;

/**
 * The schema in the words of JSON Schema (draft 7, what yaml-language-server knows best): checks and completes while
 * one types. It lets through what only the reader can judge: anything with a variable in it, and how keys go together.
 */
export function jsonSchema(): JsonSchema {
  return { $schema: "http://json-schema.org/draft-07/schema#", title: "Hedgerow", ...converted(configSchema) };
}

/** A variable stands for anything. */
const VARIABLE = { type: "string", pattern: "\\$\\{" };

function converted(schema: TSchema): JsonSchema {
  const about = {
    ...(schema.description !== undefined && { description: schema.description }),
    ...(schema.default !== undefined && !isOptional(schema) && { default: schema.default }),
  };
  return { ...about, ...valueOf(shapeOf(schema)) };
}

function valueOf(shape: Shape): JsonSchema {
  if (shape.kind === "section") return sectionOf(shape);
  if (shape.kind === "list") {
    return {
      type: "array",
      items: converted(shape.items),
      ...(shape.itemsMin > 0 && { minItems: shape.itemsMin }),
      maxItems: shape.itemsMax,
    };
  }
  if (shape.kind === "table") {
    return {
      type: "object",
      propertyNames: { pattern: orVariable(shape.keys.pattern) },
      additionalProperties: { type: "string", pattern: orVariable(shape.values.pattern) },
    };
  }
  if (shape.kind === "integer") return { anyOf: [integerOf(shape), VARIABLE] };
  if (shape.kind === "boolean") return { anyOf: [{ type: "boolean" }, VARIABLE] };
  if (shape.kind === "choice") return { anyOf: [{ enum: shape.words }, VARIABLE] };
  const { format, fromFile } = shape;
  const text = fromFile ? { type: "string", minLength: 1 } : { type: "string", pattern: orVariable(format.pattern) };
  return format.zero === true ? { anyOf: [text, { const: 0 }] } : text;
}

function sectionOf({ keys, ignored }: Extract<Shape, { kind: "section" }>): JsonSchema {
  const required = [...keys].filter(([, schema]) => isRequired(schema)).map(([key]) => key);
  return {
    type: "object",
    properties: Object.fromEntries([...keys].map(([key, schema]) => [key, converted(schema)])),
    ...(ignored !== null && { patternProperties: { [ignored.source]: {} } }),
    ...(required.length > 0 && { required }),
    additionalProperties: false,
  };
}

function isRequired(schema: TSchema): boolean {
  return !isOptional(schema) && schema.default === undefined && shapeOf(schema).kind !== "section";
}

function integerOf({ min, max }: Extract<Shape, { kind: "integer" }>): JsonSchema {
  return { type: "integer", minimum: min, ...(max < Number.MAX_SAFE_INTEGER && { maximum: max }) };
}

function orVariable(pattern: string): string {
  return `${pattern}|\\$`;
}
