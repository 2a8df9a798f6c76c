import { redacted } from "../config/redacted.ts";
import type { Clock } from "../core/clock.ts";
import type { Random } from "../core/random.ts";
import type { Delays } from "../forward/delay.ts";
import { ANONYMOUS } from "../http/auth.ts";
import type { AdminSources, ExplainWish } from "../http/admin/sources.ts";
import { type ExplainView, type ProviderView, sessionViews } from "../http/admin/views.ts";
import type { Feed } from "../observe/feed.ts";
import type { HedgeTallies } from "../observe/hedge-tally.ts";
import type { Recent } from "../observe/recent.ts";
import { isActive } from "../provider/active-hours.ts";
import type { Provider } from "../provider/provider.ts";
import { upstreamModel } from "../provider/rank.ts";
import { homeFor, type HomeStore } from "../session/home.ts";
import type { Slots } from "../session/slots.ts";
import type { Configuration } from "./configuration.ts";
import { clientNames } from "./edge.ts";
import { clientNamed, explainPlan } from "./explain.ts";
import type { ProviderHealth } from "./health.ts";
import type { Removed } from "./removed.ts";

export type AdminParts = Readonly<{
  clock: Clock;
  random: Random;
  path: string;
  configuration: Configuration;
  removed: Removed;
  health: ProviderHealth;
  slots: Slots;
  homes: HomeStore;
  delays: Delays;
  tallies: HedgeTallies;
  recent: Recent;
  feed: Feed;
  reload(): Awaited<ReturnType<AdminSources["reload"]>>;
  onError(error: unknown): void;
}>;

/** What the admin API shows and does, put together from the parts that know it. */
export function adminSources(parts: AdminParts): AdminSources {
  const { clock, configuration, health, slots, recent, feed } = parts;
  const plan = () => configuration.plan();
  return {
    access: () => ({ token: plan().admin.token, trustsLoopback: plan().admin.openToLoopback }),
    monoMs: clock.monoMs,
    async providers() {
      const { providers } = plan();
      const all = [...providers, ...parts.removed.serving()];
      const counts = await countsOf(slots, all);
      return all.map((provider, at) => ({
        ...providerView(parts, provider, counts[at] ?? null),
        ...(at >= providers.length && { enabled: false, removed: true }),
      }));
    },
    sessions() {
      const beside = { nowMs: clock.monoMs(), residenceMs: plan().sessions.ttlMs, clientOf: recent.clientOf };
      return sessionViews(slots.sessions(), beside);
    },
    requests: recent.latest,
    config: () => ({
      file: parts.path,
      time_ms: configuration.loadedWallMs(),
      reload: configuration.last(),
      config: redacted(configuration.config()),
    }),
    events: feed.subscribe,
    clients: () => clientNames(plan()),
    endSession: slots.end,
    override(provider, override) {
      if (!plan().providers.some(({ name }) => name === provider)) return false;
      health.setOverride(provider, override);
      return true;
    },
    reload: async () => parts.reload(),
    explain: (wish) => explain(parts, wish),
    onError: parts.onError,
  };
}

/** Store-wide figures; null for all of them while the store cannot say. */
async function countsOf(slots: Slots, providers: readonly Provider[]) {
  try {
    return await slots.count(providers.map(({ name }) => `provider:${name}`));
  } catch {
    return [];
  }
}

function providerView(
  { clock, health, slots, delays, tallies }: AdminParts,
  provider: Provider,
  count: Readonly<{ sessions: number; requests: number }> | null,
): ProviderView {
  const { name, limits } = provider;
  const override = health.override(name);
  const breaker = health.breakerOf(name);
  const { won, lost, denied, winRate } = tallies.of(name);
  return {
    name,
    origin: provider.origin,
    protocols: provider.protocols,
    groups: provider.groups,
    models: provider.models,
    priority: provider.priority,
    weight: provider.weight,
    enabled: override ?? provider.enabled,
    removed: false,
    override: override === null ? null : override ? "enabled" : "disabled",
    active: provider.active === null || isActive(provider.active, clock.wallMs()),
    breaker: { state: breaker.state(), probe_in_ms: Math.round(breaker.opensInMs()) },
    cooldowns: health.cooldowns.list(name).map(({ key, model, backInMs, limited }) => ({
      key,
      model,
      left_ms: Math.round(backInMs),
      limited,
    })),
    sessions: count?.sessions ?? null,
    sessions_limit: limits.sessions,
    requests: count?.requests ?? null,
    requests_limit: limits.requests,
    leases: slots.leases(`provider:${name}`),
    hedge: delays.learned(name).map(({ model, samples }) => ({
      model,
      after_ms: shownDelay(delays, provider, model),
      samples,
    })),
    hedges: { won, lost, denied, win_rate: winRate },
  };
}

/** For a prompt of unknown size. */
function shownDelay(delays: Delays, provider: Provider, model: string): number | null {
  const what = { provider: provider.name, model, bodyBytes: 0 };
  const afterMs = delays.hedgeAfterMs(what, provider.hedge, provider.timeouts.firstTokenMs);
  return Number.isFinite(afterMs) ? Math.round(afterMs) : null;
}

async function explain(parts: AdminParts, wish: ExplainWish): Promise<ExplainView> {
  const { clock, random, configuration, health, homes, delays } = parts;
  const plan = configuration.plan();
  const { protocol, model, session } = wish;
  const client = clientNamed(plan, wish.client) ?? ANONYMOUS;
  const home = session === null ? null : homeFor(await homes.read(session), model);
  const known = {
    wallMs: clock.wallMs(),
    home: home?.provider ?? null,
    override: health.override,
    standing: (provider: Provider) => health.standing(provider, model),
    hedgeAfterMs: (provider: Provider) => shownDelay(delays, provider, upstreamModel(provider, model)),
  };
  return explainPlan(plan, { protocol, model, client, session }, known, random);
}
