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
  prefix: string;
  timeoutMs: number;
  whenDown: "share" | "open" | "refuse";
}>;

export type RedisPlace =
  /** `redis:`, `rediss:` or `redis+unix:`; may hold a password. */
  | Readonly<{ kind: "single"; url: Secret }>
  | Readonly<{ kind: "cluster"; nodes: readonly HostPort[] }>
  | Readonly<{ kind: "sentinel"; name: string; nodes: readonly HostPort[] }>;

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
