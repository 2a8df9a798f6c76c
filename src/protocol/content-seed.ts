import { createHash } from "node:crypto";
import { isObject } from "./json-body.ts";

/** No API has parts like that, and `JSON.stringify` takes most of a second to find that its stack is too small. */
const DEPTH_MAX = 1_000;

/**
 * What a conversation is told by when nothing gives it an id: a digest (so that no prompt is kept) of model, system
 * prompt and first user message. Each may be a string, a part, or an array of either; a string and its only text part
 * are the same, and cache marks are left out, since clients move them from turn to turn. Throws a RangeError where a
 * part is nested deeper than `DEPTH_MAX`.
 */
export function contentSeed(model: string, system: unknown, firstUser: unknown): string {
  const seed = JSON.stringify([model, pieces(system), pieces(firstUser)]);
  return createHash("sha256").update(seed).digest("base64url");
}

function pieces(content: unknown): readonly string[] {
  if (content === undefined || content === null) return [];
  return (Array.isArray(content) ? content : [content]).map(piece);
}

function piece(part: unknown): string {
  if (typeof part === "string") return part;
  if (!isObject(part)) return printed(part);
  if (typeof part.text === "string") return part.text;
  const { cache_control: _, ...rest } = part;
  return printed(rest);
}

function printed(value: unknown): string {
  let level = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > DEPTH_MAX) throw new RangeError(`nested deeper than ${DEPTH_MAX}`);
    level = level.flatMap((inner) => (typeof inner === "object" && inner !== null ? Object.values(inner) : []));
  }
  return JSON.stringify(value);
}
