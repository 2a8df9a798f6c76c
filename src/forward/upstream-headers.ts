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
  | "cookie";

const HOPS = {
  connection: "hop",
  "keep-alive": "hop",
  "proxy-connection": "hop",
  te: "hop",
  trailer: "hop",
  "transfer-encoding": "hop",
  upgrade: "hop",
} as const;

const REQUEST_DROPS: Readonly<Record<string, Reason>> = {
  ...HOPS,
  "http2-settings": "hop",
  host: "computed",
  "content-length": "computed",
  // The body was decoded on its way in.
  "content-encoding": "computed",
  // The client has had its 100 Continue by the time the body is here.
  expect: "computed",
  "accept-encoding": "computed",
  authorization: "credential",
  "proxy-authorization": "credential",
  "proxy-authenticate": "credential",
  "x-api-key": "credential",
  "x-goog-api-key": "credential",
  "api-key": "credential",
  cookie: "cookie",
  cookie2: "cookie",
  forwarded: "client",
  "forwarded-for": "client",
  "x-forwarded": "client",
  "x-original-forwarded-for": "client",
  "x-real-ip": "client",
  "x-client-ip": "client",
  "x-cluster-client-ip": "client",
  "x-remote-ip": "client",
  "x-remote-addr": "client",
  "x-originating-ip": "client",
  "x-envoy-external-address": "client",
  "x-azure-clientip": "client",
  "x-azure-socketip": "client",
  "x-appengine-user-ip": "client",
  "true-client-ip": "client",
  "fastly-client-ip": "client",
  "fly-client-ip": "client",
  "cf-connecting-ip": "client",
  "cf-connecting-ipv6": "client",
  "cf-pseudo-ipv4": "client",
};

const RESPONSE_DROPS: Readonly<Record<string, Reason>> = {
  ...HOPS,
  // The body may get an error event at its end.
  "content-length": "computed",
  "proxy-authenticate": "credential",
  "proxy-authentication-info": "credential",
  "set-cookie": "cookie",
  "set-cookie2": "cookie",
};

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
