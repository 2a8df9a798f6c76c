import { Cluster, Redis } from "ioredis";
import { HedgerowError } from "../../core/errors.ts";
import type { Secret } from "../../core/secret.ts";
import type { RedisClient } from "./calls.ts";

export type HostPort = Readonly<{ host: string; port: number }>;

export type RedisPlace =
  /** `redis:`, `rediss:` or `redis+unix:`; may hold a user, a password and a database number. */
  | Readonly<{ kind: "single"; url: Secret }>
  | Readonly<{ kind: "cluster"; nodes: readonly HostPort[] }>
  | Readonly<{ kind: "sentinel"; name: string; nodes: readonly HostPort[] }>;

export type ConnectRules = Readonly<{
  where: RedisPlace;
  /** Null: as the URL says, else none. */
  username: string | null;
  password: Secret | null;
  timeoutMs: number;
  /** PEM of the authority to trust instead of the system's; null = the system's. */
  authority?: string | null;
}>;

const CONNECT_MS = 250;
const RETRY_STEP_MS = 25;
const RETRY_MS_MAX = 500;
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
  client.on("error", () => {}); // told by the calls that fail for it, and by the check at the start
  return client;
}

function open(rules: ConnectRules): RedisClient {
  const { where } = rules;
  const options = optionsOf(rules);
  const one = { ...options, enableOfflineQueue: false, enableAutoPipelining: true, retryStrategy: retryMs };
  switch (where.kind) {
    case "single":
      return new Redis({ ...one, ...placeOf(where.url.reveal(), rules.authority ?? null) });
    case "sentinel":
      return new Redis({
        ...one,
        sentinels: where.nodes.map(({ host, port }) => ({ host, port: port || SENTINEL_PORT })),
        name: where.name,
        sentinelRetryStrategy: retryMs,
      });
    case "cluster":
      break;
  }
  return new Cluster([...where.nodes], {
    redisOptions: options,
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
    // A master that was demoted: its successor is found by connecting anew.
    reconnectOnError: (error: Error) => error.message.startsWith("READONLY"),
    connectionName: "hedgerow",
    ...(username === null ? {} : { username }),
    ...(password === null ? {} : { password: password.reveal() }),
  };
}

/** What a URL says about the place; the options' own user and password go before those in it. */
function placeOf(text: string, authority: string | null) {
  // A URL that names a user needs a host, which a socket has none of.
  const whole = text.replace(/^(redis\+unix:\/\/[^/]+@)\//, "$1socket/");
  const url = URL.canParse(whole) ? new URL(whole) : null;
  const scheme = url?.protocol ?? "";
  if (url === null || !["redis:", "rediss:", "redis+unix:"].includes(scheme)) {
    throw new HedgerowError("store_config", "sessions.redis.url must begin with redis://, rediss:// or redis+unix://");
  }
  const user = {
    ...(url.username === "" ? {} : { username: decodeURIComponent(url.username) }),
    ...(url.password === "" ? {} : { password: decodeURIComponent(url.password) }),
  };
  if (scheme === "redis+unix:") {
    return { ...user, path: decodeURIComponent(url.pathname), db: Number(url.searchParams.get("db") ?? 0) };
  }
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1") || "localhost";
  const place = { host, port: Number(url.port || 6379), db: Number(url.pathname.slice(1) || 0) };
  if (scheme === "redis:") return { ...user, ...place };
  return { ...user, ...place, tls: authority === null ? {} : { ca: authority } };
}
