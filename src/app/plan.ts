import type { Config, ProviderConfig } from "../config/config.ts";
import { isLoopback } from "../config/loopback.ts";
import type { Secret } from "../core/secret.ts";
import type { Client, Provider } from "../provider/provider.ts";

/**
 * One generation of the configuration as the domain sees it: plain rules in its own units, never changed. A request
 * runs to its end on the plan it began with; a reload makes a new one.
 */
export type Plan = Readonly<{
  providers: readonly Provider[];
  /** Empty: no key is asked for. */
  clients: readonly KeyedClient[];
  forward: ForwardRules;
  sessions: SessionRules;
  store: StoreRules;
  server: ServerRules;
  admin: AdminRules;
  log: LogRules;
}>;

export type KeyedClient = Client & Readonly<{ key: Secret }>;

export type ForwardRules = Readonly<{
  /** Attempts of one request: the first and `retry.providers` more, hedges included. */
  attemptsMax: number;
  /** Streams racing at once, the first included; 1 = never hedged. */
  hedgeAtOnceMax: number;
  /** The hedge timer starts no attempt once this many have started. */
  hedgeAttemptsMax: number;
  /** Hedges per eligible request, 0..1. */
  hedgeShare: number;
  /** After this a request stops choosing and waiting; 0 = never. */
  totalMs: number;
}>;

export type SessionRules = Readonly<{
  ttlMs: number;
  leaseTtlMs: number;
  sweepEveryMs: number;
  idle: "yield" | "hold";
  /** 0 = a full house is answered at once. */
  waitMs: number;
  waitMax: number;
  /** How long an operator's end of a session is remembered: longer than any attempt of it can go on elsewhere. */
  tombstoneMs: number;
}>;

export type StoreRules = Readonly<{ kind: "memory" }> | RedisRules;

export type RedisRules = Readonly<{
  kind: "redis";
  where: RedisPlace;
  /** Null: as the URL says, else none. */
  username: string | null;
  password: Secret | null;
  /** To a cluster, or to the sentinels and their master; a URL says it itself. */
  tls: boolean;
  /** PEM of the authorities to trust instead of the system's; null = the system's. */
  authority: string | null;
  prefix: string;
  timeoutMs: number;
  whenDown: "share" | "open" | "refuse";
}>;

export type RedisPlace =
  /** `redis:`, `rediss:` or `redis+unix:`; may hold a password. */
  | Readonly<{ kind: "single"; url: Secret }>
  | Readonly<{ kind: "cluster"; nodes: readonly HostPort[] }>
  /** The user is one of the sentinels themselves. */
  | Readonly<{ kind: "sentinel"; name: string; nodes: readonly HostPort[]; username?: string; password?: Secret }>;

export type HostPort = Readonly<{ host: string; port: number }>;

export type ServerRules = Readonly<{
  host: string;
  /** 0 = the system chooses. */
  port: number;
  bodyBytesMax: number;
  /** Request bodies kept for failover plus look-ahead, process-wide. */
  bufferedBytesMax: number;
  drainMs: number;
  drainDelayMs: number;
  reusePort: boolean;
  /** PEM texts. */
  tls: Readonly<{ cert: string; key: Secret }> | null;
}>;

export type AdminRules = Readonly<{
  token: Secret | null;
  /** Without a token: loopback peers that name a loopback host are let in. Never where the proxy itself is meant for others. */
  openToLoopback: boolean;
}>;

export type LogRules = Readonly<{
  level: "debug" | "info" | "warn" | "error";
  format: "auto" | "json" | "pretty";
}>;

/** The same configuration in the domain's words. */
export function planOf(config: Config): Plan {
  const { server, admin, sessions, defaults, log } = config;
  const { timeouts, hedge, retry } = defaults;
  return {
    providers: config.providers.map(providerOf),
    clients: config.clients,
    forward: {
      attemptsMax: 1 + retry.providers,
      hedgeAtOnceMax: hedge.at_once,
      hedgeAttemptsMax: hedge.attempts,
      hedgeShare: hedge.budget,
      totalMs: timeouts.total,
    },
    sessions: {
      ttlMs: sessions.ttl,
      leaseTtlMs: sessions.lease_ttl,
      sweepEveryMs: sessions.sweep_every,
      idle: sessions.idle,
      waitMs: sessions.wait,
      waitMax: sessions.wait_max,
      tombstoneMs: tombstoneMs(config),
    },
    store: sessions.store === "memory" ? { kind: "memory" } : redisOf(sessions.redis),
    server: {
      host: server.host,
      port: server.port,
      bodyBytesMax: server.max_body,
      bufferedBytesMax: server.max_buffered,
      drainMs: server.drain,
      drainDelayMs: server.drain_delay,
      reusePort: server.reuse_port,
      tls: server.tls ?? null,
    },
    admin: {
      token: admin.token ?? null,
      openToLoopback:
        admin.token === undefined && config.clients.length === 0 && !server.open && isLoopback(server.host),
    },
    log,
  };
}

function providerOf(config: ProviderConfig): Provider {
  const { timeouts, hedge } = config;
  return {
    name: config.name,
    protocols: config.protocols,
    baseUrl: config.base_url,
    origin: new URL(config.base_url).origin,
    keys: config.api_keys,
    auth: config.auth ?? null,
    enabled: config.enabled,
    priority: config.priority,
    weight: config.weight,
    groups: config.groups,
    models: config.models ?? null,
    modelMap: config.model_map.map(({ key, value }) => ({ glob: key, upstream: value })),
    headers: Object.fromEntries(config.headers.map(({ key, value }) => [key, value.reveal()])),
    proxy: config.proxy ?? null,
    http2: config.http2,
    active: config.active === undefined ? null : { ...config.active, timeZone: config.tz },
    limits: config.limits,
    timeouts: {
      connectMs: timeouts.connect,
      firstTokenMs: timeouts.first_token,
      idleMs: timeouts.idle,
      totalMs: timeouts.total,
    },
    hedge: { after: hedge.after, minMs: hedge.min, maxMs: hedge.max, coldMs: hedge.cold },
    retrySame: config.retry.same,
    breaker: { failures: config.breaker.failures, openMs: config.breaker.open, successes: config.breaker.successes },
  };
}

function redisOf(config: Config["sessions"]["redis"]): RedisRules {
  return {
    kind: "redis",
    where: redisPlaceOf(config),
    username: config.username ?? null,
    password: config.password ?? null,
    tls: config.tls ?? false,
    authority: config.ca ?? null,
    prefix: config.prefix,
    timeoutMs: config.timeout,
    whenDown: config.when_down,
  };
}

function redisPlaceOf({ url, cluster, sentinel }: Config["sessions"]["redis"]): RedisPlace {
  if (url !== undefined) return { kind: "single", url };
  if (cluster !== undefined) return { kind: "cluster", nodes: cluster };
  if (sentinel !== undefined) return { kind: "sentinel", ...sentinel };
  throw new Error("a redis store without any server passed the checks");
}

/** Every expiry in the store is under a day: its keys live a day after their last use. */
const TTL_MS_BELOW = 24 * 3_600_000;

/** An attempt without `timeouts.total` may go on for long; its own instance cuts it at the next heartbeat all the same. */
const ENDLESS_MS = 3_600_000;

/** Long enough for a heartbeat of every instance, and for the last attempt of a request that was choosing just then. */
function tombstoneMs({ sessions, providers }: Config): number {
  const totals = providers.map(({ timeouts }) => (timeouts.total === 0 ? ENDLESS_MS : timeouts.total));
  return Math.min(TTL_MS_BELOW - 1, Math.max(3 * sessions.lease_ttl, ...totals));
}
