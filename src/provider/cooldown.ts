import type { Clock } from "../core/clock.ts";
import type { Secret } from "../core/secret.ts";
import type { Provider } from "./provider.ts";

/** What rests: one key (for one upstream model, or for all), or one upstream model at the provider whatever the key. */
export type Rest = Readonly<{
  provider: string;
  key: Secret | null;
  /** Upstream's name; null = all models. */
  model: string | null;
  ms: number;
  /** The upstream said 429: a provider that rests for this alone is full, not down. */
  limited: boolean;
}>;

export type KeyChoice =
  | Readonly<{ kind: "key"; key: Secret | null }>
  | Readonly<{ kind: "cooling"; backInMs: number; limited: boolean }>;

export type Cooldowns = Readonly<{
  rest(rest: Rest): void;
  /** The next key that may be used for the model, round robin; null is the key of a provider without keys. */
  takeKey(provider: Provider, model: string): KeyChoice;
  /** As `takeKey`, without moving the round. */
  peek(provider: Provider, model: string): KeyChoice;
  /** What rests at a provider now, for people. */
  list(
    provider: string,
  ): readonly Readonly<{ model: string | null; key: string | null; backInMs: number; limited: boolean }>[];
  /** Ends all cool-downs of one provider, or of all. */
  clear(provider?: string): void;
}>;

type Entry = Readonly<{ rest: Rest; untilMs: number }>;

/** Entries before lapsed ones are thrown out, and the bound against a client that invents model names. */
const ENTRIES_MAX = 10_000;

export function cooldowns(clock: Clock): Cooldowns {
  const entries = new Map<string, Entry>();
  const rounds = new Map<string, number>();

  const idOf = (provider: string, key: Secret | null, model: string | null) =>
    JSON.stringify([provider, key?.reveal() ?? null, model]);

  function active(id: string): Entry | null {
    const entry = entries.get(id);
    if (!entry) return null;
    if (entry.untilMs > clock.monoMs()) return entry;
    entries.delete(id);
    return null;
  }
  function restOf(provider: string, key: Secret | null, model: string): Entry | null {
    const candidates = [active(idOf(provider, null, model)), active(idOf(provider, null, null))];
    if (key) candidates.push(active(idOf(provider, key, model)), active(idOf(provider, key, null)));
    return candidates.reduce(
      (longest, entry) => (entry && (!longest || entry.untilMs > longest.untilMs) ? entry : longest),
      null,
    );
  }
  function makeRoom() {
    if (entries.size < ENTRIES_MAX) return;
    for (const id of entries.keys()) active(id);
    const oldest = entries.keys().next();
    if (entries.size >= ENTRIES_MAX && !oldest.done) entries.delete(oldest.value);
  }
  function choose(provider: Provider, model: string): { choice: KeyChoice; index: number } {
    if (entries.size === 0 && provider.keys.length <= 1)
      return { choice: { kind: "key", key: provider.keys[0] ?? null }, index: 0 };
    const keys: readonly (Secret | null)[] = provider.keys.length > 0 ? provider.keys : [null];
    const start = rounds.get(provider.name) ?? 0;
    const resting: Entry[] = [];
    for (let step = 0; step < keys.length; step++) {
      const index = (start + step) % keys.length;
      const key = keys[index] ?? null;
      const entry = restOf(provider.name, key, model);
      if (!entry) return { choice: { kind: "key", key }, index };
      resting.push(entry);
    }
    const backInMs = Math.min(...resting.map((entry) => entry.untilMs)) - clock.monoMs();
    return {
      choice: { kind: "cooling", backInMs, limited: resting.every((entry) => entry.rest.limited) },
      index: start,
    };
  }
  return {
    rest(rest) {
      makeRoom();
      entries.set(idOf(rest.provider, rest.key, rest.model), { rest, untilMs: clock.monoMs() + rest.ms });
    },
    takeKey(provider, model) {
      const { choice, index } = choose(provider, model);
      if (choice.kind === "key" && provider.keys.length > 1)
        rounds.set(provider.name, (index + 1) % provider.keys.length);
      return choice;
    },
    peek: (provider, model) => choose(provider, model).choice,
    list(provider) {
      const found = [...entries.values()].filter(
        (entry) => entry.rest.provider === provider && entry.untilMs > clock.monoMs(),
      );
      return found.map(({ rest, untilMs }) => ({
        model: rest.model,
        key: rest.key?.last4 ?? null,
        backInMs: untilMs - clock.monoMs(),
        limited: rest.limited,
      }));
    },
    clear(provider) {
      for (const [id, entry] of entries)
        if (provider === undefined || entry.rest.provider === provider) entries.delete(id);
    },
  };
}
