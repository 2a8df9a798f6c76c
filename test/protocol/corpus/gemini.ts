import { levels, plainCrlf, type Row } from "./row.ts";

const told = {
  usageMetadata: {
    promptTokenCount: 8,
    cachedContentTokenCount: 4,
    totalTokenCount: 8,
    promptTokensDetails: [{ modality: "TEXT", tokenCount: 8 }],
  },
  modelVersion: "gemini-2.5-flash",
  responseId: "9Z1oaPDVGcCZnvgPr_LB6QI",
};
const spent = {
  ...told,
  usageMetadata: {
    ...told.usageMetadata,
    candidatesTokenCount: 23,
    thoughtsTokenCount: 40,
    totalTokenCount: 71,
  },
};
const chunk = (candidate: unknown, more: Readonly<Record<string, unknown>> = told) => ({
  candidates: [candidate],
  ...more,
});
const parts = (...parts: readonly unknown[]) => chunk({ content: { parts, role: "model" }, index: 0 });
export const hello = parts({ text: "Hello" });
export const finish = (finishReason: string, parts: readonly unknown[] = [{ text: "" }]) =>
  chunk({ content: { parts, role: "model" }, finishReason, index: 0 }, spent);
export const stop = finish("STOP");

const contents: readonly Row[] = [
  {
    what: "text",
    stream: plainCrlf(hello, parts({ text: " there" }), stop),
    levels: levels("content"),
    ended: true,
  },
  {
    what: "usage first, then an empty candidate",
    stream: plainCrlf(told, chunk({ index: 0 }), chunk({ content: { role: "model" }, index: 0 }), parts(), hello, stop),
    levels: levels("accepted started started started content"),
    ended: true,
  },
  {
    what: "a signature alone first",
    stream: plainCrlf(parts({ text: "", thoughtSignature: "CpwBAVSoXO4" }), hello, stop),
    levels: levels("started content"),
    ended: true,
  },
  ...[
    { text: "**Thinking**", thought: true },
    { functionCall: { name: "get_time", args: {} }, thoughtSignature: "CpwBAVSoXO4" },
    { inlineData: { mimeType: "image/png", data: "iVBORw0KGgo=" } },
    { fileData: { mimeType: "video/mp4", fileUri: "https://example.com/v.mp4" } },
    { executableCode: { language: "PYTHON", code: "print(1)" } },
    { codeExecutionResult: { outcome: "OUTCOME_OK", output: "1\n" } },
    { toolCall: { toolType: "GOOGLE_SEARCH_WEB", id: "t1" } },
  ].map((part) => ({
    what: `a part with ${Object.keys(part).join(" and ")}`,
    stream: plainCrlf(parts(part), stop),
    levels: levels("content"),
    ended: true,
  })),
  {
    what: "Code Assist's envelopes",
    stream: plainCrlf(
      ...[told, chunk({ index: 0 }), hello, stop].map((response) => ({ response, traceId: "a1b2", metadata: {} })),
    ),
    levels: levels("accepted started content"),
    ended: true,
  },
];

const ends: readonly Row[] = [
  { what: "no part and STOP", stream: plainCrlf(told, stop), levels: levels("accepted held"), ended: true },
  {
    what: "a candidate with nothing but STOP",
    stream: plainCrlf(chunk({ finishReason: "STOP", index: 0 }, spent)),
    levels: levels("held"),
    ended: true,
  },
  ...[
    "MAX_TOKENS",
    "SAFETY",
    "RECITATION",
    "LANGUAGE",
    "BLOCKLIST",
    "PROHIBITED_CONTENT",
    "SPII",
    "IMAGE_SAFETY",
    "IMAGE_PROHIBITED_CONTENT",
    "IMAGE_RECITATION",
    "IMAGE_OTHER",
    "NO_IMAGE",
  ].map((reason) => ({
    what: `no part and ${reason}`,
    stream: plainCrlf(finish(reason)),
    levels: levels("definitive"),
    ended: true,
  })),
  {
    what: "a blocked prompt",
    stream: plainCrlf({ promptFeedback: { blockReason: "PROHIBITED_CONTENT", safetyRatings: [] }, ...told }),
    levels: levels("definitive"),
    ended: true,
  },
  ...["MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS", "OTHER"].map((reason) => ({
    what: `no part and ${reason}`,
    stream: plainCrlf(told, finish(reason)),
    levels: levels("accepted error"),
    error: { type: reason, status: null },
    ended: true,
  })),
  {
    what: "parts and MALFORMED_FUNCTION_CALL at the end",
    stream: plainCrlf(hello, finish("MALFORMED_FUNCTION_CALL")),
    levels: levels("content"),
    ended: true,
  },
  { what: "no finish reason", stream: plainCrlf(hello, hello), levels: levels("content"), ended: false },
];

const exhausted = {
  error: {
    code: 429,
    message: "You exceeded your current quota.",
    status: "RESOURCE_EXHAUSTED",
    details: [
      { "@type": "type.googleapis.com/google.rpc.QuotaFailure", violations: [] },
      { "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: "34.074824224s" },
    ],
  },
};
const limited = { type: "RESOURCE_EXHAUSTED", status: 429, retryAfterMs: 34_075 };
const errors: readonly Row[] = [
  ...(
    [
      [500, "INTERNAL"],
      [503, "UNAVAILABLE"],
      [504, "DEADLINE_EXCEEDED"],
      [400, "INVALID_ARGUMENT"],
    ] as const
  ).map(([code, status]) => ({
    what: `an error of status ${status} in an event`,
    stream: plainCrlf(told, { error: { code, message: "no", status } }),
    levels: levels("accepted error"),
    error: { type: status, status: code },
    ended: false,
  })),
  {
    what: "an error that says when to come back, in an event",
    stream: plainCrlf(exhausted),
    levels: levels("error"),
    error: limited,
    ended: false,
  },
  {
    what: "a bare error object instead of events",
    stream: JSON.stringify(exhausted, null, 2),
    levels: levels("error"),
    error: limited,
    ended: false,
  },
  {
    what: "a bare array with an error instead of events",
    stream: `[${JSON.stringify(exhausted, null, 2)}\n]`,
    levels: levels("error"),
    error: limited,
    ended: false,
  },
];

export const geminiRows: readonly Row[] = [...contents, ...ends, ...errors];

/** The same streams as arrays of their chunks: what Google sends without `alt=sse`. The end is that of the array. */
export const geminiArrayRows: readonly Row[] = geminiRows
  .filter(({ stream }) => stream.startsWith("data:"))
  .map((row) => ({
    ...row,
    stream: `[${row.stream
      .split("\r\n\r\n")
      .filter(Boolean)
      .map((event) => JSON.stringify(JSON.parse(event.slice("data: ".length)), null, 2))
      .join(",\r\n")}\n]\n`,
  }));
