import { type Dialect, type Piece, piece, type Reply, type Wish } from "../dialect.ts";

/** Gemini: https://ai.google.dev/api/generate-content */
export const geminiDialect: Dialect = {
  whole: (wish, reply) => chunk(wish, reply, { parts: parts(reply, reply.pieces.join("")), finish: true }),
  stream: (wish, reply) => {
    const spoken = [
      ...(reply.thinking ? [[{ text: reply.thinking, thought: true }]] : []),
      ...reply.pieces.map((text) => [{ text }]),
      ...(reply.tool ? [[toolPart(reply.tool)]] : []),
    ];
    const chunks = [
      ...spoken.map((part) => ({
        part: "content" as const,
        value: chunk(wish, reply, { parts: part, finish: false }),
      })),
      { part: "end" as const, value: chunk(wish, reply, { parts: [{ text: "" }], finish: true }) },
    ];
    return wish.framing === "sse"
      ? chunks.map(({ part, value }) => piece(part, `data: ${JSON.stringify(value)}\r\n\r\n`))
      : arrayPieces(chunks);
  },
  short: (wish, reply) => {
    if (wish.kind === "count") return { totalTokens: reply.tokens.input };
    const embedding = (at: number) => ({ values: [0.25, -0.5, 0.125, at] });
    if (wish.inputs === null) return { embedding: embedding(0) };
    return { embeddings: Array.from({ length: wish.inputs }, (_, at) => embedding(at)) };
  },
  error: geminiError,
  errorPiece: (status, message) => `data: ${JSON.stringify(geminiError(status, message))}\r\n\r\n`,
  ping: `data: ${JSON.stringify({ responseId: "sim", modelVersion: "sim" })}\r\n\r\n`,
};

function chunk(wish: Wish, reply: Reply, said: Readonly<{ parts: readonly unknown[]; finish: boolean }>) {
  const { input, output, cached } = reply.tokens;
  return {
    candidates: [
      {
        content: { parts: said.parts, role: "model" },
        index: 0,
        ...(said.finish ? { finishReason: "STOP" } : {}),
      },
    ],
    usageMetadata: {
      promptTokenCount: input,
      cachedContentTokenCount: cached,
      ...(said.finish ? { candidatesTokenCount: output, totalTokenCount: input + output } : {}),
    },
    modelVersion: wish.model,
    responseId: `sim${wish.serial}`,
  };
}

function parts(reply: Reply, text: string): readonly unknown[] {
  return [
    ...(reply.thinking ? [{ text: reply.thinking, thought: true }] : []),
    ...(text ? [{ text }] : []),
    ...(reply.tool ? [toolPart(reply.tool)] : []),
  ];
}

const toolPart = (tool: NonNullable<Reply["tool"]>) => ({
  functionCall: { name: tool.name, args: JSON.parse(tool.args || "{}") },
});

/** As Google writes it: `[{…}`, then `,\r\n{…}` each, then `]`. */
function arrayPieces(chunks: readonly Readonly<{ part: Piece["part"]; value: unknown }>[]): readonly Piece[] {
  const elements = chunks.map(({ part, value }, at) =>
    piece(part, `${at === 0 ? "[" : ",\r\n"}${JSON.stringify(value, null, 2)}`),
  );
  return [...elements, piece("end", "\n]\n")];
}

function geminiError(status: number, message: string) {
  return { error: { code: status, message, status: STATUSES[status] ?? "UNAVAILABLE", details: [] } };
}

const STATUSES: Readonly<Record<number, string>> = {
  400: "INVALID_ARGUMENT",
  401: "UNAUTHENTICATED",
  403: "PERMISSION_DENIED",
  404: "NOT_FOUND",
  409: "ABORTED",
  429: "RESOURCE_EXHAUSTED",
  500: "INTERNAL",
  504: "DEADLINE_EXCEEDED",
};
