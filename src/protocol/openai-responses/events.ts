import { errorFacts, topLevelError } from "../error-facts.ts";
import { DONE, eventReader, type StreamRules, type Told } from "../event-reader.ts";
import { isFilled, type JsonObject, objectAt, objectsIn } from "../json-body.ts";
import { openaiErrorValue } from "../openai-chat/events.ts";
import { isSaid, parsed } from "../payload.ts";
import type { ErrorFacts, EventReader, Frame, Level, Seen } from "../protocol.ts";
import { type Counts, tokenCount, tokenTally } from "../tokens.ts";

/** Events that carry generated text, and the field it is in; those that end so are the whole of what deltas said. */
const PAYLOAD_FIELDS: ReadonlyMap<string, string> = new Map([
  ["response.output_text.delta", "delta"],
  ["response.output_text.done", "text"],
  ["response.refusal.delta", "delta"],
  ["response.refusal.done", "refusal"],
  ["response.reasoning_text.delta", "delta"],
  ["response.reasoning_text.done", "text"],
  ["response.reasoning_summary_text.delta", "delta"],
  ["response.reasoning_summary_text.done", "text"],
  ["response.function_call_arguments.delta", "delta"],
  ["response.function_call_arguments.done", "arguments"],
  ["response.custom_tool_call_input.delta", "delta"],
  ["response.custom_tool_call_input.done", "input"],
  ["response.code_interpreter_call_code.delta", "delta"],
  ["response.code_interpreter_call_code.done", "code"],
  ["response.mcp_call_arguments.delta", "delta"],
  ["response.mcp_call_arguments.done", "arguments"],
  ["response.audio.delta", "delta"],
  ["response.audio.transcript.delta", "delta"],
  ["response.shell_call_command.delta", "delta"],
  ["response.shell_call_command.done", "command"],
  ["response.shell_call_output_content.delta", "delta"],
  ["response.image_generation_call.partial_image", "partial_image_b64"],
]);

/** A side effect has begun at the server: asking anybody else would cause it again. */
const EFFECTS: ReadonlySet<string> = new Set([
  "response.code_interpreter_call.in_progress",
  "response.code_interpreter_call.interpreting",
  "response.image_generation_call.in_progress",
  "response.image_generation_call.generating",
  "response.mcp_call.in_progress",
]);
const EFFECT_NAMES = /^response\.(?:web|file)_search_call\./;

/** They echo the request, instructions and tools included. */
const ECHOES: ReadonlySet<string> = new Set(["response.created", "response.queued", "response.in_progress"]);

/** What an output item, or a part of one, carries as soon as there is something in it. */
const ITEM_FIELDS = ["text", "refusal", "transcript", "arguments", "input", "action", "code", "result"] as const;
/** An item of which the name is all when it is done: a call without arguments. */
const CALL_ITEMS: ReadonlySet<unknown> = new Set(["function_call", "custom_tool_call", "mcp_call"]);

const TERMINALS: ReadonlySet<string> = new Set(["response.completed", "response.incomplete", "response.failed"]);
const TELLING_TEXT =
  /"type"\s*:\s*"(?:response\.(?:completed|incomplete|failed|created)|error)"|"error"(?!\s*:\s*null)/;

