import { errorFacts, topLevelError } from "../error-facts.ts";
import { DONE, eventReader, type StreamRules } from "../event-reader.ts";
import { isFilled, isObject, type JsonObject, objectAt, objectsIn } from "../json-body.ts";
import { parsed } from "../payload.ts";
import type { ErrorFacts, EventReader, Level, Seen } from "../protocol.ts";
import { type Counts, tokenCount, tokenSum, tokenTally } from "../tokens.ts";

/** What a part is when it is content; thoughts are text. A `thoughtSignature` alone is none. */
const PART_FIELDS = [
  "text",
  "functionCall",
  "inlineData",
  "fileData",
  "executableCode",
  "codeExecutionResult",
  "toolCall",
] as const;

/** An answer about what was asked, or one that is whole without a word: failing over would pay for it again. */
const DEFINITIVE_FINISHES: ReadonlySet<string> = new Set([
  "MAX_TOKENS",
  "SAFETY",
  "RECITATION",
  "LANGUAGE",
  "BLOCKLIST",
  "PROHIBITED_CONTENT",
  "SPII",
  "NO_IMAGE",
]);
const DEFINITIVE_NAMES = /^IMAGE_/;

/** The model stumbled: another try may well succeed. */
const FAILED_FINISHES: ReadonlySet<string> = new Set([
  "MALFORMED_FUNCTION_CALL",
  "UNEXPECTED_TOOL_CALL",
  "TOO_MANY_TOOL_CALLS",
  "OTHER",
]);

/** After content: `index` beyond 0 is another candidate, whose end will be waited for. */
const TELLING_TEXT = /"(?:error|finishReason|blockReason)"|"index"\s*:\s*[1-9]/;

/** Of several candidates without content, the level that says most is the level of the chunk. */
const BY_WEIGHT = ["started", "held", "error", "definitive"] as const;

/** generateContent: https://ai.google.dev/api/generate-content */
export function geminiEvents(requestBytes: number): EventReader {
  const tally = tokenTally(requestBytes);
  const candidates = new Set<unknown>();
  const finished = new Set<unknown>();
  let blocked = false;
  /** Each chunk has all that was used so far: the last that was passed over is read when somebody asks. */
  let unread = "";

  const rules: StreamRules = {
    told: (frame, body) => ({ name: frame.data === DONE ? DONE : "", body: unwrapped(body) }),
    failure: ({ body }) => topLevelError(body, geminiErrorValue),
    note({ body }) {
      for (const candidate of objectsIn(body.candidates)) {
        const index = candidate.index ?? 0;
        candidates.add(index);
        if (isFilled(candidate.finishReason)) finished.add(index);
      }
      if (isBlocked(body)) blocked = true;
      tally.say(geminiCounts(body));
    },
    payload: ({ body }) => objectsIn(body.candidates).flatMap(candidatePayload),
    level: ({ name, body }) => (name === DONE ? "neutral" : geminiLevel(body)),
    tells: (frame) => TELLING_TEXT.test(frame.data),
    generates: () => true,
    // Some upstreams finish with each chunk: there is no last event, only the end of the stream.
    ended: () => blocked || (finished.size > 0 && finished.size === candidates.size),
    over: () => false,
    // Not all versions of the official SDK look for an error in an event.
    hears: (_, { kind }) => kind === "element",
  };
  const reader = eventReader(rules, tally);
  return {
    ...reader,
    watch(frame) {
      if (frame.data.includes('"usageMetadata"')) unread = frame.data;
      reader.watch(frame);
    },
    usage() {
      const last = parsed(unread);
      if (isObject(last)) tally.say(geminiCounts(unwrapped(last)));
      return reader.usage();
    },
  };
}

/** Code Assist wraps each answer. */
export function unwrapped(body: JsonObject): JsonObject {
  return isObject(body.response) ? body.response : body;
}

/** What a chunk, or an answer, means whose candidates hold no content. */
export function geminiLevel(body: JsonObject): Level | Seen {
  if (isBlocked(body)) return "definitive";
  const finishes = objectsIn(body.candidates).map(({ finishReason }) => finishReason);
  if (finishes.length === 0) return "accepted";
  const level = BY_WEIGHT[Math.max(...finishes.map((finish) => BY_WEIGHT.indexOf(finishLevel(finish))))];
  if (level === "error") return { level, error: errorFacts({ words: finishes }) };
  return level ?? "started";
}

function finishLevel(finish: unknown): (typeof BY_WEIGHT)[number] {
  if (!isFilled(finish) || finish === "FINISH_REASON_UNSPECIFIED") return "started";
  if (DEFINITIVE_FINISHES.has(finish) || DEFINITIVE_NAMES.test(finish)) return "definitive";
  return FAILED_FINISHES.has(finish) ? "error" : "held";
}

function isBlocked(body: JsonObject): boolean {
  return isFilled(objectAt(body, "promptFeedback").blockReason);
}

export function candidatePayload(candidate: JsonObject): readonly unknown[] {
  return objectsIn(objectAt(candidate, "content").parts).flatMap((part) => PART_FIELDS.map((field) => part[field]));
}

/** Thoughts are generated and billed, and counted apart. */
export function geminiCounts(body: JsonObject): Counts {
  const usage = objectAt(body, "usageMetadata");
  return {
    input: tokenCount(usage.promptTokenCount),
    output: tokenSum(tokenCount(usage.candidatesTokenCount), tokenCount(usage.thoughtsTokenCount)),
    cached: tokenCount(usage.cachedContentTokenCount),
  };
}

/** Errors: https://cloud.google.com/apis/design/errors. A key that is not valid comes as a 400 and is told by its reason alone. */
export function geminiErrorValue(error: unknown): ErrorFacts {
  if (!isObject(error)) return errorFacts({ words: [], message: error });
  const details = objectsIn(error.details);
  const invalidKey = details.some(({ reason }) => reason === "API_KEY_INVALID");
  return errorFacts({
    words: [invalidKey ? "UNAUTHENTICATED" : error.status],
    status: error.code,
    message: error.message,
    retryAfterMs: retryMs(details.find((detail) => isFilled(detail.retryDelay))?.retryDelay),
  });
}

/** A protobuf duration as JSON: seconds with a fraction. */
function retryMs(delay: unknown): number | null {
  const seconds = isFilled(delay) ? /^(\d+(?:\.\d+)?)s$/.exec(delay)?.[1] : undefined;
  return seconds === undefined ? null : Math.ceil(Number(seconds) * 1_000);
}
