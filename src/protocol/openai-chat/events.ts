import { errorFacts, topLevelError } from "../error-facts.ts";
import { DONE, eventReader, type StreamRules } from "../event-reader.ts";
import { isFilled, isObject, type JsonObject, objectAt, objectsIn } from "../json-body.ts";
import type { ErrorFacts, EventReader, Level } from "../protocol.ts";
import { type Counts, tokenCount, tokenTally } from "../tokens.ts";

/** Content in a delta. `reasoning*` and `images` are vendors' extensions: clients render them. */
const DELTA_FIELDS = ["content", "refusal", "reasoning_content", "reasoning", "reasoning_details", "images"] as const;

const DEFINITIVE_FINISHES: ReadonlySet<unknown> = new Set(["tool_calls", "function_call", "length", "content_filter"]);

/** Of a choice without content, the level that says most is the level of the chunk. */
const BY_WEIGHT = ["started", "held", "definitive"] as const;

/** After content: `index` beyond 0 is another choice (or tool call), whose end will be waited for. */
const TELLING_TEXT = /"(?:error|usage|finish_reason)"(?!\s*:\s*null)|"index"\s*:\s*[1-9]|^\[DONE\]$/;

/** Chat completions streaming: https://platform.openai.com/docs/api-reference/chat-streaming */
export function chatEvents(requestBytes: number): EventReader {
  const tally = tokenTally(requestBytes);
  const choices = new Set<unknown>();
  const finished = new Set<unknown>();
  let done = false;

  const rules: StreamRules = {
    told: (frame, body) => ({ name: frame.data === DONE ? DONE : frame.event, body }),
    failure: ({ name, body }) => chatFailure(body) ?? (name === "error" ? openaiErrorValue(body) : null),
    note({ name, body }) {
      if (name === DONE) done = true;
      for (const choice of objectsIn(body.choices)) {
        const index = choice.index ?? 0;
        choices.add(index);
        if (isFilled(choice.finish_reason)) finished.add(index);
      }
      tally.say(chatCounts(body));
    },
    payload: ({ body }) => objectsIn(body.choices).flatMap(choicePayload),
    level: ({ name, body }) => (name === DONE ? "held" : chatLevel(body)),
    tells: (frame) => frame.event === "error" || TELLING_TEXT.test(frame.data),
    generates: (frame) => frame.data !== DONE,
    // Several choices may be under way; many servers send `[DONE]`, some only finish each.
    ended: () => done || (finished.size > 0 && finished.size === choices.size),
    over: () => done,
    hears: ({ body }) => topLevelError(body, openaiErrorValue) !== null,
  };
  return eventReader(rules, tally);
}

/** What a chunk, or a completion, means whose choices hold no content. */
export function chatLevel(body: JsonObject): Level {
  if (!Array.isArray(body.choices)) return "neutral";
  const choices = objectsIn(body.choices);
  if (choices.length === 0) return "accepted"; // Azure's prompt filter results, the final usage
  const levels = choices.map((choice) => finishLevel(choice.finish_reason));
  return BY_WEIGHT[Math.max(...levels.map((level) => BY_WEIGHT.indexOf(level)))] ?? "started";
}

function finishLevel(finish: unknown): (typeof BY_WEIGHT)[number] {
  if (!isFilled(finish)) return "started";
  return DEFINITIVE_FINISHES.has(finish) ? "definitive" : "held";
}

/** A call's name alone is a beginning; its arguments are content. A whole message has its calls whole. */
export function choicePayload(choice: JsonObject): readonly unknown[] {
  const whole = isObject(choice.message);
  const delta = objectAt(choice, whole ? "message" : "delta");
  const audio = objectAt(delta, "audio");
  const calls = objectsIn(delta.tool_calls);
  return [
    ...DELTA_FIELDS.map((field) => delta[field]),
    audio.data,
    audio.transcript,
    objectAt(delta, "function_call").arguments,
    ...(whole
      ? calls
      : calls.flatMap((call) => [objectAt(call, "function").arguments, objectAt(call, "custom").input])),
  ];
}

export function chatCounts(body: JsonObject): Counts {
  const usage = objectAt(body, "usage");
  return {
    input: tokenCount(usage.prompt_tokens),
    output: tokenCount(usage.completion_tokens),
    cached: tokenCount(objectAt(usage, "prompt_tokens_details").cached_tokens),
  };
}

/** OpenRouter ends a choice that broke with a finish reason of its own, beside an error or without one. */
export function chatFailure(body: JsonObject): ErrorFacts | null {
  const broke = objectsIn(body.choices).some((choice) => choice.finish_reason === "error");
  return topLevelError(body, openaiErrorValue) ?? (broke ? errorFacts({ words: ["server_error"] }) : null);
}

/** Errors: https://platform.openai.com/docs/guides/error-codes. Compatible servers put a status into `code`. */
export function openaiErrorValue(error: unknown): ErrorFacts {
  if (!isObject(error)) return errorFacts({ words: [], message: error });
  return errorFacts({ words: [error.code, error.type], status: error.code, message: error.message });
}
