import { resourceName } from "../protocol/gemini/request.ts";
import type { Operation } from "../protocol/protocol.ts";
import type { Provider } from "../provider/provider.ts";

/** Ends with a version, or with a vendor's OpenAI dialect below one (`/v1beta/openai`): the client's own version goes. */
const VERSIONED = /\/v\d[a-z0-9]*(?:\/openai)?$/i;
const CLIENT_VERSION = /^\/v1(?:beta)?(?=\/)/;
/** The verb of a Gemini path, as sent. */
const VERB = /(?::|%3A)([A-Za-z]+)$/i;

export type UrlParts = Readonly<{
  provider: Pick<Provider, "baseUrl" | "origin">;
  operation: Operation;
  /** Path and query (`""` or from `?` on) as the client sent them. */
  pathname: string;
  search: string;
  /** The model's name at this provider. */
  upstreamModel: string;
}>;

/** Where a request goes: the provider's base, the client's path with the mapped model, the client's query without its key. */
export function upstreamUrl({ provider, operation, pathname, search, upstreamModel }: UrlParts): string {
  const prefix = provider.baseUrl.slice(provider.origin.length);
  // A name that is not mapped keeps its bytes: decoding and encoding again could change them.
  const kept = operation.pathModel === null || operation.pathModel === upstreamModel;
  const path = kept ? pathname : withPathModel(pathname, upstreamModel);
  const rest = VERSIONED.test(prefix) ? path.replace(CLIENT_VERSION, "") : path;
  return provider.baseUrl + rest + withoutKey(search);
}

/** Slashes part a name (`tunedModels/NAME`, a relay's `vendor/NAME`); everything else that means something in a path is escaped. */
function withPathModel(pathname: string, model: string): string {
  const version = CLIENT_VERSION.exec(pathname)?.[0] ?? "";
  const verb = VERB.exec(pathname)?.[1] ?? "";
  const name = resourceName(model).split("/").map(encodeURIComponent).join("/").replaceAll("%3A", ":");
  return `${version}/${name}:${verb}`;
}

/** All parameters byte for byte but `key`, which is a credential. */
function withoutKey(search: string): string {
  const kept = search
    .slice(1)
    .split("&")
    .filter((parameter) => !isKey(parameter.split("=", 1)[0] ?? ""))
    .join("&");
  return kept === "" ? "" : `?${kept}`;
}

function isKey(name: string): boolean {
  // As every server reads it: `%6Bey` is `key` too.
  return name === "key" || (name.includes("%") && new URLSearchParams(name).has("key"));
}
