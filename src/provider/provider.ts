import type { Secret } from "../core/secret.ts";
import type { AuthScheme, ProtocolName } from "../protocol/protocol.ts";

/** Concurrent sessions and requests; 0 = no limit. */
export type Limits = Readonly<{ sessions: number; requests: number }>;

/** Milliseconds; 0 switches one off. */
export type Timeouts = Readonly<{ connectMs: number; firstTokenMs: number; idleMs: number; totalMs: number }>;

export type HedgeRules = Readonly<{
  /** A fixed delay in milliseconds, the learned one, or never. */
  after: "auto" | "off" | number;
  minMs: number;
  maxMs: number;
  coldMs: number;
}>;

export type BreakerRules = Readonly<{ failures: number; openMs: number; successes: number }>;

/** Hours of the day in which a provider is asked; minutes since midnight in `timeZone` (IANA). `from` > `to` crosses midnight. */
export type ActiveHours = Readonly<{ fromMinute: number; toMinute: number; timeZone: string; text: string }>;

/** One entry of `model_map`, in the order of the file: the first whose glob matches names the upstream model. */
export type ModelMapping = Readonly<{ glob: string; upstream: string }>;

/** An upstream account or relay as configured: plain rules, no state (health is in breaker and cooldown, slots in the store). */
export type Provider = Readonly<{
  name: string;
  protocols: readonly ProtocolName[];
  /** Without a trailing slash; may hold a path prefix and a version segment. */
  baseUrl: string;
  /** Scheme, host and port of `baseUrl`: what passed-on client credentials may not leave. */
  origin: string;
  /** Empty: the client's own credentials are passed on. */
  keys: readonly Secret[];
  /** Null: by protocol. */
  auth: AuthScheme | null;
  enabled: boolean;
  priority: number;
  weight: number;
  groups: readonly string[];
  /** Globs on the name the client sent; null = all. */
  models: readonly string[] | null;
  modelMap: readonly ModelMapping[];
  headers: Readonly<Record<string, string>>;
  proxy: string | null;
  http2: "auto" | "off";
  active: ActiveHours | null;
  limits: Limits;
  timeouts: Timeouts;
  hedge: HedgeRules;
  retrySame: number;
  breaker: BreakerRules;
}>;

/** What the client sees as one of its own: its name, the groups it reaches, its limits (0 = none). */
export type Client = Readonly<{
  name: string;
  groups: readonly string[];
  limits: Readonly<{ sessions: number; requests: number; rpm: number }>;
}>;
