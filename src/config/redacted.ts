import type { TSchema } from "@sinclair/typebox";
import type { Config } from "./config.ts";
import type { Line } from "./kinds.ts";
import { configSchema } from "./schema.ts";
import { shapeOf } from "./shape.ts";

export type Json = string | number | boolean | readonly Json[] | Readonly<{ [key: string]: Json }>;

/**
 * The whole configuration as it is in force, in the language of the file, to be shown: keys, passwords in URLs and all
 * header values are stars. Only what the schema knows is in it.
 */
export function redacted(config: Config): Json {
  return shown(configSchema, config);
}

function shown(schema: TSchema, value: unknown): Json {
  const shape = shapeOf(schema);
  switch (shape.kind) {
    case "section": {
      const inside = value as Readonly<Record<string, unknown>>;
      const there = [...shape.keys].filter(([key]) => inside[key] !== undefined);
      return Object.fromEntries(there.map(([key, inner]) => [key, shown(inner, inside[key])]));
    }
    case "list":
      return (value as readonly unknown[]).map((item) => shown(shape.items, item));
    case "table":
      return Object.fromEntries(
        (value as readonly Line<unknown>[]).map((line) => [line.key, shape.values.show(line.value)]),
      );
    case "text":
      return shape.format.show(value);
    case "integer":
    case "boolean":
    case "choice":
      return value as Json;
    default:
      return shape;
  }
}
