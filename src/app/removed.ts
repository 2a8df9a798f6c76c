import type { Provider } from "../provider/provider.ts";

/** Providers that a reload took out of the configuration and that still serve: their requests end as they began. */
export type Removed = Readonly<{
  /** A configuration is in force. */
  configured(providers: readonly Provider[]): void;
  /** Those of which this process holds a lease, as they were configured last. */
  serving(): readonly Provider[];
}>;

/** As many as one configuration may name. Whoever is older than that has long been given up. */
const REMOVED_MAX = 1_000;

export function removedProviders(leases: (provider: string) => number): Removed {
  let known: readonly Provider[] = [];
  let removed: readonly Provider[] = [];
  return {
    configured(providers) {
      const names = new Set(providers.map(({ name }) => name));
      // Also those without a lease: a request that began before may come to one of them yet.
      removed = [...removed, ...known].filter(({ name }) => !names.has(name)).slice(-REMOVED_MAX);
      known = providers;
    },
    serving: () => removed.filter(({ name }) => leases(name) > 0),
  };
}
