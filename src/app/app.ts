import type { Loaded } from "../config/load.ts";
import { background } from "../core/background.ts";
import { type ByteAccount, byteAccount } from "../core/byte-account.ts";
import type { Clock } from "../core/clock.ts";
import type { Observer } from "../core/events.ts";
import { instanceId, leaseIds } from "../core/ids.ts";
import { lastCall } from "../core/last-call.ts";
import type { Random } from "../core/random.ts";
import { delays } from "../forward/delay.ts";
import { adminRoutes } from "../http/admin/routes.ts";
import type { Edge } from "../http/proxy-routes.ts";
import { listen, type Server } from "../http/server.ts";
import { openLog } from "../observe/log.ts";
import { createSlots, type Slots } from "../session/slots.ts";
import { type AdminParts, adminSources } from "./admin-sources.ts";
import { type Configuration, configuration, type Reload } from "./configuration.ts";
import { drain } from "./drain.ts";
import { edgeOf, scopesOf, slotRulesOf } from "./edge.ts";
import { aliasKey, forwardDeps } from "./forward-deps.ts";
import { providerHealth } from "./health.ts";
import { type Observability, observability } from "./observability.ts";
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
  /** The log may be coloured. */
  colour: boolean;
  /** One more who is told all that happens. */
  observe?: Observer;
}>;

/** The only place that builds things. Rejects where the port is taken, or the store cannot be used as configured. */
export async function startApp(options: AppOptions): Promise<App> {
  const { clock, random, first, colour } = options;
  let slots: Slots;
  let stores: Stores;
  let edge: Edge;
  const log = openLog({ ...first.config.log, colour, clock });
  const seen = observability(
    { ...options, log },
    {
      plan: () => config.plan(),
      slots: () => slots,
      breakerOf: (provider) => health.breakerOf(provider),
      isStoreUp: () => stores.state() === "up",
    },
  );
  const { observe } = seen;
  const onError = (what: string, error: unknown) =>
    observe({ kind: "notice", level: "error", what, fields: { error: String(error) } });
  const tasks = background(onError);
  const health = providerHealth(clock, observe);
  const onApplied = (plan: Plan) => {
    seen.configured(plan);
    health.reloaded(plan.providers.map(({ name }) => name));
    edge = edgeOf(forwarding, plan);
  };
  const config = configuration({ clock, observe, load: options.load, onApplied }, first);
  const plan = () => config.plan();
  const shared = { clock, random, background: tasks, observe };

  const instance = instanceId();
  stores = await openStores(plan().store, { ...shared, instance, leaseTtlMs: () => plan().sessions.leaseTtlMs });
  slots = createSlots({
    ...shared,
    store: stores.leases,
    rules: () => slotRulesOf(plan(), stores.timeoutMs),
    leaseId: leaseIds(instance),
    scopes: () => scopesOf(plan()),
    forgetHome: stores.homes.forget,
  });
  stores.whenBack(slots.restored);
  const last = lastCall();
  const account = byteAccount(() => plan().server.bufferedBytesMax);
  const learned = delays(clock);
  const { homes } = stores;
  const forwarding = forwardDeps({
    ...shared,
    health,
    slots,
    homes,
    delays: learned,
    account,
    lastCall: last,
  });
  onApplied(plan());
  return opened(options, {
    ...shared,
    ...seen,
    configuration: config,
    delays: learned,
    health,
    slots,
    stores,
    homes,
    account,
    lastCall: last,
    logged: log.written,
    edge: () => edge,
    onError,
  });
}

type Built = Omit<AdminParts, "path" | "reload" | "onError"> &
  Pick<Observability, "metrics"> &
  Omit<Parameters<typeof drain>[0], "server" | "refuse"> &
  Readonly<{
    configuration: Configuration;
    account: ByteAccount;
    edge(): Edge;
    onError(what: string, error: unknown): void;
  }>;

/** Everything is built: opens the door, and watches the files for as long as it is open. */
async function opened(options: AppOptions, built: Built): Promise<App> {
  const { clock, configuration: config, stores, slots, homes, health, observe } = built;
  const state = { ready: true, refusing: false };
  const files = fileWatch(
    clock,
    () => reload(),
    (error) => built.onError("config_watch_failed", error),
  );
  const reload = () => {
    const outcome = config.reload();
    if (options.watch && state.ready) files.watch(config.files());
    return outcome;
  };
  const onError = (error: unknown) => built.onError("request_failed", error);
  let server: Server;
  try {
    server = listen(
      {
        clock,
        observe,
        onError,
        account: built.account,
        edge: built.edge,
        draining: () => state.refusing,
        readAlias: (client, id) => homes.readAlias(aliasKey(client, id)),
        health: () => ({
          draining: !state.ready,
          store: stores.state(),
          providersEnabled: config.plan().providers.filter(({ name, enabled }) => health.override(name) ?? enabled)
            .length,
        }),
        metrics: async () => ({ text: await built.metrics.text(), contentType: built.metrics.contentType }),
        admin: adminRoutes(adminSources({ ...built, path: options.path, reload, onError })),
      },
      config.plan().server,
    );
  } catch (error) {
    await slots.close(0);
    await stores.close();
    throw error;
  }
  if (options.watch) {
    files.watch(config.files());
    // A start may take a while, with a store to be found: of what was written meanwhile no watch tells.
    if (config.outdated()) reload();
  }
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
      await drain({ ...built, server, refuse }, config.plan().server);
    },
  };
}