/** Responses streaming: https://platform.openai.com/docs/api-reference/responses-streaming */
export function responsesEvents(requestBytes: number): EventReader {
  const tally = tokenTally(requestBytes);
  let ended = false;
  let aliases: readonly string[] = [];
  /** The last frame with a sequence number; read only when somebody asks, which is at a break. */
  let numbered = "";

  const rules: StreamRules = {
    told: (frame, body) => ({ name: nameOf(frame, body), body }),
    failure,
    note({ name, body }) {
      const response = objectAt(body, "response");
      if (isFilled(response.id)) aliases = responseAliases(response);
      if (TERMINALS.has(name)) ended = true;
      tally.say(responsesCounts(response));
    },
    payload,
    level,
    tells: (frame) => (hasOwnName(frame) ? isTelling(frame.event) : TELLING_TEXT.test(frame.data)),
    generates: (frame) => (hasOwnName(frame) ? frame.event.endsWith(".delta") : frame.data.includes('.delta"')),
    ended: () => ended,
    over: () => ended,
    hears: () => true,
  };
  const reader = eventReader(rules, tally);
  const numberSeen = (frame: Frame) => {
    if (frame.data.includes('"sequence_number"')) numbered = frame.data;
  };
  return {
    ...reader,
    classify(frame) {
      numberSeen(frame);
      return reader.classify(frame);
    },
    watch(frame) {
      numberSeen(frame);
      reader.watch(frame);
    },
    aliases: () => aliases,
    sequence: () => sequenceIn(numbered),
  };
}

/** Ids by which later requests name this answer. */
export function responseAliases(response: JsonObject): readonly string[] {
  return [response.id, objectAt(response, "conversation").id].filter(isFilled);
}

export function responsesCounts(response: JsonObject): Counts {
  const usage = objectAt(response, "usage");
  return {
    input: tokenCount(usage.input_tokens),
    output: tokenCount(usage.output_tokens),
    cached: tokenCount(objectAt(usage, "input_tokens_details").cached_tokens),
  };
}

/** The content of an output item as it stands; `whole`: nothing more of it will come. */
function itemPayload(item: JsonObject, whole: boolean): readonly unknown[] {
  if (whole && CALL_ITEMS.has(item.type)) return [item];
  const parts = [...objectsIn(item.content), ...objectsIn(item.summary)];
  return [item, ...parts].flatMap((part) => ITEM_FIELDS.map((field) => part[field]));
}

/** An `error` event is flat; some servers nest it as the other protocols do. */
function failure({ name, body }: Told): ErrorFacts | null {
  if (name === "response.failed") {
    const { error } = objectAt(body, "response");
    return isSaid(error) ? openaiErrorValue(error) : errorFacts({ words: ["server_error"] });
  }
  return topLevelError(body, openaiErrorValue) ?? (name === "error" ? openaiErrorValue({ ...body, type: "" }) : null);
}

function payload({ name, body }: Told): readonly unknown[] {
  switch (name) {
    case "response.output_item.added":
      return itemPayload(objectAt(body, "item"), false);
    case "response.output_item.done":
      return itemPayload(objectAt(body, "item"), true);
    case "response.content_part.added":
    case "response.content_part.done":
    case "response.reasoning_summary_part.added":
    case "response.reasoning_summary_part.done":
      return itemPayload(objectAt(body, "part"), false);
    default: {
      const field = PAYLOAD_FIELDS.get(name);
      return field === undefined ? [] : [body[field]];
    }
  }
}

function level({ name, body }: Told): Level | Seen {
  if (ECHOES.has(name)) return { level: "accepted", echo: true };
  if (EFFECTS.has(name) || EFFECT_NAMES.test(name)) return "content";
  if (name === "response.completed") return isSaid(objectAt(body, "response").output) ? "content" : "held";
  if (name === "response.incomplete") return "definitive";
  return PAYLOAD_FIELDS.has(name) || PARTS.test(name) ? "started" : "neutral";
}

const PARTS = /^response\.(?:output_item|content_part|reasoning_summary_part)\.(?:added|done)$/;

function nameOf(frame: Frame, body: JsonObject): string {
  if (frame.data === DONE) return DONE;
  return frame.event === "error" || !isFilled(body.type) ? frame.event : body.type;
}

function hasOwnName({ event }: Frame): boolean {
  return event === "error" || event.startsWith("response.");
}

function isTelling(event: string): boolean {
  return event === "error" || event === "response.created" || TERMINALS.has(event);
}

function sequenceIn(data: string): number {
  const value = parsed(data);
  const number = typeof value === "object" && value !== null && "sequence_number" in value ? value.sequence_number : -1;
  return typeof number === "number" && Number.isSafeInteger(number) ? number : -1;
}
