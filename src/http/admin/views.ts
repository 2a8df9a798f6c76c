import type { RequestRecord } from "../../core/events.ts";
import type { Ranking } from "../../provider/rank.ts";
import type { SessionView as Slot } from "../../session/slot.ts";

/**
 * What the admin API shows, field for field as JSON. Times called `…_ms` are durations in milliseconds, `time_ms` is
 * milliseconds since 1970. A limit of 0 is none.
 */
export type ProviderView = Readonly<{
  name: string;
  /** Scheme, host and port of its base URL. */
  origin: string;
  protocols: readonly string[];
  groups: readonly string[];
  /** Globs; null = all. */
  models: readonly string[] | null;
  priority: number;
  weight: number;
  /** As things stand: the config's word, or the operator's where there is one. */
  enabled: boolean;
  /** A reload took it out of the config, and requests of it still run here. */
  removed: boolean;
  override: "enabled" | "disabled" | null;
  /** Within its hours. */
  active: boolean;
  breaker: Readonly<{ state: "closed" | "half_open" | "open"; probe_in_ms: number }>;
  cooldowns: readonly CooldownView[];
  /** Store-wide; null while the store cannot say. */
  sessions: number | null;
  sessions_limit: number;
  requests: number | null;
  requests_limit: number;
  /** Held by this instance. */
  leases: number;
  /** The hedge delay per model asked so far; `samples` it was learned from. Null: hedging is off. */
  hedge: readonly Readonly<{ model: string; after_ms: number | null; samples: number }>[];
  hedges: Readonly<{ won: number; lost: number; denied: number; win_rate: number | null }>;
}>;

export type CooldownView = Readonly<{
  /** The key that rests, by its last 4 characters; null: whatever the key. */
  key: string | null;
  /** Upstream's name of the model; null: all models. */
  model: string | null;
  left_ms: number;
  /** The upstream said 429. */
  limited: boolean;
}>;

/** A session as this instance sees it. */
export type SessionView = Readonly<{
  /** The hash; the id itself is not kept. */
  session: string;
  /** Whose it is; null where this instance has forgotten. */
  client: string | null;
  age_ms: number;
  /** Since it was last seen. */
  idle_ms: number;
  /** Requests running here. */
  running: number;
  providers: readonly Readonly<{
    provider: string;
    running: number;
    idle_ms: number;
    /** How long it goes on counting there by itself; null while a request runs. */
    resides_ms: number | null;
  }>[];
}>;

export type RequestView = RequestRecord & Readonly<{ time_ms: number }>;

export type RequestFilter = Readonly<{ requestId?: string; session?: string; client?: string; provider?: string }>;

export type ReloadView = Readonly<{
  result: "applied" | "unchanged" | "refused";
  problems: readonly string[];
  notes: readonly string[];
}>;

export type ConfigView = Readonly<{
  file: string;
  /** When the config in force was loaded. */
  time_ms: number;
  /** The last reload, whatever came of it; null before the first. */
  reload: (ReloadView & Readonly<{ time_ms: number }>) | null;
  /** Resolved, with all defaults; secrets as stars. */
  config: unknown;
}>;

/** Who would be asked for a request like this one, in which order, and why the others not. */
export type ExplainView = Readonly<{
  order: readonly Readonly<{ provider: string; why: string; hedge_after_ms: number | null }>[];
  out: readonly Readonly<{ provider: string; reason: string; back_in_ms: number }>[];
}>;

const PROVIDER = "provider:";
const CLIENT = "client:";

/** `nowMs` is on the clock of the slots. `clientOf`: whose session it is, null = not known. */
type Beside = Readonly<{ nowMs: number; residenceMs: number; clientOf(session: string): string | null }>;

/** Slots put together by session, running ones first, then the last seen. */
export function sessionViews(slots: readonly Slot[], beside: Beside): readonly SessionView[] {
  const bySession = Map.groupBy(slots, (slot) => slot.session);
  const views = [...bySession].map(([session, own]) => sessionView(session, own, beside));
  return views.sort((a, b) => b.running - a.running || a.idle_ms - b.idle_ms);
}

function sessionView(session: string, slots: readonly Slot[], { nowMs, residenceMs, clientOf }: Beside): SessionView {
  const atProviders = slots.filter((slot) => slot.scope.startsWith(PROVIDER));
  const client = slots.find((slot) => slot.scope.startsWith(CLIENT));
  return {
    session,
    // Only clients with limits have a slot of their own.
    client: client ? client.scope.slice(CLIENT.length) : clientOf(session),
    age_ms: Math.round(nowMs - Math.min(...slots.map((slot) => slot.firstSeenMs))),
    idle_ms: Math.round(nowMs - Math.max(...slots.map((slot) => slot.lastSeenMs))),
    // Its client's slot stands for the whole request, the providers' for its attempts.
    running: client?.running ?? atProviders.reduce((sum, slot) => sum + slot.running, 0),
    providers: atProviders.map((slot) => ({
      provider: slot.scope.slice(PROVIDER.length),
      running: slot.running,
      idle_ms: Math.round(nowMs - slot.lastSeenMs),
      resides_ms: slot.running > 0 ? null : Math.max(0, Math.round(slot.lastSeenMs + residenceMs - nowMs)),
    })),
  };
}

/** `hedgeAfterMs`: by provider name, the delay armed if it were asked first; null = no hedge. */
export function explainView(ranking: Ranking, hedgeAfterMs: (provider: string) => number | null): ExplainView {
  return {
    order: ranking.order.map(({ provider, why }) => ({
      provider: provider.name,
      why,
      hedge_after_ms: hedgeAfterMs(provider.name),
    })),
    out: ranking.out.map(({ provider, reason, backInMs }) => ({ provider, reason, back_in_ms: Math.round(backInMs) })),
  };
}
