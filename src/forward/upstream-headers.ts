import { HOP_BY_HOP, MADE_ANEW } from "../core/header-names.ts";

/** Why a header stays here. */
type Reason =
  /** Speaks about one connection only (RFC 9110, 7.6.1). */
  | "hop"
  /** Is set for the upstream connection by whoever owns it. */
  | "computed"
  /** Lets somebody in: a client's goes no further, the provider's is added after. */
  | "credential"
  /** Says who or where the client is. */
  | "client"
  /** State that an upstream's pages left in a browser. */
  | "cookie"
  /** Tells clients how to reach or treat the upstream's own origin (RFC 7838, RFC 6797): they would take it for ours. */
  | "origin";

const HOPS = all(HOP_BY_HOP, "hop");

/** What proxies, load balancers and networks of delivery call the address that a request came from. */
const CLIENT_ADDRESSES = [
  "forwarded",
  "forwarded-for",
  "x-forwarded",
  "x-original-forwarded-for",
  "client-ip",
  "proxy-client-ip",
  "wl-proxy-client-ip",
  "x-real-ip",
  "x-client-ip",
  "x-http-client-ip",
  "x-cluster-client-ip",
  "x-remote-ip",
  "x-remote-addr",
  "x-originating-ip",
  "x-proxyuser-ip",
  "x-envoy-external-address",
  "x-azure-clientip",
  "x-azure-socketip",
  "x-appengine-user-ip",
  "x-appengine-remote-addr",
  "x-nf-client-connection-ip",
  "x-sucuri-clientip",
  "x-vercel-forwarded-for",
  "ali-cdn-real-ip",
  "cdn-src-ip",
  "cf-connecting-ip",
  "cf-connecting-ipv6",
  "cf-pseudo-ipv4",
  "cloudfront-viewer-address",
  "do-connecting-ip",
  "eo-connecting-ip",
  "fastly-client-ip",
  "fly-client-ip",
  "incap-client-ip",
  "true-client-ip",
] as const;

const REQUEST_DROPS: Readonly<Record<string, Reason>> = {
  ...HOPS,
  // The body was decoded on its way in, and the client has had its 100 Continue by the time it is here.
  ...all(MADE_ANEW, "computed"),
  authorization: "credential",
  "proxy-authorization": "credential",
  "proxy-authenticate": "credential",
  "x-api-key": "credential",
  "x-goog-api-key": "credential",
  "api-key": "credential",
  cookie: "cookie",
  cookie2: "cookie",
  ...all(CLIENT_ADDRESSES, "client"),
};

const RESPONSE_DROPS: Readonly<Record<string, Reason>> = {
  ...HOPS,
  // The body may get an error event at its end.
  "content-length": "computed",
  "proxy-authenticate": "credential",
  "proxy-authentication-info": "credential",
  "set-cookie": "cookie",
  "set-cookie2": "cookie",
  "alt-svc": "origin",
  "strict-transport-security": "origin",
  "clear-site-data": "origin",
  nel: "origin",
  "report-to": "origin",
};

function all<Name extends string>(names: readonly Name[], reason: Reason): Readonly<Record<Name, Reason>> {
  return Object.fromEntries(names.map((name) => [name, reason])) as Record<Name, Reason>;
}

/** Ours both ways: a client's are read here, an upstream's would pass for our own. */
const OWN_PREFIX = "x-hedgerow-";
const FORWARDED_PREFIX = "x-forwarded-";

/** `fetch` would add its own where a client sends none; an upstream should not be told which runtime that is. */
const DEFAULTS = { accept: "*/*", "user-agent": "hedgerow" } as const;

/**
 * The headers of an upstream request: the client's but those of the table above and those that its `Connection` names,
 * then the provider's own and its credentials, each in place of a client's of that name. No names but lower-case ones.
 */
export function upstreamHeaders(
  parts: Readonly<{ client: Headers; provider: Readonly<Record<string, string>>; credentials: Record<string, string> }>,
): Record<string, string> {
  const sent: Record<string, string> = { ...DEFAULTS };
  const hops = connectionNames(parts.client);
  for (const [name, value] of parts.client) {
    const stays = Object.hasOwn(REQUEST_DROPS, name) || hops.has(name);
    if (!stays && !name.startsWith(OWN_PREFIX) && !name.startsWith(FORWARDED_PREFIX)) sent[name] = value;
  }
  for (const [name, value] of Object.entries(parts.provider)) sent[name.toLowerCase()] = value;
  // Bytes are passed on as they come, so they should come readable; decoding here would cost time and exactness.
  return Object.assign(sent, parts.credentials, { "accept-encoding": "identity" });
}

/** The upstream's headers that go on to the client. */
export function answerHeaders(upstream: Headers): Record<string, string> {
  const passed: Record<string, string> = {};
  const hops = connectionNames(upstream);
  for (const [name, value] of upstream) {
    const stays = Object.hasOwn(RESPONSE_DROPS, name) || hops.has(name) || name.startsWith(OWN_PREFIX);
    if (!stays) passed[name] = value;
  }
  return passed;
}

function connectionNames(headers: Headers): ReadonlySet<string> {
  const named = headers.get("connection");
  if (named === null) return NO_NAMES;
  return new Set(named.split(",").map((name) => name.trim().toLowerCase()));
}

const NO_NAMES: ReadonlySet<string> = new Set();
