import type { Clock } from "../core/clock.ts";
import type { Observer } from "../core/events.ts";
import { type Feed, openFeed } from "../observe/feed.ts";
import { type HedgeTallies, hedgeTallies } from "../observe/hedge-tally.ts";
import type { Log } from "../observe/log.ts";
import { type Metrics, openMetrics } from "../observe/metrics.ts";
import { observer } from "../observe/observe.ts";
import { type Recent, recentRequests } from "../observe/recent.ts";
import type { Breaker } from "../provider/breaker.ts";
import type { Provider } from "../provider/provider.ts";
import type { Slots } from "../session/slots.ts";
import { clientNames } from "./edge.ts";
import type { Plan } from "./plan.ts";
import { type Removed, removedProviders } from "./removed.ts";

/** Everybody who is told what happens. */
export type Observability = Readonly<{
  observe: Observer;
  metrics: Metrics;
  recent: Recent;
  feed: Feed;
  tallies: HedgeTallies;
  removed: Removed;
  /** A configuration is in force: which names there are, and how much is logged. */
  configured(plan: Plan): void;
}>;

/** What is asked for at a scrape; none of it is called before the proxy listens. */
export type GaugeSources = Readonly<{
  plan(): Plan;
  slots(): Slots;
  breakerOf(provider: string): Breaker;
  isStoreUp(): boolean;
}>;

export function observability(
  options: Readonly<{ clock: Clock; log: Log; observe?: Observer }>,
  sources: GaugeSources,
): Observability {
  const { clock, log } = options;
  const recent = recentRequests();
  const feed = openFeed({ clock });
  const tallies = hedgeTallies();
  const removed = removedProviders((provider) => leasesOf(sources, provider));
  const metrics = openMetrics({
    providers: async () => gauges(sources, sources.plan().providers),
    leasesOfRemoved: () => removed.serving().reduce((sum, { name }) => sum + leasesOf(sources, name), 0),
    waiting: () => sources.slots().waiting(),
    isStoreUp: sources.isStoreUp,
    logLinesDropped: log.dropped,
    startedWallMs: clock.wallMs(),
  });
  const sinks: Record<string, Observer> = {
    log: log.observe,
    metrics: metrics.observe,
    recent: recent.observe,
    feed: feed.observe,
    tallies: tallies.observe,
    ...(options.observe ? { other: options.observe } : {}),
  };
  return {
    observe: observer(sinks, (sink, error) => {
      const fields = { sink, error: String(error) };
      log.observe({ kind: "notice", level: "error", what: "observer_failed", fields });
    }),
    metrics,
    recent,
    feed,
    tallies,
    removed,
    configured(plan) {
      removed.configured(plan.providers);
      const providers = plan.providers.map(({ name }) => name);
      metrics.configured({ providers, clients: clientNames(plan) });
      tallies.configured(providers);
      log.setLevel(plan.log.level);
    },
  };
}

function leasesOf({ slots }: GaugeSources, provider: string): number {
  return slots().leases(`provider:${provider}`);
}

async function gauges(sources: GaugeSources, providers: readonly Provider[]) {
  const { slots, breakerOf } = sources;
  const scopes = providers.map(({ name }) => `provider:${name}`);
  // While the store is away the page is served without the figures that only it has.
  const counts = await slots()
    .count(scopes)
    .catch(() => []);
  return providers.map(({ name, limits }, at) => ({
    provider: name,
    sessions: counts[at]?.sessions ?? null,
    leases: leasesOf(sources, name),
    sessionsLimit: limits.sessions,
    breaker: breakerOf(name).state(),
  }));
}
