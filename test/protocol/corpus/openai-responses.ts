import { levels, named, plain, type Row } from "./row.ts";

type Event = Readonly<{ type: string; [field: string]: unknown }>;

const response = (status: string, more: Readonly<Record<string, unknown>> = {}) => ({
  id: "resp_67ccd2bed1ec8190b14f964abc0542670bb6a6b452d3795b",
  object: "response",
  created_at: 1760000000,
  status,
  background: false,
  error: null,
  incomplete_details: null,
  instructions: "You are a coding agent.",
  model: "gpt-5-codex",
  output: [],
  parallel_tool_calls: true,
  previous_response_id: null,
  store: false,
  usage: null,
  metadata: {},
  ...more,
});
const spent = {
  input_tokens: 3000,
  input_tokens_details: { cached_tokens: 2816 },
  output_tokens: 87,
  output_tokens_details: { reasoning_tokens: 64 },
  total_tokens: 3087,
};
const at = { item_id: "msg_67ccd2bf17f0819081ff3bb2cf6508e6", output_index: 0 };
const message = { id: at.item_id, type: "message", status: "completed", role: "assistant" };
const part = (text: string) => ({ type: "output_text", text, annotations: [], logprobs: [] });

export const created = { type: "response.created", response: response("in_progress") };
export const inProgress = { type: "response.in_progress", response: response("in_progress") };
export const added = {
  type: "response.output_item.added",
  output_index: 0,
  item: { ...message, status: "in_progress", content: [] },
};
export const partAdded = { type: "response.content_part.added", ...at, content_index: 0, part: part("") };
export const text = (delta: string) => ({
  type: "response.output_text.delta",
  ...at,
  content_index: 0,
  delta,
  logprobs: [],
  obfuscation: "Wd6S45xQ7SyQLT",
});
export const completed = {
  type: "response.completed",
  response: response("completed", { output: [{ ...message, content: [part("Hello")] }], usage: spent }),
};
const empty = { type: "response.completed", response: response("completed", { usage: spent }) };
const itemAdded = (item: unknown) => ({ type: "response.output_item.added", output_index: 0, item });
const call = { id: "fc_1", type: "function_call", status: "in_progress", call_id: "call_1", name: "get_time" };

/** With the numbers that the API gives its events. */
export const numbered = (...events: readonly Event[]) =>
  named(...events.map((event, sequence_number) => ({ ...event, sequence_number })));
const prelude = [created, inProgress] as const;
const opened = [...prelude, added, partAdded] as const;

const wholes: readonly Row[] = [
  {
    what: "text",
    stream: numbered(...opened, text("Hel"), text("lo"), completed),
    levels: levels("accepted accepted started started content"),
    ended: true,
  },
  {
    what: "a wait in the queue",
    stream: numbered(
      { type: "response.queued", response: response("queued") },
      ...opened,
      text(""),
      text("Hello"),
      completed,
    ),
    levels: levels("accepted accepted accepted started started started content"),
    ended: true,
  },
  {
    what: "events without names (relays)",
    stream: plain(...opened, text("Hello"), completed),
    levels: levels("accepted accepted started started content"),
    ended: true,
  },
  {
    what: "neutral events before its text",
    stream: numbered(
      created,
      { type: "keepalive" },
      { type: "response.mcp_list_tools.in_progress", ...at },
      { type: "response.mcp_list_tools.failed", ...at },
      { type: "response.mcp_call.failed", ...at },
      { type: "response.output_text.annotation.added", ...at, annotation: {} },
      text("Hello"),
      completed,
    ),
    levels: levels("accepted neutral neutral neutral neutral neutral content"),
    ended: true,
  },
];

/** Field and event that carry something generated, and the same with nothing in it. */
const carriers: readonly Row[] = (
  [
    ["output_text.delta", "delta"],
    ["refusal.delta", "delta"],
    ["reasoning_text.delta", "delta"],
    ["reasoning_summary_text.delta", "delta"],
    ["function_call_arguments.delta", "delta"],
    ["custom_tool_call_input.delta", "delta"],
    ["code_interpreter_call_code.delta", "delta"],
    ["mcp_call_arguments.delta", "delta"],
    ["audio.delta", "delta"],
    ["audio.transcript.delta", "delta"],
    ["shell_call_command.delta", "delta"],
    ["shell_call_output_content.delta", "delta"],
    ["image_generation_call.partial_image", "partial_image_b64"],
    ["output_text.done", "text"],
    ["refusal.done", "refusal"],
    ["reasoning_text.done", "text"],
    ["reasoning_summary_text.done", "text"],
    ["function_call_arguments.done", "arguments"],
    ["custom_tool_call_input.done", "input"],
    ["code_interpreter_call_code.done", "code"],
    ["mcp_call_arguments.done", "arguments"],
    ["shell_call_command.done", "command"],
  ] as const
).map(([event, field]) => ({
  what: `${event}, empty and then not`,
  stream: numbered(
    created,
    { type: `response.${event}`, ...at, [field]: "" },
    { type: `response.${event}`, ...at, [field]: "x" },
    completed,
  ),
  levels: levels("accepted started content"),
  ended: true,
}));

