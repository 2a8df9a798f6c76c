import { levels, named, plain, type Row } from "./row.ts";

const usage = {
  input_tokens: 12,
  cache_creation_input_tokens: 100,
  cache_read_input_tokens: 2048,
  cache_creation: { ephemeral_5m_input_tokens: 100, ephemeral_1h_input_tokens: 0 },
  output_tokens: 1,
  service_tier: "standard",
};
export const start = {
  type: "message_start",
  message: {
    id: "msg_01XFDUDYJgAACzvnptvVoYEL",
    type: "message",
    role: "assistant",
    model: "claude-sonnet-4-5-20250929",
    content: [],
    stop_reason: null,
    stop_sequence: null,
    usage,
  },
};
export const ping = { type: "ping" };
const blockStart = (content_block: unknown, index = 0) => ({ type: "content_block_start", index, content_block });
const delta = (delta: unknown, index = 0) => ({ type: "content_block_delta", index, delta });
const blockStop = (index = 0) => ({ type: "content_block_stop", index });
const messageDelta = (stop_reason: string | null) => ({
  type: "message_delta",
  delta: { stop_reason, stop_sequence: null },
  usage: { output_tokens: 15 },
});
export const stop = { type: "message_stop" };
export const textStart = blockStart({ type: "text", text: "" });
export const text = (text: string) => delta({ type: "text_delta", text });
export const end = [blockStop(), messageDelta("end_turn"), stop] as const;

const tool = (type: string) => blockStart({ type, id: "toolu_01T1x1fJ34qAmk2tNTrN7Up6", name: "get_time", input: {} });
const emptyJson = delta({ type: "input_json_delta", partial_json: "" });
const error = (type: string, message = "Overloaded") => ({
  type: "error",
  error: { type, message, details: null },
  request_id: "req_011CTvbR3sUUJqPzC9kWfNc6",
});
const searchResult = {
  type: "web_search_tool_result",
  tool_use_id: "srvtoolu_014hJH82Qum7Td6UV8gDXThB",
  content: [{ type: "web_search_result", title: "Hedges", url: "https://example.com", encrypted_content: "EqgfC" }],
};

const whole: readonly Row[] = [
  {
    what: "text",
    stream: named(start, textStart, ping, text("Hello"), text("!"), ...end),
    levels: levels("started started liveness content"),
    ended: true,
  },
  {
    what: "pings before and after its start",
    stream: named(ping, ping, start, ping, ping, textStart, ping, text("Hi"), ...end),
    levels: levels("liveness liveness started liveness liveness started liveness content"),
    ended: true,
  },
  {
    what: "events without names (relays)",
    stream: plain(start, ping, textStart, text("Hi"), ...end, "[DONE]"),
    levels: levels("started liveness started content"),
    ended: true,
  },
  {
    what: "an unknown event",
    stream: named(start, { type: "message_annotation", note: "x" }, textStart, text("Hi"), ...end),
    levels: levels("started neutral started content"),
    ended: true,
  },
  {
    what: "empty deltas before its text",
    stream: named(start, textStart, text(""), text(""), text("Hi"), ...end),
    levels: levels("started started started started content"),
    ended: true,
  },
  {
    what: "thinking",
    stream: named(
      start,
      blockStart({ type: "thinking", thinking: "", signature: "" }),
      delta({ type: "thinking_delta", thinking: "Let me see" }),
      delta({ type: "signature_delta", signature: "EqQBCgIYAhIM" }),
      ...end,
    ),
    levels: levels("started started content"),
    ended: true,
  },
  {
    what: "a signature alone (thinking is not shown)",
    stream: named(
      start,
      blockStart({ type: "thinking", thinking: "", signature: "" }),
      delta({ type: "signature_delta", signature: "EqQBCgIYAhIM" }),
      ...end,
    ),
    levels: levels("started started content"),
    ended: true,
  },
  {
    what: "a citation first",
    stream: named(
      start,
      blockStart({ type: "text", text: "", citations: [] }),
      delta({
        type: "citations_delta",
        citation: { type: "char_location", cited_text: "x", document_index: 0, start_char_index: 0, end_char_index: 1 },
      }),
      ...end,
    ),
    levels: levels("started started content"),
    ended: true,
  },
  {
    what: "a compaction delta",
    stream: named(
      start,
      blockStart({ type: "text", text: "" }),
      delta({ type: "compaction_delta", content: "Summary", encrypted_content: null }),
      ...end,
    ),
    levels: levels("started started content"),
    ended: true,
  },
];

const tools: readonly Row[] = ["tool_use", "server_tool_use", "mcp_tool_use"].flatMap((type) => [
  {
    what: `a ${type} with arguments`,
    stream: named(start, tool(type), emptyJson, delta({ type: "input_json_delta", partial_json: '{"tz":' }), ...end),
    levels: levels("started started started content"),
    ended: true,
  },
  {
    what: `a ${type} without arguments`,
    stream: named(start, tool(type), emptyJson, emptyJson, blockStop(), messageDelta("tool_use"), stop),
    levels: levels("started started started started content"),
    ended: true,
  },
]);

const wholeBlocks: readonly Row[] = [
  { type: "redacted_thinking", data: "EmwKAhgBEgy3va3pzix" },
  searchResult,
  { type: "mcp_tool_result", tool_use_id: "mcptoolu_1", is_error: false, content: [] },
  { type: "container_upload", file_id: "file_011CNha8iCJcU1wXNR6q4V8w" },
  { type: "compaction", content: null },
  { type: "fallback" },
].map((block) => ({
  what: `a ${block.type} block`,
  stream: named(start, blockStart(block), ...end),
  levels: levels("started content"),
  ended: true,
}));

const stops: readonly Row[] = [
  ...[
    "refusal",
    "max_tokens",
    "stop_sequence",
    "pause_turn",
    "tool_use",
    "compaction",
    "model_context_window_exceeded",
  ].map((reason) => ({
    what: `no content and ${reason}`,
    stream: named(start, textStart, blockStop(), messageDelta(reason), stop),
    levels: levels("started started started definitive"),
    ended: true,
  })),
  {
    what: "no content and end_turn",
    stream: named(start, textStart, ...end),
    levels: levels("started started started held"),
    ended: true,
  },
  {
    what: "no content and no stop reason",
    stream: named(start, messageDelta(null), stop),
    levels: levels("started started held"),
    ended: true,
  },
  {
    what: "no terminal event",
    stream: named(start, textStart, text("Hi")),
    levels: levels("started started content"),
    ended: false,
  },
];

const errors: readonly Row[] = (
  [
    ["overloaded_error", 529],
    ["api_error", 500],
    ["timeout_error", 504],
    ["rate_limit_error", 429],
    ["invalid_request_error", 400],
    ["request_too_large", 413],
    ["authentication_error", 401],
    ["permission_error", 403],
    ["not_found_error", 404],
    ["billing_error", 402],
  ] as const
).map(([type, status]) => ({
  what: `an error event of type ${type}`,
  stream: named(start, ping, error(type)),
  levels: levels("started liveness error"),
  error: { type, status },
  ended: false,
}));

export const anthropicRows: readonly Row[] = [...whole, ...tools, ...wholeBlocks, ...stops, ...errors];
