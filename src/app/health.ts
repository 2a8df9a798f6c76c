import type { Clock } from "../core/clock.ts";
import type { Observer } from "../core/events.ts";
import { type Breaker, breaker } from "../provider/breaker.ts";
import { type Cooldowns, cooldowns } from "../provider/cooldown.ts";
import type { Provider } from "../provider/provider.ts";
import { type Standing, upstreamModel } from "../provider/rank.ts";

/** How the providers are, by name: survives reloads, because a provider is no better for a change of the file. */
export type ProviderHealth = Readonly<{
  cooldowns: Cooldowns;
  breakerOf(provider: string): Breaker;
  standing(provider: Provider, model: string): Standing;
  /** An operator's word on `enabled`, for this instance; null where there is none. */
  override(provider: string): boolean | null;
  setOverride(provider: string, override: "enabled" | "disabled" | "reset"): void;
  /** A new configuration is in force: cool-downs end, and what is known of providers that are gone is forgotten. */
  reloaded(providers: readonly string[]): void;
}>;

export function providerHealth(clock: Clock, observe: Observer): ProviderHealth {
  const breakers = new Map<string, Breaker>();
  const overrides = new Map<string, boolean>();
  const cooling = cooldowns(clock);

  function breakerOf(provider: string): Breaker {
    let found = breakers.get(provider);
    if (!found) {
      found = breaker(clock, (state, reason) => observe({ kind: "breaker", provider, state, reason }));
      breakers.set(provider, found);
    }
    return found;
  }
  return {
    cooldowns: cooling,
    breakerOf,
    standing(provider, model) {
      const own = breakerOf(provider.name);
      if (own.state() === "open") return { kind: "open", backInMs: own.opensInMs(), limited: false };
      const choice = cooling.peek(provider, upstreamModel(provider, model));
      return choice.kind === "key" ? { kind: "up" } : { ...choice, kind: "cooling" };
    },
    override: (provider) => overrides.get(provider) ?? null,
    setOverride(provider, override) {
      if (override === "reset") {
        overrides.delete(provider);
        breakerOf(provider).reset();
        cooling.clear(provider);
      } else {
        overrides.set(provider, override === "enabled");
      }
      observe({ kind: "override", provider, override });
    },
    reloaded(providers) {
      cooling.clear();
      const known = new Set(providers);
      for (const name of breakers.keys()) if (!known.has(name)) breakers.delete(name);
      for (const name of overrides.keys()) if (!known.has(name)) overrides.delete(name);
    },
  };
}
