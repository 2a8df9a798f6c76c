import { spliceStrings } from "./json-splice.ts";

const MODEL = "model";
const SPELLED = Buffer.from(JSON.stringify(MODEL));
/** Begins every escape of a letter of the name: `\u0064` d, `\u0065` e, `\u006c` l, `\u006d` m, `\u006f` o. No serializer writes them. */
const ESCAPED = Buffer.from("\\u006");

/**
 * Is `model` there twice at the top of `body`, which `object` was parsed from? It keeps the last of them; an upstream
 * may go by the first, and would then serve what nobody has looked at. Only a body in which the word is there more
 * often than its object tells is walked through.
 */
export function isModelNamedTwice(object: object, body: Uint8Array): boolean {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  if (!bytes.includes(ESCAPED)) {
    const spelled = spellings(bytes);
    if (spelled < 2 || spelled === mentions(object)) return false;
  }
  return topLevelModels(body) > 1;
}

function spellings(bytes: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(SPELLED); at >= 0; at = bytes.indexOf(SPELLED, at + SPELLED.length)) count++;
  return count;
}

/** How often the word is a name or a text in it; a tool may well have a parameter of that name. */
function mentions(value: unknown): number {
  if (typeof value === "string") return value === MODEL ? 1 : 0;
  if (typeof value !== "object" || value === null) return 0;
  let count = 0;
  // No lists of entries: a long conversation has tens of thousands of objects.
  if (Array.isArray(value)) {
    for (const e of value) count += mentions(e);
    return count;
  }
  for (const name in value) {
    if (name === MODEL) count++;
    count += mentions((value as Readonly<Record<string, unknown>>)[name]);
  }
  return count;
}

function topLevelModels(body: Uint8Array): number {
  let count = 0;
  spliceStrings(body, [[MODEL]], () => {
    count++;
    return "";
  });
  return count;
}
