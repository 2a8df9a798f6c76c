import { Type } from "@sinclair/typebox";
import { choice, durationKey, flag, integer, list, section, sizeKey, text, type Value } from "./kinds.ts";
import { PEM_CERT, PEM_CERTS, PEM_KEY } from "./pem.ts";
import { defaultsSection, groupsKey, limitsOf, NAME_ABOUT, providerSection } from "./schema-provider.ts";
import { HOST, HOST_PORT, LABEL, PASSWORD, PREFIX, REDIS_URL, SECRET, TEXT } from "./text-formats.ts";

/** What providers.yaml says, key for key as it is written there; durations in milliseconds, sizes in bytes, ratios 0..1. */
export type FileConfig = Value<typeof configSchema>;

const serverSection = section(
  {
    host: text(HOST, {
      default: "127.0.0.1",
      description: "Address to listen on; one that is not loopback needs `clients`, or `server.open: true`",
    }),
    port: integer({ default: 8787, minimum: 0, maximum: 65_535, description: "0 = the system chooses" }),
    open: flag({
      default: false,
      description: "Serve everybody who reaches a `host` that is not loopback, without `clients`",
    }),
    max_body: sizeKey({
      from: "1KiB",
      to: "1GiB",
      default: "32MiB",
      description: "Largest request body; above it: 413",
    }),
    max_buffered: sizeKey({
      from: "1KiB",
      to: "1024GiB",
      default: "512MiB",
      description:
        "Request bodies kept for failover, look-ahead and unfinished events, process-wide; above it: 503 `overloaded`",
    }),
    drain: durationKey({
      default: "30s",
      description: "Longest wait for running requests at shutdown; then streams end with their protocol's error event",
    }),
    drain_delay: durationKey({
      default: "0s",
      description: "After readiness has turned 503, how long connections are still accepted",
    }),
    reuse_port: flag({ default: false, description: "Two versions on one port while rolling" }),
    tls: Type.Optional(
      section(
        {
          cert: text(PEM_CERT, { description: "Certificate chain" }, { fromFile: true }),
          key: text(PEM_KEY, { description: "Private key" }, { fromFile: true }),
        },
        { description: "HTTPS" },
      ),
    ),
  },
  { description: "Where and how Hedgerow listens" },
);

const adminSection = section(
  {
    token: Type.Optional(
      text(SECRET, {
        description:
          "Bearer token of `/admin`. Left out: loopback peers that name a loopback host are let in, and only while there are no `clients`, no `server.open` and no other `host` than loopback",
      }),
    ),
  },
  { description: "The admin pages and API" },
);

const clientSection = section(
  {
    name: text(LABEL, { description: NAME_ABOUT }),
    key: Type.Optional(text(SECRET, { description: "What the client sends as its API key; unique" })),
    key_file: Type.Optional(text(SECRET, { description: "File that holds the key" }, { fromFile: true })),
    groups: groupsKey("It reaches the providers that share a group with it"),
    limits: section(
      {
        ...limitsOf("this client"),
        rpm: integer({ default: 0, minimum: 0, description: "Requests a minute; 0 = no limit" }),
      },
      { description: "What the client may use" },
    ),
  },
  { description: "Somebody who may use Hedgerow" },
);

/** More than a mistyped alias should make, fewer than an index over them minds. */
const CLIENTS_MAX = 10_000;
const PROVIDERS_MAX = 1_000;
const NODES_MAX = 1_000;

const redisNodes = (description: string) =>
  list(text(HOST_PORT, { description: "A server" }), { minItems: 1, maxItems: NODES_MAX, description });

