import { type Counter, type Histogram, Registry } from "prom-client";
import type { Observer, ProxyEvent, RequestRecord } from "../core/events.ts";
import { type Families, metricFamilies } from "./metric-families.ts";
import { processMetrics } from "./metric-process.ts";
import { requestOutcome } from "../core/request-outcome.ts";

/** A provider's state at the moment of a scrape. */
export type ProviderGauges = Readonly<{
  provider: string;
  /** Store-wide; null while the store cannot say, and the series is left out. */
  sessions: number | null;
  leases: number;
  sessionsLimit: number;
  breaker: "closed" | "half_open" | "open";
}>;

/** Asked at each scrape. */
export type MetricSources = Readonly<{
  providers(): Promise<readonly ProviderGauges[]>;
  /** Of providers that are none of these any more. */
  leasesOfRemoved(): number;
  waiting(): number;
  isStoreUp(): boolean;
  logLinesDropped(): number;
  startedWallMs: number;
}>;

/** The names that may become labels. A name that is none of them (a provider removed while a request ran) is `other`. */
export type MetricNames = Readonly<{ providers: readonly string[]; clients: readonly string[] }>;

export type Metrics = Readonly<{
  observe: Observer;
  /** To be called at the start and after each reload: new providers' counters begin at 0, removed ones' series go. */
  configured(names: MetricNames): void;
  /** The page for Prometheus. Never rejects: figures that cannot be had are left out. */
  text(): Promise<string>;
  contentType: string;
}>;

export function openMetrics(sources: MetricSources): Metrics {
  const registry = new Registry();
  const families = metricFamilies(registry);
  processMetrics(registry, sources.startedWallMs);
  let known = { providers: new Set<string>(), clients: new Set<string>() };
  startFixedSetsAtZero(families);
  let pruned: Promise<void> = Promise.resolve();
  return {
    observe: (event) => count(families, event, known),
    configured({ providers, clients }) {
      for (const provider of providers) if (!known.providers.has(provider)) startAtZero(families, provider);
      known = { providers: new Set(providers), clients: new Set(clients) };
      pruned = pruned.then(() => prune(families, known));
    },
    async text() {
      await pruned;
      await readGauges(families, sources);
      return registry.metrics();
    },
    contentType: registry.contentType,
  };
}

type Known = Readonly<{ providers: ReadonlySet<string>; clients: ReadonlySet<string> }>;

/** Nobody: an answer of our own has no provider, an open server no clients. */
const NONE = "none";
const OTHER = "other";

function label(known: ReadonlySet<string>, name: string): string {
  if (name === "") return NONE;
  return known.has(name) ? name : OTHER;
}

function count(families: Families, event: ProxyEvent, known: Known): void {
  switch (event.kind) {
    case "request_finished":
      return countRequest(families, event.record, known);
    case "attempt_ended": {
      const { provider: name, kind, outcome, tokens } = event.record;
      const provider = label(known.providers, name);
      families.attempts.inc({ provider, kind, outcome });
      for (const direction of TOKEN_DIRECTIONS)
        if (tokens !== null) families.tokens.inc({ provider, direction }, tokens[direction]);
      return;
    }
    case "hedge":
      return families.hedges.inc({ provider: label(known.providers, event.provider), result: event.result });
    case "stream_broken":
      return families.broken.inc({ provider: label(known.providers, event.provider), how: event.how });
    case "lease": {
      if (!event.scope.startsWith(PROVIDER_SCOPE)) return;
      const provider = label(known.providers, event.scope.slice(PROVIDER_SCOPE.length));
      return families.leaseEvents.inc({ provider, event: event.event }, event.count);
    }
    case "sweep":
      families.swept.inc({ kind: "leases" }, event.leases);
      return families.swept.inc({ kind: "sessions" }, event.sessions);
    case "swept":
      return families.sweeps.inc();
    case "store_call":
      families.store.observe({ op: event.op }, event.ms / 1_000);
      if (event.failed) families.storeErrors.inc({ op: event.op });
      return;
    case "reload":
      return families.reloads.inc({ result: event.result });
    // Read as gauges at each scrape, or for the log alone.
    case "breaker":
    case "store":
    case "cooldown":
    case "request_arrived":
    case "attempt_started":
    case "override":
    case "notice":
      return;
  }
}