const items: readonly Row[] = [
  ...[
    { ...message, content: [part("Hello")] },
    { ...call, arguments: "{}" },
    { id: "ctc_1", type: "custom_tool_call", call_id: "call_2", name: "apply_patch", input: "*** Begin Patch" },
    { id: "ws_1", type: "web_search_call", status: "in_progress", action: { type: "search", query: "hedges" } },
    { id: "ci_1", type: "code_interpreter_call", status: "in_progress", code: "1+1", container_id: "c", outputs: [] },
    { id: "rs_1", type: "reasoning", summary: [{ type: "summary_text", text: "Look it up" }] },
  ].map((item) => ({
    what: `an item of type ${item.type} that carries something from its start`,
    stream: numbered(...prelude, itemAdded(item), completed),
    levels: levels("accepted accepted content"),
    ended: true,
  })),
  {
    what: "a reasoning item and a call that begin empty",
    stream: numbered(
      ...prelude,
      itemAdded({ id: "rs_1", type: "reasoning", summary: [], encrypted_content: "gAAAAABo" }),
      {
        type: "response.reasoning_summary_part.added",
        ...at,
        summary_index: 0,
        part: { type: "summary_text", text: "" },
      },
      itemAdded({ ...call, arguments: "" }),
      { type: "response.output_item.done", output_index: 1, item: { ...call, status: "completed", arguments: "" } },
      completed,
    ),
    levels: levels("accepted accepted started started started content"),
    ended: true,
  },
  ...[
    { type: "response.content_part.added", ...at, content_index: 0, part: part("Hello") },
    { type: "response.content_part.done", ...at, content_index: 0, part: part("Hello") },
    {
      type: "response.reasoning_summary_part.added",
      ...at,
      summary_index: 0,
      part: { type: "summary_text", text: "A" },
    },
  ].map((event) => ({
    what: `${event.type} with text`,
    stream: numbered(...prelude, event, completed),
    levels: levels("accepted accepted content"),
    ended: true,
  })),
];

const effects: readonly Row[] = [
  "web_search_call.in_progress",
  "web_search_call.searching",
  "file_search_call.searching",
  "code_interpreter_call.in_progress",
  "code_interpreter_call.interpreting",
  "image_generation_call.in_progress",
  "image_generation_call.generating",
  "mcp_call.in_progress",
].map((event) => ({
  what: `${event}: an effect has begun`,
  stream: numbered(...prelude, { type: `response.${event}`, ...at }, completed),
  levels: levels("accepted accepted content"),
  ended: true,
}));

const failed = (code: string, message = "failed") => ({
  type: "response.failed",
  response: response("failed", { error: { code, message } }),
});
const ends: readonly Row[] = [
  {
    what: "all of its output at its end",
    stream: numbered(...prelude, completed),
    levels: levels("accepted accepted content"),
    ended: true,
  },
  { what: "no output", stream: numbered(...prelude, empty), levels: levels("accepted accepted held"), ended: true },
  ...["max_output_tokens", "content_filter"].map((reason) => ({
    what: `no output because of ${reason}`,
    stream: numbered(...prelude, {
      type: "response.incomplete",
      response: response("incomplete", { incomplete_details: { reason } }),
    }),
    levels: levels("accepted accepted definitive"),
    ended: true,
  })),
  {
    what: "no terminal event",
    stream: numbered(...opened, text("Hello")),
    levels: levels("accepted accepted started started content"),
    ended: false,
  },
  ...(
    [
      ["server_error", 500, false],
      ["invalid_prompt", 400, true],
      ["context_length_exceeded", 400, true],
      ["invalid_image", 400, false],
    ] as const
  ).map(([code, status, policy]) => ({
    what: `response.failed for ${code}`,
    stream: numbered(...prelude, failed(code)),
    levels: levels("accepted accepted error"),
    error: { type: code, status, policy },
    ended: false,
  })),
  {
    what: "response.failed for a rate limit",
    stream: numbered(
      ...prelude,
      failed("rate_limit_exceeded", "Rate limit reached. Please try again in 1m2.5s. Visit"),
    ),
    levels: levels("accepted accepted error"),
    error: { type: "rate_limit_exceeded", status: 429, retryAfterMs: 62_500 },
    ended: false,
  },
  {
    what: "an error event",
    stream: numbered(created, { type: "error", code: "server_error", message: "The server had an error", param: null }),
    levels: levels("accepted error"),
    error: { type: "server_error", status: 500 },
    ended: false,
  },
  {
    what: "an error event that nests its error",
    stream: numbered(created, {
      type: "error",
      error: { type: "invalid_request_error", code: "context_length_exceeded", message: "Too long", param: "input" },
    }),
    levels: levels("accepted error"),
    error: { type: "context_length_exceeded", status: 400, policy: true },
    ended: false,
  },
];

export const responsesRows: readonly Row[] = [...wholes, ...carriers, ...items, ...effects, ...ends];
