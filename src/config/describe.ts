import type { TSchema } from "@sinclair/typebox";
import { configSchema } from "./schema.ts";
import { expected, isOptional, shapeOf } from "./shape.ts";

/** The README's table of all keys: Markdown, a line a key, in the order of the schema. */
export function configTable(): string {
  const lines = rowsOf(configSchema, "").map((cells) => `| ${cells.map(escaped).join(" | ")} |`);
  return ["| key | default | range | meaning |", "|---|---|---|---|", ...lines].join("\n");
}

type Row = readonly [key: string, fallback: string, range: string, meaning: string];

function rowsOf(schema: TSchema, path: string): readonly Row[] {
  const shape = shapeOf(schema);
  const row = (fallback: string, range: string): Row => [`\`${path}\``, fallback, range, schema.description ?? ""];
  switch (shape.kind) {
    case "section": {
      if (shape.like !== null) return [row(`as \`${shape.like}\``, [...shape.keys.keys()].join(", "))];
      return [...shape.keys].flatMap(([key, inner]) => rowsOf(inner, path === "" ? key : `${path}.${key}`));
    }
    case "list": {
      const inner = shapeOf(shape.items);
      if (inner.kind === "section")
        return [row(fallbackOf(schema), expected(shape)), ...rowsOf(shape.items, `${path}[]`)];
      return [row(fallbackOf(schema), `list: ${expected(inner)}`)];
    }
    case "table":
      return [row(fallbackOf(schema), `mapping: ${shape.keys.expected} to ${shape.values.expected}`)];
    case "integer":
    case "boolean":
    case "choice":
    case "text":
      return [row(fallbackOf(schema), expected(shape))];
    default:
      return shape;
  }
}

function fallbackOf(schema: TSchema): string {
  if (isOptional(schema)) return "–";
  const fallback = schema.default as string | number | boolean | readonly string[] | undefined;
  if (fallback === undefined) return "required";
  if (typeof fallback !== "object") return `\`${fallback}\``;
  return fallback.length === 0 ? "–" : `\`[${fallback.join(", ")}]\``;
}

/** A bar would end the cell. */
function escaped(cell: string): string {
  return cell.replaceAll("|", "\\|");
}
