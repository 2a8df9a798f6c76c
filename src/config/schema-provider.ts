import { type TObject, type TPartial, type TProperties, Type } from "@sinclair/typebox";
import { choice, durationKey, durationWithin, flag, integer, list, ratioKey, section, table, text } from "./kinds.ts";
import {
  BASE_URL,
  GLOB,
  HEADER_NAME,
  HEADER_VALUE,
  HOURS,
  hedgeAfter,
  LABEL,
  MODEL,
  NAME,
  PROXY_URL,
  SECRET,
  TIME_ZONE,
} from "./text-formats.ts";

/** Names of the wire formats; `app/plan` holds them against those the protocols go by. */
const PROTOCOLS = ["anthropic", "openai-chat", "openai-responses", "gemini"] as const;
/** A mistyped anchor must not make a list of thousands. */
const LIST_ITEMS_MAX = 1_000;

const timeouts = {
  connect: durationKey({ default: "10s", description: "DNS, TCP and TLS, as far as it can be seen; 0 = off" }),
  first_token: durationKey({
    default: "60s",
    description:
      "Streaming: to the first content (headers, pings and preludes do not count); then the next provider; 0 = off",
  }),
  idle: durationKey({
    default: "120s",
    description:
      "Streaming: between bytes after the first content; then the stream ends with an error event. Also for how long a client may take nothing; then it counts as gone; 0 = off",
  }),
  total: durationKey({
    default: "10m",
    description:
      "One attempt, until its content (streaming) or its end (not streaming); under `defaults` also how long a request chooses and waits; 0 = off",
  }),
};

const HEDGE_BOUND = { from: "1ms" };

const hedge = {
  after: text(hedgeAfter(durationWithin({ from: "1ms" })), {
    default: "auto",
    description:
      "When a stream without content is late and another provider is asked beside it: `auto` (95th percentile of this provider's and model's time to first content), a fixed delay, or `off`",
  }),
  min: durationKey({ ...HEDGE_BOUND, default: "1500ms", description: "Lower bound of `auto`" }),
  max: durationKey({ ...HEDGE_BOUND, default: "30s", description: "Upper bound of `auto`" }),
  cold: durationKey({ ...HEDGE_BOUND, default: "8s", description: "Delay of `auto` before 30 samples are known" }),
};

const retry = {
  same: integer({
    default: 1,
    minimum: 0,
    maximum: 3,
    description:
      "Extra tries at the same provider, under the same lease, only for a reset before any answer byte within 1 s",
  }),
};

const breaker = {
  failures: integer({
    default: 5,
    minimum: 1,
    maximum: 1_000,
    description: "Consecutive failures that open the breaker",
  }),
  open: durationKey({
    from: "100ms",
    default: "30s",
    description: "How long it stays open before one probe is let through",
  }),
  successes: integer({ default: 2, minimum: 1, maximum: 100, description: "Probes in a row that close it again" }),
};

export const defaultsSection = section(
  {
    timeouts: section(timeouts, { description: "Time limits of one attempt" }),
    hedge: section(
      {
        ...hedge,
        at_once: integer({
          default: 2,
          minimum: 1,
          maximum: 8,
          description: "Streams of one request racing at once; 1 = no hedging",
        }),
        attempts: integer({
          default: 3,
          minimum: 1,
          maximum: 16,
          description: "The hedge timer starts none once this many attempts have started",
        }),
        budget: ratioKey({
          default: "10%",
          to: "100%",
          description: "Hedges per eligible request, as a token bucket with burst 5",
        }),
      },
      { description: "Asking a second provider while the first is late" },
    ),
    retry: section(
      {
        ...retry,
        providers: integer({
          default: 3,
          minimum: 0,
          maximum: 16,
          description: "Other providers tried after the first, hedges included",
        }),
      },
      { description: "Trying again" },
    ),
    breaker: section(breaker, { description: "Leaving a failing provider alone for a while" }),
  },
  { description: "What holds for all providers" },
);