function countRequest(families: Families, record: RequestRecord, known: Known): void {
  const { protocol } = record;
  const provider = label(known.providers, record.provider);
  const client = label(known.clients, record.client);
  families.requests.inc({ client, protocol, provider, outcome: requestOutcome(record) });
  // Our own refusals take microseconds: among the answers they would make an overload look fast.
  if (provider === NONE) return;
  families.request.observe({ provider, protocol }, record.ms / 1_000);
  if (record.stream && record.ttft_ms !== null)
    families.firstToken.observe({ provider, protocol }, record.ttft_ms / 1_000);
}

const PROVIDER_SCOPE = "provider:";
const TOKEN_DIRECTIONS = ["input", "output", "cached"] as const;
const ATTEMPT_KINDS = ["first", "failover", "hedge"];
const ATTEMPT_OUTCOMES = ["answered", "failed", "broken", "lost", "client_left", "ended"];
const HEDGE_RESULTS = ["won", "lost", "denied_budget", "denied_full", "denied_health"];
const LEASE_EVENTS = ["granted", "refused", "released", "renewed", "lost", "restored", "expired", "terminated"];
const BROKEN_HOW = ["stall", "cut", "no_terminal", "error_event", "drain", "ended"];
const RELOAD_RESULTS = ["applied", "unchanged", "refused"];
const BREAKER_VALUE = { closed: 0, half_open: 1, open: 2 } as const;

/** A series that appears with its first event hides that event from `increase()`; so the closed sets begin at 0. */
function startAtZero(families: Families, provider: string): void {
  for (const kind of ATTEMPT_KINDS)
    for (const outcome of ATTEMPT_OUTCOMES) families.attempts.inc({ provider, kind, outcome }, 0);
  for (const result of HEDGE_RESULTS) families.hedges.inc({ provider, result }, 0);
  for (const event of LEASE_EVENTS) families.leaseEvents.inc({ provider, event }, 0);
  for (const how of BROKEN_HOW) families.broken.inc({ provider, how }, 0);
  for (const direction of TOKEN_DIRECTIONS) families.tokens.inc({ provider, direction }, 0);
}

function startFixedSetsAtZero(families: Families): void {
  for (const result of RELOAD_RESULTS) families.reloads.inc({ result }, 0);
  for (const kind of ["leases", "sessions"]) families.swept.inc({ kind }, 0);
}

/** Removes the series of providers and clients the config no longer names. */
async function prune(families: Families, known: Known): Promise<void> {
  const isGone = ({ provider, client }: Readonly<Record<string, string | number | undefined>>) =>
    (provider !== undefined && !known.providers.has(String(provider)) && provider !== NONE && provider !== OTHER) ||
    (client !== undefined && !known.clients.has(String(client)) && client !== NONE && client !== OTHER);
  const withNames: readonly (Counter | Histogram)[] = [
    families.requests,
    families.attempts,
    families.hedges,
    families.firstToken,
    families.request,
    families.leaseEvents,
    families.tokens,
    families.broken,
  ];
  for (const family of withNames)
    for (const { labels } of (await family.get()).values) {
      const { le: _, ...own } = labels as Readonly<Record<string, string | number>>;
      if (isGone(own)) family.remove(own);
    }
}

async function readGauges(families: Families, sources: MetricSources): Promise<void> {
  const providers = await sources.providers().catch(() => []);
  for (const gauge of [families.sessions, families.leases, families.limitSessions, families.breaker]) gauge.reset();
  for (const { provider, sessions, leases, sessionsLimit, breaker } of providers) {
    if (sessions !== null) families.sessions.set({ provider }, sessions);
    families.leases.set({ provider }, leases);
    families.limitSessions.set({ provider }, sessionsLimit);
    families.breaker.set({ provider }, BREAKER_VALUE[breaker]);
  }
  const removed = sources.leasesOfRemoved();
  if (removed > 0) families.leases.inc({ provider: OTHER }, removed);
  families.storeUp.set(sources.isStoreUp() ? 1 : 0);
  families.waiting.set(sources.waiting());
  families.linesDropped.set(sources.logLinesDropped());
}
