import type { Loaded } from "../config/load.ts";
import { background } from "../core/background.ts";
import { byteAccount } from "../core/byte-account.ts";
import type { Clock } from "../core/clock.ts";
import type { Observer } from "../core/events.ts";
import { instanceId, leaseIds } from "../core/ids.ts";
import type { Random } from "../core/random.ts";
import { delays } from "../forward/delay.ts";
import { adminRoutes } from "../http/admin/routes.ts";
import type { Edge } from "../http/proxy-routes.ts";
import { listen, type Server } from "../http/server.ts";
import type { Log } from "../observe/log.ts";
import { createSlots, type Slots } from "../session/slots.ts";
import { adminSources } from "./admin-sources.ts";
import { configuration, type Reload } from "./configuration.ts";
import { drain } from "./drain.ts";
import { edgeOf, scopesOf, slotRulesOf } from "./edge.ts";
import { aliasKey, forwardDeps } from "./forward-deps.ts";
import { providerHealth } from "./health.ts";
import { observability } from "./observability.ts";
import type { Plan } from "./plan.ts";
import { openStores, type Stores } from "./stores.ts";
import { fileWatch } from "./watch.ts";

/** A running proxy. Owns everything it opened until `drain` has resolved. */
export type App = Readonly<{
  url: string;
  reload(): Reload;
  /** Readiness off, then no new requests, then no old ones, then all leases given back. To be called once; never rejects. */
  drain(): Promise<void>;
}>;

export type AppOptions = Readonly<{
  /** Where the configuration is from, for people. */
  path: string;
  first: Loaded & { kind: "ok" };
  load(): Loaded;
  /** Reload by itself when one of the files changes. */
  watch: boolean;
  clock: Clock;
  random: Random;
  log: Log;
  /** One more who is told all that happens. */
  observe?: Observer;
}>;

/** The only place that builds things. Rejects where the port is taken, or the store cannot be used as configured. */
export async function startApp(options: AppOptions): Promise<App> {
  const { clock, random } = options;
  let slots: Slots;
  let stores: Stores;
  let edge: Edge;
  const seen = observability(options, {
    plan: () => config.plan(),
    slots: () => slots,
    breakerOf: (provider) => health.breakerOf(provider),
    isStoreUp: () => stores.state() === "up",
  });
  const { observe } = seen;
  const notice = (what: string, error: unknown) =>
    observe({ kind: "notice", level: "error", what, fields: { error: String(error) } });
  const tasks = background(notice);
  const health = providerHealth(clock, observe);
  const onApplied = (plan: Plan) => {
    seen.configured(plan);
    health.reloaded(plan.providers.map(({ name }) => name));
    edge = edgeOf(forwarding, plan);
  };
  const config = configuration({ clock, observe, load: options.load, onApplied }, options.first);
  const plan = () => config.plan();

  const instance = instanceId();
  const shared = { clock, random, background: tasks, observe };
  stores = await openStores(plan().store, { ...shared, instance, leaseTtlMs: () => plan().sessions.leaseTtlMs });
  const { homes } = stores;
  slots = createSlots({
    ...shared,
    store: stores.leases,
    rules: () => slotRulesOf(plan(), stores.timeoutMs),
    leaseId: leaseIds(instance),
    scopes: () => scopesOf(plan()),
    forgetHome: homes.forget,
  });
  stores.whenBack(slots.restored);
  const drained = new AbortController();
  const account = byteAccount(() => plan().server.bufferedBytesMax);
  const learned = delays(clock);
  const forwarding = forwardDeps({
    ...shared,
    health,
    slots,
    homes,
    delays: learned,
    account,
    drained: drained.signal,
  });
  onApplied(plan());

  const files = fileWatch(
    clock,
    () => reload(),
    (error) => notice("config_watch", error),
  );
  const reload = () => {
    const outcome = config.reload();
    if (options.watch) files.watch(config.files());
    return outcome;
  };
  const onError = (error: unknown) => notice("request_failed", error);
  const state = { ready: true, refusing: false };
  const admin = adminRoutes(
    adminSources({
      ...options,
      ...seen,
      configuration: config,
      health,
      slots,
      homes,
      delays: learned,
      reload,
      onError,
    }),
  );
  let server: Server;
  try {
    server = listen(
      {
        clock,
        account,
        edge: () => edge,
        draining: () => state.refusing,
        readAlias: (client, id) => homes.readAlias(aliasKey(client, id)),
        health: () => ({
          draining: !state.ready,
          store: stores.state(),
          providersEnabled: plan().providers.filter(({ name, enabled }) => health.override(name) ?? enabled).length,
        }),
        metrics: async () => ({ text: await seen.metrics.text(), contentType: seen.metrics.contentType }),
        admin,
        onError,
      },
      { ...plan().server, bodyBytesMax: Number.MAX_SAFE_INTEGER },
    );
  } catch (error) {
    await slots.close(0);
    await stores.close();
    throw error;
  }
  if (options.watch) files.watch(config.files());
  observe({ kind: "notice", level: "info", what: "listening", fields: { url: server.url } });
  return {
    url: server.url,
    reload,
    async drain() {
      state.ready = false;
      files[Symbol.dispose]();
      const refuse = () => {
        state.refusing = true;
      };
      await drain({ ...shared, server, feed: seen.feed, slots, stores, drained, refuse }, plan().server);
    },
  };
}