export const limitsOf = (what: string) => ({
  sessions: integer({ default: 0, minimum: 0, description: `Concurrent sessions of ${what}; 0 = no limit` }),
  requests: integer({ default: 0, minimum: 0, description: `Concurrent requests of ${what}; 0 = no limit` }),
});

export const groupsKey = (description: string) =>
  list(text(NAME, { description: "A group" }), {
    default: ["default"],
    minItems: 1,
    maxItems: LIST_ITEMS_MAX,
    description,
  });

/** A client's too. */
export const NAME_ABOUT = "Unique, not `none` or `other`; part of metric labels and store keys";

export const providerSection = section(
  {
    name: text(LABEL, { description: NAME_ABOUT }),
    protocols: list(choice(PROTOCOLS, { description: "A wire format" }), {
      minItems: 1,
      maxItems: PROTOCOLS.length,
      description: `Wire formats it speaks: ${PROTOCOLS.map((name) => `\`${name}\``).join(", ")}`,
    }),
    base_url: text(BASE_URL, {
      description:
        "Like `https://api.anthropic.com`; a path prefix is kept, a version segment already in it is not doubled",
    }),
    api_key: Type.Optional(
      text(SECRET, {
        description: "Its key. No key at all: the client's own credentials are passed on (only without `clients`)",
      }),
    ),
    api_key_file: Type.Optional(text(SECRET, { description: "File that holds the key" }, { fromFile: true })),
    api_keys: Type.Optional(
      list(text(SECRET, { description: "A key" }), {
        minItems: 1,
        maxItems: LIST_ITEMS_MAX,
        description: "Several keys, used in turn; one that answers 401, 403 or 429 rests for its cool-down",
      }),
    ),
    auth: Type.Optional(
      choice(["x-api-key", "bearer", "x-goog-api-key"], { description: "Where the key goes; left out: by protocol" }),
    ),
    enabled: flag({ default: true, description: "Whether it is asked at all" }),
    priority: integer({ default: 0, minimum: 0, maximum: 1_000_000, description: "The lowest number is asked first" }),
    weight: integer({
      default: 1,
      minimum: 1,
      maximum: 1_000_000,
      description: "Its share of the sessions inside one priority",
    }),
    groups: groupsKey("A client reaches the providers that share a group with it"),
    models: Type.Optional(
      list(text(GLOB, { description: "A model name or glob" }), {
        minItems: 1,
        maxItems: LIST_ITEMS_MAX,
        description: "Globs on the model name the client sent; left out: all",
      }),
    ),
    model_map: table({
      keys: GLOB,
      values: MODEL,
      default: [],
      description:
        "Client's model name (glob allowed) to upstream's, the first that matches; the answer keeps the upstream's name",
    }),
    headers: table({
      keys: HEADER_NAME,
      values: HEADER_VALUE,
      default: [],
      description: "Added to each upstream request; auth, host and hop-by-hop names are refused",
    }),
    proxy: Type.Optional(text(PROXY_URL, { description: "Egress proxy, `http://…`" })),
    http2: choice(["auto", "off"], { default: "auto", description: "HTTP/2 to https upstreams that offer it" }),
    active: Type.Optional(
      text(HOURS, {
        description: 'Hours of the day in which it is asked, `"08:00-20:00"`; may cross midnight; left out: always',
      }),
    ),
    tz: text(TIME_ZONE, { default: "UTC", description: "Time zone of `active`" }),
    limits: section(limitsOf("this account"), { description: "What the account allows" }),
    timeouts: Type.Optional(like(timeouts, "defaults.timeouts")),
    hedge: Type.Optional(like(hedge, "defaults.hedge")),
    retry: Type.Optional(like(retry, "defaults.retry")),
    breaker: Type.Optional(like(breaker, "defaults.breaker")),
  },
  { description: "An upstream account or relay" },
);

/** A provider's own word on what `defaults` says for all. */
function like<Keys extends TProperties>(keys: Keys, path: string): TPartial<TObject<Keys>> {
  const about = { description: `For this provider; what is left out is as in \`${path}\``, like: path };
  return Type.Partial(section(keys, about), { additionalProperties: false, ...about });
}
