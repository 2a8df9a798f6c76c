import type { Operation, OperationKind, ProtocolName } from "./protocol.ts";

/** What a path of the proxied surface asks for. */
export type Route =
  | Readonly<{ kind: "proxied"; operation: Operation }>
  /** The list of models (`id` null) or one of them, in the envelope of `protocol`. */
  | Readonly<{ kind: "models"; protocol: ProtocolName; id: string | null }>
  /** A path of ours that cannot be read. */
  | Readonly<{ kind: "unreadable"; protocol: ProtocolName; message: string }>;

const BODY_ROUTES: Readonly<Record<string, readonly [ProtocolName, OperationKind]>> = {
  "/v1/messages": ["anthropic", "generate"],
  "/v1/messages/count_tokens": ["anthropic", "count"],
  "/v1/chat/completions": ["openai-chat", "generate"],
  "/v1/embeddings": ["openai-chat", "embed"],
  "/v1/responses": ["openai-responses", "generate"],
  "/v1/responses/compact": ["openai-responses", "compact"],
};

const GEMINI_VERBS: Readonly<Record<string, OperationKind>> = {
  generateContent: "generate",
  streamGenerateContent: "generate",
  countTokens: "count",
  embedContent: "embed",
  batchEmbedContents: "embed",
};

const MODELS_PATH = /^\/(v1|v1beta)\/models(?:\/(.*))?$/s;
/** `:verb` at the end of a model's path is Google's way alone. */
const GEMINI_VERB_PATH = /^\/v1\/models\/.*(?::|%3A)[A-Za-z]+$/is;

/** An upstream may resolve it, and then serve another model than the one that was allowed, or something else. */
const DOT_SEGMENT = /(?:^|[/\\])\.\.?(?:[/\\]|$)/;

/** Null: a method or path that is not proxied. `pathname` as sent, percent-encoded, without the query. */
export function matchRoute(method: string, pathname: string, headers: Headers): Route | null {
  if (method === "POST") return bodyRoute(pathname) ?? geminiRoute(pathname);
  if (method === "GET" || method === "HEAD") return modelsRoute(pathname, headers);
  return null;
}

/** Whose envelope a caller expects where no route says so. */
export function protocolOfPath(pathname: string, headers: Headers): ProtocolName {
  if (pathname === "/v1beta" || pathname.startsWith("/v1beta/") || GEMINI_VERB_PATH.test(pathname)) return "gemini";
  if (headers.has("anthropic-version") || /^\/v1\/messages(\/|$)/.test(pathname)) return "anthropic";
  return /^\/v1\/responses(\/|$)/.test(pathname) ? "openai-responses" : "openai-chat";
}

function bodyRoute(pathname: string): Route | null {
  const found = Object.hasOwn(BODY_ROUTES, pathname) ? BODY_ROUTES[pathname] : undefined;
  if (!found) return null;
  const [protocol, kind] = found;
  return { kind: "proxied", operation: { protocol, kind, pathModel: null, pathStream: false } };
}

/** `{model}:verb`: the verb follows the last colon, since names of tuned models may hold colons too. */
function geminiRoute(pathname: string): Route | null {
  const rest = MODELS_PATH.exec(pathname)?.[2];
  if (rest === undefined) return null;
  const name = decoded(rest);
  if (name === null) return unreadable("gemini");
  const colon = name.lastIndexOf(":");
  const verb = name.slice(colon + 1);
  if (colon < 0 || !Object.hasOwn(GEMINI_VERBS, verb)) return null;
  const kind = GEMINI_VERBS[verb] ?? "generate";
  if (colon === 0) return { kind: "unreadable", protocol: "gemini", message: "the path names no model" };
  const pathModel = name.slice(0, colon);
  if (DOT_SEGMENT.test(pathModel)) {
    return { kind: "unreadable", protocol: "gemini", message: "the model in the path holds a segment . or .." };
  }
  return {
    kind: "proxied",
    operation: { protocol: "gemini", kind, pathModel, pathStream: verb === "streamGenerateContent" },
  };
}

function modelsRoute(pathname: string, headers: Headers): Route | null {
  const match = MODELS_PATH.exec(pathname);
  if (!match) return null;
  const [, version, rest] = match;
  const fallback = headers.has("anthropic-version") ? "anthropic" : "openai-chat";
  const protocol = version === "v1beta" ? "gemini" : fallback;
  if (rest === undefined) return { kind: "models", protocol, id: null };
  const id = decoded(rest);
  if (id === null) return unreadable(protocol);
  return id === "" ? null : { kind: "models", protocol, id };
}

function decoded(encoded: string): string | null {
  try {
    return decodeURIComponent(encoded);
  } catch {
    return null;
  }
}

function unreadable(protocol: ProtocolName): Route {
  return { kind: "unreadable", protocol, message: "the path holds percent-encoding that is not UTF-8" };
}
