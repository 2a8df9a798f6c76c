import { type Dialect, type Piece, piece, type Reply, type Wish } from "../dialect.ts";

/** Chat Completions and Embeddings: https://platform.openai.com/docs/api-reference/chat/streaming */
export const chatDialect: Dialect = {
  whole: (wish, reply) => ({
    ...base(wish, "chat.completion"),
    choices: [
      {
        index: 0,
        message: {
          role: "assistant",
          content: reply.pieces.join("") || null,
          refusal: null,
          ...(reply.thinking ? { reasoning_content: reply.thinking } : {}),
          ...(reply.tool ? { tool_calls: [toolCall(wish, reply.tool, reply.tool.args || "{}")] } : {}),
        },
        logprobs: null,
        finish_reason: finishReason(reply),
      },
    ],
    usage: usage(reply),
  }),
  stream: (wish, reply) => {
    const chunk = (part: Piece["part"], delta: unknown, finish: string | null = null) =>
      data(part, {
        ...base(wish, "chat.completion.chunk"),
        choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }],
        ...(wish.usageChunk ? { usage: null } : {}),
      });
    return [
      chunk("prelude", { role: "assistant", content: "", refusal: null }),
      ...(reply.thinking ? [chunk("content", { reasoning_content: reply.thinking })] : []),
      ...reply.pieces.map((content) => chunk("content", { content })),
      ...toolPieces(wish, reply).map((delta, at) => chunk(at === 0 ? "prelude" : "content", { tool_calls: [delta] })),
      chunk("end", {}, finishReason(reply)),
      ...(wish.usageChunk
        ? [data("end", { ...base(wish, "chat.completion.chunk"), choices: [], usage: usage(reply) })]
        : []),
      piece("end", "data: [DONE]\n\n"),
    ];
  },
  short: (wish, reply) => ({
    object: "list",
    data: Array.from({ length: wish.inputs ?? 1 }, (_, index) => ({
      object: "embedding",
      index,
      embedding: [0.25, -0.5, 0.125, index],
    })),
    model: wish.model,
    usage: { prompt_tokens: reply.tokens.input, total_tokens: reply.tokens.input },
  }),
  error: openaiError,
  errorPiece: (status, message) => data("end", openaiError(status, message)).text,
  ping: ": OPENROUTER PROCESSING\n\n",
};

export function openaiError(status: number, message: string) {
  const [type, code] =
    ERROR_TYPES[status] ?? (status >= 500 ? ["server_error", null] : ["invalid_request_error", null]);
  return { error: { message, type, param: null, code } };
}

function base(wish: Wish, object: string) {
  return {
    id: `chatcmpl-sim${wish.serial}`,
    object,
    created: CREATED_SECONDS,
    model: wish.model,
    service_tier: "default",
    system_fingerprint: "fp_sim",
  };
}

function toolCall(wish: Wish, tool: NonNullable<Reply["tool"]>, args: string) {
  return { id: `call_sim${wish.serial}`, type: "function", function: { name: tool.name, arguments: args } };
}

function toolPieces(wish: Wish, reply: Reply): readonly unknown[] {
  if (!reply.tool) return [];
  const first = { index: 0, ...toolCall(wish, reply.tool, "") };
  return reply.tool.args ? [first, { index: 0, function: { arguments: reply.tool.args } }] : [first];
}

function usage(reply: Reply) {
  const { input, output, cached } = reply.tokens;
  return {
    prompt_tokens: input,
    completion_tokens: output,
    total_tokens: input + output,
    prompt_tokens_details: { cached_tokens: cached },
  };
}

const finishReason = (reply: Reply) => (reply.tool ? "tool_calls" : "stop");

const data = (part: Piece["part"], value: unknown): Piece => piece(part, `data: ${JSON.stringify(value)}\n\n`);

/** A fixed date keeps answers reproducible. */
export const CREATED_SECONDS = 1_700_000_000;

const ERROR_TYPES: Readonly<Record<number, readonly [string, string | null]>> = {
  401: ["invalid_request_error", "invalid_api_key"],
  402: ["insufficient_quota", "billing_not_active"],
  403: ["permission_error", null],
  404: ["invalid_request_error", "model_not_found"],
  429: ["rate_limit_error", "rate_limit_exceeded"],
};
