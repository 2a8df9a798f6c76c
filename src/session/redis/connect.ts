import { Cluster, Redis } from "ioredis";
import type { Clock } from "../../core/clock.ts";
import { HedgerowError } from "../../core/errors.ts";
import type { Secret } from "../../core/secret.ts";
import type { RedisClient } from "./calls.ts";
import { follow } from "./follow.ts";

export type HostPort = Readonly<{ host: string; port: number }>;

export type RedisPlace =
  /** `redis:`, `rediss:` or `redis+unix:`; may hold a user, a password and a database number. */
  | Readonly<{ kind: "single"; url: Secret }>
  | Readonly<{ kind: "cluster"; nodes: readonly HostPort[] }>
  /** The user is one of the sentinels themselves. */
  | Readonly<{ kind: "sentinel"; name: string; nodes: readonly HostPort[]; username?: string; password?: Secret }>;

export type ConnectRules = Readonly<{
  where: RedisPlace;
  /** Null: as the URL says, else none. */
  username: string | null;
  password: Secret | null;
  /** To a cluster, or to the sentinels and their master; a URL says it itself. */
  tls: boolean;
  /** PEM of the authorities to trust instead of the system's; null = the system's. */
  authority: string | null;
  timeoutMs: number;
  clock: Clock;
}>;

/** Of a connection over TLS; null is one without. The name that the server is asked for by is in its certificate. */
export type Tls = Readonly<{ ca?: string }> | null;

/** Longest wait for a connection, with its TLS handshake. */
export const CONNECT_MS = 250;
const RETRY_STEP_MS = 25;
const RETRY_MS_MAX = 500;
/** A server that was demoted in use is left for its successor at most so often. */
const DEMOTED_MS = 1000;
/** A node that moved or went is followed this often within one call; the call's own timeout ends it in any case. */
const REDIRECTIONS_MAX = 5;
const SENTINEL_PORT = 26_379;

const retryMs = (attempt: number) => Math.min(RETRY_STEP_MS * attempt, RETRY_MS_MAX);

/**
 * Opens the store's own connection, in the background; it reconnects for ever until `disconnect`. A call never waits
 * for a connection: what cannot be sent at once fails at once, and nothing is sent a second time.
 */
export function connect(rules: ConnectRules): RedisClient {
  const client = open(rules);
  // Errors are told by the calls that fail for them, and by the check at the start.
  client.on("error", () => {
    // A handshake that failed in part is none: without its database the client would go on, in the one with number 0.
    if (client instanceof Redis && client.status === "connect") client.disconnect(true);
  });
  return client;
}

/**
 * Says of an error whether it asks for a new connection: a server that was demoted refuses to write, and by the same
 * name or address its successor may be reached by now. Mostly it is not yet, and a new connection is asked at once
 * whether the store is back: without a pause that would go round as fast as the server refuses.
 */
function leavesDemoted(clock: Clock): (error: Error) => boolean {
  let staysUntilMs = Number.NEGATIVE_INFINITY;
  return ({ message }) => {
    // Redis 6.2 tells of its script first.
    if (!/\bREADONLY\b/.test(message) || clock.monoMs() < staysUntilMs) return false;
    staysUntilMs = clock.monoMs() + DEMOTED_MS;
    return true;
  };
}

function open(rules: ConnectRules): RedisClient {
  const { where } = rules;
  const tls = tlsOf(rules);
  const options = { ...optionsOf(rules), ...(tls === null ? {} : { tls }) };
  const one = {
    ...options,
    enableOfflineQueue: false,
    enableAutoPipelining: true,
    retryStrategy: retryMs,
    reconnectOnError: leavesDemoted(rules.clock), // nodes of a cluster say where a slot went
  };
  switch (where.kind) {
    case "single":
      return new Redis({ ...placeOf(where.url), ...one });
    case "sentinel": {
      const { name, username, password } = where;
      const client = new Redis({
        ...one,
        sentinels: [...serversOf(where)],
        name,
        ...(username !== undefined && { sentinelUsername: username }),
        ...(password !== undefined && { sentinelPassword: password.reveal() }),
        sentinelRetryStrategy: retryMs,
        ...(tls === null ? {} : { sentinelTLS: tls, enableTLSForSentinelMode: true }),
      });
      follow(client, { name, sentinels: serversOf(where), username, password, tls });
      return client;
    }
    case "cluster":
      break;
  }
  return new Cluster([...where.nodes], {
    redisOptions: options,
    // Names are what certificates are for; resolved beforehand, an address would be looked for in them.
    ...(tls === null ? {} : { dnsLookup: (name, callback) => callback(null, name) }),
    enableAutoPipelining: true,
    enableOfflineQueue: false,
    clusterRetryStrategy: retryMs,
    maxRedirections: REDIRECTIONS_MAX,
    retryDelayOnFailover: RETRY_STEP_MS,
    retryDelayOnClusterDown: RETRY_STEP_MS,
    slotsRefreshTimeout: CONNECT_MS * 2,
    slotsRefreshInterval: 10 * RETRY_MS_MAX, // a replica that took over is found though nothing was asked of the slot
  });
}

/** Of every connection, a cluster's nodes included. */
function optionsOf({ username, password, timeoutMs }: ConnectRules) {
  return {
    connectTimeout: CONNECT_MS,
    commandTimeout: timeoutMs,
    socketTimeout: 3 * timeoutMs,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    connectionName: "hedgerow",
    ...(username === null ? {} : { username }),
    ...(password === null ? {} : { password: password.reveal() }),
  };
}

export function tlsOf({ where, tls, authority }: Pick<ConnectRules, "where" | "tls" | "authority">): Tls {
  const wanted = where.kind === "single" ? urlOf(where.url).protocol === "rediss:" : tls;
  if (!wanted) return null;
  return authority === null ? {} : { ca: authority };
}

/** The servers that are named: those of a cluster or the sentinels are some of them. Empty for a unix socket. */
export function serversOf(where: RedisPlace): readonly HostPort[] {
  if (where.kind === "cluster") return where.nodes;
  if (where.kind === "sentinel") return where.nodes.map(({ host, port }) => ({ host, port: port || SENTINEL_PORT }));
  const place = placeOf(where.url);
  return "path" in place ? [] : [{ host: place.host, port: place.port }];
}

function urlOf(where: Secret): URL {
  // A URL that names a user needs a host, which a socket has none of.
  const whole = where.reveal().replace(/^(redis\+unix:\/\/[^/]+@)\//, "$1socket/");
  const url = URL.canParse(whole) ? new URL(whole) : null;
  if (url === null || !["redis:", "rediss:", "redis+unix:"].includes(url.protocol)) {
    throw new HedgerowError("store_config", "sessions.redis.url must begin with redis://, rediss:// or redis+unix://");
  }
  return url;
}

/** What a URL says about the place and the user; what the rules say of the user goes before it. */
function placeOf(where: Secret) {
  const url = urlOf(where);
  const user = {
    ...(url.username === "" ? {} : { username: decodeURIComponent(url.username) }),
    ...(url.password === "" ? {} : { password: decodeURIComponent(url.password) }),
  };
  if (url.protocol === "redis+unix:") {
    return { ...user, path: decodeURIComponent(url.pathname), db: Number(url.searchParams.get("db") ?? 0) };
  }
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1") || "localhost";
  return { ...user, host, port: Number(url.port || 6379), db: Number(url.pathname.slice(1) || 0) };
}
