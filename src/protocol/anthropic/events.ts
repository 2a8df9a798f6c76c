import { errorFacts, topLevelError } from "../error-facts.ts";
import { DONE, eventReader, type StreamRules, type Told } from "../event-reader.ts";
import { isFilled, isObject, type JsonObject, objectAt } from "../json-body.ts";
import type { ErrorFacts, EventReader, Level } from "../protocol.ts";
import { type Counts, tokenCount, tokenSum, tokenTally } from "../tokens.ts";

/** The fields of a delta that are content. Thinking counts: clients show it. */
const DELTA_FIELDS: ReadonlyMap<unknown, readonly string[]> = new Map([
  ["text_delta", ["text"]],
  ["thinking_delta", ["thinking"]],
  ["signature_delta", ["signature"]],
  ["citations_delta", ["citation"]],
  ["input_json_delta", ["partial_json"]],
  ["compaction_delta", ["content", "encrypted_content"]],
]);

const TOOL_BLOCKS: ReadonlySet<unknown> = new Set(["tool_use", "server_tool_use", "mcp_tool_use"]);
/** Blocks that come whole in their start; so do those of type `*_tool_result`. */
const WHOLE_BLOCKS: ReadonlySet<unknown> = new Set(["redacted_thinking", "container_upload", "compaction", "fallback"]);

/** Stop reasons that are an answer even without content. A refusal is one: it is billed, and no fault of the provider. */
const DEFINITIVE_STOPS: ReadonlySet<unknown> = new Set([
  "refusal",
  "max_tokens",
  "stop_sequence",
  "pause_turn",
  "tool_use",
  "compaction",
  "model_context_window_exceeded",
]);

/** After content: named events with nothing to note. */
const DULL_EVENTS: ReadonlySet<string> = new Set([
  "content_block_delta",
  "content_block_start",
  "content_block_stop",
  "ping",
]);
const TELLING_TEXT = /"(?:usage|error|message_stop)"/;

/** Messages streaming: https://docs.anthropic.com/en/docs/build-with-claude/streaming */
export function anthropicEvents(requestBytes: number): EventReader {
  const tally = tokenTally(requestBytes);
  const toolBlocks = new Set<unknown>();
  let ended = false;

  const level = ({ name, body }: Told): Level => {
    switch (name) {
      case "ping":
        return "liveness";
      case "message_start":
      case "content_block_delta":
        return "started";
      case "content_block_start":
        if (TOOL_BLOCKS.has(objectAt(body, "content_block").type)) toolBlocks.add(body.index);
        return "started";
      case "content_block_stop":
        // A tool without arguments sends nothing but empty deltas: that its block is whole is the content.
        return toolBlocks.has(body.index) ? "content" : "started";
      case "message_delta":
        return stopLevel(objectAt(body, "delta").stop_reason);
      case "message_stop":
        return "held";
      default:
        return "neutral";
    }
  };
  const rules: StreamRules = {
    told: (frame, body) => ({
      name: frame.data === DONE ? DONE : frame.event === "error" || !isFilled(body.type) ? frame.event : body.type,
      body,
    }),
    failure,
    note({ name, body }) {
      if (name === "message_start") {
        // Its output count is that of a beginning.
        tally.say({ ...anthropicCounts(objectAt(objectAt(body, "message"), "usage")), output: undefined });
      } else if (name === "message_delta") tally.say(anthropicCounts(objectAt(body, "usage")));
      else if (name === "message_stop") ended = true;
    },
    payload,
    level,
    tells: (frame) => !DULL_EVENTS.has(frame.event) && (frame.event !== "" || TELLING_TEXT.test(frame.data)),
    generates: (frame) => frame.event === "content_block_delta" || frame.event === "",
    ended: () => ended,
    over: () => ended,
    hears: (_, { event }) => event === "error",
  };
  return eventReader(rules, tally);
}

/** Errors: https://docs.anthropic.com/en/api/errors */
export function anthropicErrorValue(error: unknown): ErrorFacts {
  if (!isObject(error)) return errorFacts({ words: [], message: error });
  return errorFacts({ words: [error.type, error.code], status: error.code, message: error.message });
}

/** What a stop reason means where there was no content. Null: the message goes on. */
export function stopLevel(stopReason: unknown): Level {
  if (!isFilled(stopReason)) return "started";
  return DEFINITIVE_STOPS.has(stopReason) ? "definitive" : "held";
}

/** Cached input is billed input, and the API leaves it out of `input_tokens`. */
export function anthropicCounts(usage: JsonObject): Counts {
  const cached = tokenCount(usage.cache_read_input_tokens);
  return {
    input: tokenSum(tokenCount(usage.input_tokens), tokenCount(usage.cache_creation_input_tokens), cached),
    output: tokenCount(usage.output_tokens),
    cached,
  };
}

/** What of a block is content as it stands: the text, or all of it where it comes whole. */
export function blockPayload(block: JsonObject): unknown {
  const { type } = block;
  if (type === "text") return block.text;
  if (type === "thinking") return block.thinking;
  return WHOLE_BLOCKS.has(type) || (isFilled(type) && type.endsWith("_tool_result")) ? block : "";
}

function payload({ name, body }: Told): readonly unknown[] {
  if (name === "content_block_start") return [blockPayload(objectAt(body, "content_block"))];
  if (name !== "content_block_delta") return [];
  const delta = objectAt(body, "delta");
  return (DELTA_FIELDS.get(delta.type) ?? []).map((field) => delta[field]);
}

function failure({ name, body }: Told): ErrorFacts | null {
  return topLevelError(body, anthropicErrorValue) ?? (name === "error" ? anthropicErrorValue(body) : null);
}
