import { type Dialect, type Piece, piece, type Reply, type Wish } from "../dialect.ts";
import { CREATED_SECONDS, openaiError } from "./openai-chat.ts";

/** Responses: https://platform.openai.com/docs/api-reference/responses-streaming */
export const responsesDialect: Dialect = {
  whole: (wish, reply) => response(wish, "completed", output(wish, reply), reply),
  stream: (wish, reply) => {
    const items = output(wish, reply);
    const told: readonly Told[] = [
      ["prelude", { type: "response.created", response: response(wish, "in_progress", [], null) }],
      ["prelude", { type: "response.in_progress", response: response(wish, "in_progress", [], null) }],
      ...items.flatMap((item, output_index) => itemTold({ item, reply, at: { item_id: item.id, output_index } })),
      ["end", { type: "response.completed", response: response(wish, "completed", items, reply) }],
    ];
    return told.map(([part, event], sequence_number) => eventPiece(part, { ...event, sequence_number }));
  },
  short: (wish, reply) => ({
    id: `resp_sim${wish.serial}`,
    object: "response.compaction",
    created_at: CREATED_SECONDS,
    output: [{ id: `cmp_sim${wish.serial}`, type: "compaction", encrypted_content: "c2ltdWxhdGVk" }],
    usage: usage(reply),
  }),
  error: openaiError,
  errorPiece: (status, message) =>
    eventPiece("end", { type: "error", sequence_number: 2, code: errorCode(status), message, param: null }).text,
  ping: eventPiece("prelude", { type: "keepalive", sequence_number: 0 }).text,
};

type Item = Readonly<{ id: string; type: "reasoning" | "message" | "function_call"; [field: string]: unknown }>;
type Event = Readonly<{ type: string; [field: string]: unknown }>;
/** An event not numbered yet, and what it is to a listener. */
type Told = readonly [Piece["part"], Event];
type ItemTelling = Readonly<{ item: Item; reply: Reply; at: Readonly<{ item_id: string; output_index: number }> }>;

function response(wish: Wish, status: string, items: readonly Item[], reply: Reply | null) {
  return {
    id: `resp_sim${wish.serial}`,
    object: "response",
    created_at: CREATED_SECONDS,
    status,
    error: null,
    incomplete_details: null,
    instructions: null,
    max_output_tokens: null,
    model: wish.model,
    output: items,
    parallel_tool_calls: true,
    previous_response_id: null,
    store: true,
    tool_choice: "auto",
    tools: [],
    usage: reply && usage(reply),
    metadata: {},
  };
}

function output(wish: Wish, reply: Reply): readonly Item[] {
  const text = reply.pieces.join("");
  const items: Item[] = [];
  if (reply.thinking) items.push({ id: `rs_sim${wish.serial}`, type: "reasoning", summary: [summary(reply.thinking)] });
  if (text) {
    const content = [outputText(text)];
    items.push({ id: `msg_sim${wish.serial}`, type: "message", status: "completed", role: "assistant", content });
  }
  if (reply.tool) {
    const { name, args } = reply.tool;
    const call = { call_id: `call_sim${wish.serial}`, name, arguments: args || "{}" };
    items.push({ id: `fc_sim${wish.serial}`, type: "function_call", status: "completed", ...call });
  }
  return items;
}

function itemTold(telling: ItemTelling): readonly Told[] {
  const { item, at } = telling;
  const added = { ...item, status: "in_progress", ...EMPTY[item.type] };
  return [
    ["prelude", { type: "response.output_item.added", output_index: at.output_index, item: added }],
    ...INNER[item.type](telling),
    ["content", { type: "response.output_item.done", output_index: at.output_index, item }],
  ];
}

const EMPTY = { reasoning: { summary: [] }, message: { content: [] }, function_call: { arguments: "" } } as const;

const INNER: Readonly<Record<Item["type"], (telling: ItemTelling) => readonly Told[]>> = {
  reasoning({ reply, at }) {
    const where = { ...at, summary_index: 0 };
    const text = reply.thinking;
    return [
      ["prelude", { type: "response.reasoning_summary_part.added", ...where, part: summary("") }],
      ["content", { type: "response.reasoning_summary_text.delta", ...where, delta: text }],
      ["content", { type: "response.reasoning_summary_text.done", ...where, text }],
      ["content", { type: "response.reasoning_summary_part.done", ...where, part: summary(text) }],
    ];
  },
  message({ reply, at }) {
    const where = { ...at, content_index: 0 };
    const text = reply.pieces.join("");
    return [
      ["prelude", { type: "response.content_part.added", ...where, part: outputText("") }],
      ...reply.pieces.map(
        (delta): Told => ["content", { type: "response.output_text.delta", ...where, delta, logprobs: [] }],
      ),
      ["content", { type: "response.output_text.done", ...where, text, logprobs: [] }],
      ["content", { type: "response.content_part.done", ...where, part: outputText(text) }],
    ];
  },
  function_call({ item, at }) {
    const { name, arguments: args } = item;
    return [
      ["content", { type: "response.function_call_arguments.delta", ...at, delta: args }],
      ["content", { type: "response.function_call_arguments.done", ...at, name, arguments: args }],
    ];
  },
};

const summary = (text: string) => ({ type: "summary_text", text });
const outputText = (text: string) => ({ type: "output_text", text, annotations: [], logprobs: [] });

function usage(reply: Reply) {
  const { input, output, cached } = reply.tokens;
  return {
    input_tokens: input,
    input_tokens_details: { cached_tokens: cached },
    output_tokens: output,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: input + output,
  };
}

function eventPiece(part: Piece["part"], event: Event): Piece {
  return piece(part, `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
}

function errorCode(status: number): string {
  if (status === 429) return "rate_limit_exceeded";
  return status >= 500 ? "server_error" : "invalid_prompt";
}
