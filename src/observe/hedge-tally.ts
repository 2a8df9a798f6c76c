import type { Observer } from "../core/events.ts";

/** How a provider's hedged attempts went, since the start. */
export type HedgeTally = Readonly<{
  won: number;
  lost: number;
  /** Due, and not started for want of budget, slots or health. */
  denied: number;
  /** Share of the races with a hedge that the hedge won; null before the first. */
  winRate: number | null;
}>;

export type HedgeTallies = Readonly<{
  observe: Observer;
  of(provider: string): HedgeTally;
  /** Forgets all providers but these, so that reloads do not make it grow. */
  configured(providers: readonly string[]): void;
}>;

export function hedgeTallies(): HedgeTallies {
  const counts = new Map<string, { won: number; lost: number; denied: number }>();
  return {
    observe(event) {
      if (event.kind !== "hedge") return;
      const count = counts.get(event.provider) ?? { won: 0, lost: 0, denied: 0 };
      counts.set(event.provider, count);
      if (event.result === "won") count.won++;
      else if (event.result === "lost") count.lost++;
      else count.denied++;
    },
    of(provider) {
      const { won, lost, denied } = counts.get(provider) ?? { won: 0, lost: 0, denied: 0 };
      return { won, lost, denied, winRate: won + lost === 0 ? null : won / (won + lost) };
    },
    configured(providers) {
      for (const name of counts.keys()) if (!providers.includes(name)) counts.delete(name);
    },
  };
}