const redisSection = section(
  {
    url: Type.Optional(
      text(REDIS_URL, { description: "One server: `redis://`, `rediss://` (TLS) or `redis+unix://`" }),
    ),
    cluster: Type.Optional(redisNodes("Or a cluster: some of its servers, `[host:port, …]`")),
    sentinel: Type.Optional(
      section(
        {
          name: text(TEXT, { description: "The master's name" }),
          nodes: redisNodes("The sentinels, `[host:port, …]`"),
          username: Type.Optional(text(TEXT, { description: "ACL user of the sentinels themselves" })),
          password: Type.Optional(text(PASSWORD, { description: "Password of the sentinels themselves" })),
          password_file: Type.Optional(text(PASSWORD, { description: "File that holds it" }, { fromFile: true })),
        },
        { description: "Or a master that sentinels know" },
      ),
    ),
    username: Type.Optional(text(TEXT, { description: "ACL user" })),
    password: Type.Optional(text(PASSWORD, { description: "Its password" })),
    password_file: Type.Optional(text(PASSWORD, { description: "File that holds the password" }, { fromFile: true })),
    tls: Type.Optional(
      flag({ description: "TLS to a cluster, or to the sentinels and their master; a URL says it with `rediss://`" }),
    ),
    ca: Type.Optional(
      text(
        PEM_CERTS,
        { description: "With TLS: the authorities to trust, instead of the system's" },
        { fromFile: true },
      ),
    ),
    prefix: text(PREFIX, {
      default: "hedgerow",
      description: "First part of every key; instances that share it share the limits",
    }),
    timeout: durationKey({ from: "1ms", to: "10s", default: "100ms", description: "Of one command" }),
    when_down: choice(["share", "open", "refuse"], {
      default: "share",
      description:
        "`share`: keep serving, each instance enforces limit / instances last seen (rounded up) on its own count; `open`: the whole limit each; `refuse`: 503 for providers with limits",
    }),
  },
  { description: "The store when instances share limits" },
);

const sessionsSection = section(
  {
    ttl: durationKey({
      from: "1s",
      default: "5m",
      description: "How long a session counts at its provider, and sticks to it, after its last success",
    }),
    lease_ttl: durationKey({
      from: "1s",
      default: "30s",
      description: "A slot not renewed for this long is free; renewed every third of it while its request runs",
    }),
    sweep_every: durationKey({ from: "1s", default: "30s", description: "Pause of the cleanup loop, ±20 %" }),
    idle: choice(["yield", "hold"], {
      default: "yield",
      description:
        "`yield`: when every eligible provider is full, a new session takes the slot of an idle one; `hold`: an idle session keeps its slot until its ttl",
    }),
    wait: durationKey({
      default: "0s",
      description: "How long a request may wait for a slot when every eligible provider is full; 0 = answer at once",
    }),
    wait_max: integer({
      default: 256,
      minimum: 0,
      maximum: 100_000,
      description: "How many may wait at once, per instance",
    }),
    store: choice(["memory", "redis"], {
      default: "memory",
      description: "`redis` when several instances share the limits",
    }),
    redis: redisSection,
  },
  { description: "Sessions and their slots" },
);

const logSection = section(
  {
    level: choice(["debug", "info", "warn", "error"], { default: "info", description: "Least level that is written" }),
    format: choice(["auto", "json", "pretty"], {
      default: "auto",
      description: "`auto`: pretty on a terminal, else JSON",
    }),
  },
  { description: "The log, on standard output" },
);

/**
 * providers.yaml: type, default, range and meaning of every key, in one place. The reader, the README's table, the JSON
 * Schema for editors and the type of the configuration come from it, and no default stands anywhere else.
 */
export const configSchema = section(
  {
    server: serverSection,
    admin: adminSection,
    clients: list(clientSection, {
      default: [],
      minItems: 0,
      maxItems: CLIENTS_MAX,
      description: "Who may use Hedgerow; without it no key is asked for",
    }),
    sessions: sessionsSection,
    defaults: defaultsSection,
    providers: list(providerSection, { minItems: 1, maxItems: PROVIDERS_MAX, description: "The upstream accounts" }),
    log: logSection,
  },
  { description: "Hedgerow's configuration. Top-level keys that begin with x- are ignored", ignored: "^x-" },
);
