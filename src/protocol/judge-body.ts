import { senseless } from "./error-facts.ts";
import { isObject, type JsonObject } from "./json-body.ts";
import { parsed } from "./payload.ts";
import type { BodySeen, ErrorFacts, Operation, Usage } from "./protocol.ts";

/** What one protocol knows about its whole answers. */
export type BodyRules = Readonly<{
  failure(body: JsonObject): ErrorFacts | null;
  /** What an answer to `generate` is worth; null: it is none of this protocol. */
  answer(body: JsonObject): Pick<BodySeen, "level" | "error"> | null;
  usage(body: JsonObject): Usage | null;
  aliases?(body: JsonObject): readonly string[];
}>;

/**
 * Judges a whole answer with a 2xx status. HTML, an empty body and an error object are errors whatever the status says.
 * A stream to a client that asked for none is passed on as it is. Short calls are answered by any object that is no error.
 */
export function judgeBody(
  operation: Operation,
  answered: Readonly<{ body: Uint8Array; contentType: string }>,
  rules: BodyRules,
): BodySeen {
  if (/^\s*text\/event-stream\b/i.test(answered.contentType)) return { level: "content", usage: null, aliases: [] };
  const value = parsed(new TextDecoder().decode(answered.body));
  if (Array.isArray(value)) return judgeArray(operation, value.filter(isObject), rules);
  return isObject(value) ? judgeObject(operation, value, rules) : NONSENSE;
}

const NONSENSE: BodySeen = { level: "error", error: senseless("invalid_answer"), usage: null, aliases: [] };

function judgeObject(operation: Operation, body: JsonObject, rules: BodyRules): BodySeen {
  const error = rules.failure(body);
  if (error) return { level: "error", error, usage: null, aliases: [] };
  const seen = operation.kind === "generate" ? rules.answer(body) : ({ level: "content" } as const);
  return seen ? { ...seen, usage: rules.usage(body), aliases: rules.aliases?.(body) ?? [] } : NONSENSE;
}

/** A stream of array elements that is here as a whole: its first content or error decides, its last element has the usage. */
function judgeArray(operation: Operation, elements: readonly JsonObject[], rules: BodyRules): BodySeen {
  const judged = elements.map((element) => judgeObject(operation, element, rules));
  const last = judged.at(-1);
  if (!last) return NONSENSE;
  const decided = judged.find(({ level }) => level !== "held") ?? last;
  return { ...decided, usage: last.usage };
}
