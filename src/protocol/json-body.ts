import type { OwnError } from "../core/errors.ts";
import { isModelNamedTwice } from "./named-twice.ts";
import type { BodySession, RequestFacts } from "./protocol.ts";

export type JsonObject = Readonly<Record<string, unknown>>;

/** Longer names are no models; names go into homes, logs and store keys. */
const MODEL_CHARS_MAX = 256;

/** Strict: bytes that are not UTF-8 would reach the upstream as something else than what was read here; a BOM is no JSON (RFC 8259, 8.1). */
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** As a protocol reads them: the content is digested by whoever finds that nothing else names the session. */
export type ReadFacts = Omit<RequestFacts, "contentSeed"> & Readonly<{ contentSeed(): string }>;

/** Parses once and hands the object to `read`; what is no JSON object, or nested too deep to be read, is the client's mistake. */
export function readJsonBody(
  body: Uint8Array,
  read: (object: JsonObject) => ReadFacts | OwnError,
): RequestFacts | OwnError {
  let value: unknown;
  try {
    value = JSON.parse(utf8.decode(body));
  } catch (error) {
    return invalid(error instanceof TypeError ? "the body is not valid UTF-8" : "the body is not valid JSON");
  }
  if (!isObject(value)) return invalid("the body must be a JSON object");
  try {
    const facts = read(value);
    if ("code" in facts) return facts;
    // An agent's system prompt is long, and it names its session.
    return { ...facts, contentSeed: facts.sessions.length > 0 ? "" : facts.contentSeed() };
  } catch (error) {
    if (error instanceof RangeError) return invalid("the body is nested too deep");
    throw error;
  }
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The value where it is an object, else an empty one. */
export function objectAt(object: JsonObject, field: string): JsonObject {
  const value = object[field];
  return isObject(value) ? value : {};
}

/** The elements that are objects, where the value is an array; else none. */
export function objectsIn(value: unknown): readonly JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

export function isFilled(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}

export function invalid(message: string): OwnError {
  return { code: "invalid_request", message };
}

/** `body`: what the object was parsed from. */
export function readModel(object: JsonObject, body: Uint8Array): string | OwnError {
  const { model } = object;
  if (model === undefined) return invalid("model: missing");
  if (isModelNamedTwice(object, body)) return invalid("model: there more than once; name one model, once");
  if (typeof model !== "string") return invalid("model: must be a string");
  return checkModel(model) ?? model;
}

export function checkModel(model: string): OwnError | null {
  if (model === "") return invalid("model: must not be empty");
  return model.length > MODEL_CHARS_MAX ? invalid(`model: longer than ${MODEL_CHARS_MAX} characters`) : null;
}

/** An optional boolean; null counts as left out, as upstreams have it. */
export function readFlag(object: JsonObject, field: string, otherwise: boolean): boolean | OwnError {
  const value = object[field] ?? otherwise;
  return typeof value === "boolean" ? value : invalid(`${field}: must be true or false`);
}

/** The session ids that mean the same in every protocol. */
export function bodySessions(object: JsonObject): readonly BodySession[] {
  const { prompt_cache_key: cacheKey } = object;
  const { session_id: sessionId } = objectAt(object, "metadata");
  const sessions: BodySession[] = [];
  if (isFilled(cacheKey)) sessions.push({ source: "prompt_cache_key", id: cacheKey });
  if (isFilled(sessionId)) sessions.push({ source: "metadata.session_id", id: sessionId });
  return sessions;
}
