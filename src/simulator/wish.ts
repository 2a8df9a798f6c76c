import type { ProtocolName } from "../protocol/protocol.ts";
import { anthropicDialect } from "./answers/anthropic.ts";
import { geminiDialect } from "./answers/gemini.ts";
import { chatDialect } from "./answers/openai-chat.ts";
import { responsesDialect } from "./answers/openai-responses.ts";
import type { Dialect, Wish } from "./dialect.ts";
import type { SimulatedRequest } from "./simulator.ts";

export const DIALECTS: Readonly<Record<ProtocolName, Dialect>> = {
  anthropic: anthropicDialect,
  "openai-chat": chatDialect,
  "openai-responses": responsesDialect,
  gemini: geminiDialect,
};

/** What a request asks for; null for paths no vendor serves. Prefixes before the version segment are let pass. */
export function readWish(request: SimulatedRequest): Wish | null {
  const [path = "", query = ""] = request.target.split("?");
  const gemini = /\/v1(?:beta)?\/models\/([^/:]+):(\w+)$/.exec(path);
  const body = jsonOf(request);
  const common = {
    framing: "sse",
    usageChunk: false,
    inputs: 1,
    serial: request.serial,
    model: typeof body["model"] === "string" ? body["model"] : "",
    stream: body["stream"] === true,
  } as const;
  if (gemini) {
    const [, model = "", verb = ""] = gemini;
    return geminiWish({ ...common, model: decodeURIComponent(model) }, { verb, query, body });
  }
  const route = Object.keys(ROUTES).find((known) => path.endsWith(known));
  if (route === undefined) return null;
  const named = ROUTES[route];
  if (!named) return null;
  const options = body["stream_options"];
  return {
    ...common,
    ...named,
    usageChunk: typeof options === "object" && options !== null && "include_usage" in options,
    inputs: Array.isArray(body["input"]) && named.kind === "embed" ? body["input"].length : 1,
  };
}

const ROUTES: Readonly<Record<string, Pick<Wish, "protocol" | "kind">>> = {
  "/messages/count_tokens": { protocol: "anthropic", kind: "count" },
  "/messages": { protocol: "anthropic", kind: "generate" },
  "/chat/completions": { protocol: "openai-chat", kind: "generate" },
  "/embeddings": { protocol: "openai-chat", kind: "embed" },
  "/responses/compact": { protocol: "openai-responses", kind: "compact" },
  "/responses": { protocol: "openai-responses", kind: "generate" },
};

function geminiWish(
  common: Omit<Wish, "protocol" | "kind">,
  asked: Readonly<{ verb: string; query: string; body: Readonly<Record<string, unknown>> }>,
): Wish | null {
  const framing = new URLSearchParams(asked.query).get("alt") === "sse" ? "sse" : "json-array";
  const wish = { ...common, protocol: "gemini", stream: asked.verb === "streamGenerateContent", framing } as const;
  const requests = asked.body["requests"];
  switch (asked.verb) {
    case "generateContent":
    case "streamGenerateContent":
      return { ...wish, kind: "generate" };
    case "countTokens":
      return { ...wish, kind: "count" };
    case "embedContent":
      return { ...wish, kind: "embed", inputs: null };
    case "batchEmbedContents":
      return { ...wish, kind: "embed", inputs: Array.isArray(requests) ? requests.length : 1, stream: false };
    default:
      return null;
  }
}

function jsonOf(request: SimulatedRequest): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(request.text());
    return typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
  } catch {
    return {};
  }
}
