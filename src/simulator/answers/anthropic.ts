import { type Dialect, type Piece, piece, type Reply, type Wish } from "../dialect.ts";

/** Anthropic Messages: https://docs.anthropic.com/en/api/messages-streaming */
export const anthropicDialect: Dialect = {
  whole: (wish, reply) => ({
    ...message(wish),
    content: blocks(reply, wish),
    stop_reason: stopReason(reply),
    usage: usage(reply, reply.tokens.output),
  }),
  stream: (wish, reply) => [
    event("prelude", { type: "message_start", message: { ...message(wish), usage: usage(reply, 1) } }),
    event("prelude", { type: "ping" }),
    ...blocks(reply, wish).flatMap((block, index) => blockPieces(block, index, reply)),
    event("end", {
      type: "message_delta",
      delta: { stop_reason: stopReason(reply), stop_sequence: null },
      usage: { output_tokens: reply.tokens.output },
    }),
    event("end", { type: "message_stop" }),
  ],
  short: (_wish, reply) => ({ input_tokens: reply.tokens.input }),
  error: (status, message) => ({ type: "error", error: { type: errorType(status), message }, request_id: "req_sim" }),
  errorPiece: (status, message) => event("end", { type: "error", error: { type: errorType(status), message } }).text,
  ping: event("prelude", { type: "ping" }).text,
};

type Block =
  | Readonly<{ type: "thinking"; thinking: string; signature: string }>
  | Readonly<{ type: "text"; text: string }>
  | Readonly<{ type: "tool_use"; id: string; name: string; input: unknown }>;

function message(wish: Wish) {
  return {
    id: `msg_sim${wish.serial}`,
    type: "message",
    role: "assistant",
    model: wish.model,
    content: [],
    stop_reason: null,
    stop_sequence: null,
  };
}

function blocks(reply: Reply, wish: Wish): readonly Block[] {
  const text = reply.pieces.join("");
  return [
    ...(reply.thinking ? [{ type: "thinking", thinking: reply.thinking, signature: "c2ltdWxhdGVk" } as const] : []),
    ...(text ? [{ type: "text", text } as const] : []),
    ...(reply.tool
      ? [
          {
            type: "tool_use",
            id: `toolu_sim${wish.serial}`,
            name: reply.tool.name,
            input: JSON.parse(reply.tool.args || "{}"),
          } as const,
        ]
      : []),
  ];
}

function blockPieces(block: Block, index: number, reply: Reply): readonly Piece[] {
  const start = EMPTY[block.type];
  return [
    event("prelude", { type: "content_block_start", index, content_block: { ...block, ...start } }),
    ...deltas(block, reply).map(([part, delta]) => event(part, { type: "content_block_delta", index, delta })),
    event("content", { type: "content_block_stop", index }),
  ];
}

const EMPTY = { thinking: { thinking: "", signature: "" }, text: { text: "" }, tool_use: { input: {} } } as const;

function deltas(block: Block, reply: Reply): readonly (readonly [Piece["part"], unknown])[] {
  if (block.type === "text") return reply.pieces.map((text) => ["content", { type: "text_delta", text }]);
  if (block.type === "thinking")
    return [
      ["content", { type: "thinking_delta", thinking: block.thinking }],
      ["content", { type: "signature_delta", signature: block.signature }],
    ];
  // Every call begins with an empty piece; one without arguments has no other.
  const empty = ["prelude", { type: "input_json_delta", partial_json: "" }] as const;
  const args = reply.tool?.args ?? "";
  return args ? [empty, ["content", { type: "input_json_delta", partial_json: args }]] : [empty];
}

function usage(reply: Reply, output: number) {
  return {
    input_tokens: reply.tokens.input,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: reply.tokens.cached,
    output_tokens: output,
  };
}

const stopReason = (reply: Reply) => (reply.tool ? "tool_use" : "end_turn");

function event(part: Piece["part"], data: Readonly<{ type: string; [field: string]: unknown }>): Piece {
  return piece(part, `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`);
}

function errorType(status: number): string {
  return ERROR_TYPES[status] ?? (status >= 500 ? "api_error" : "invalid_request_error");
}

const ERROR_TYPES: Readonly<Record<number, string>> = {
  401: "authentication_error",
  402: "billing_error",
  403: "permission_error",
  404: "not_found_error",
  413: "request_too_large",
  429: "rate_limit_error",
  504: "timeout_error",
  529: "overloaded_error",
};
