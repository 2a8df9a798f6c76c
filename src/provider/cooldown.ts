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

/** Against a client that invents model names. */
const ENTRIES_MAX = 10_000;

export function cooldowns(clock: Clock): Cooldowns {
  const kept = restsKept(clock);
  /** Index of the key that is next, by provider. */
  const rounds = new Map<string, number>();

  /** What keeps one key from the model longest. */
  function restOf(provider: string, key: Secret | null, model: string): Entry | null {
    const any = [kept.find(provider, null, model), kept.find(provider, null, null)];
    const own = key ? [kept.find(provider, key, model), kept.find(provider, key, null)] : [];
    return [...any, ...own].reduce(
      (longest, entry) => (entry && (!longest || entry.untilMs > longest.untilMs) ? entry : longest),
      null,
    );
  }
  function choose(provider: Provider, model: string): Readonly<{ choice: KeyChoice; index: number }> {
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
    const limited = resting.every((entry) => entry.rest.limited);
    return { choice: { kind: "cooling", backInMs, limited }, index: start };
  }
  return {
    rest: kept.add,
    takeKey(provider, model) {
      const { choice, index } = choose(provider, model);
      if (choice.kind === "key" && provider.keys.length > 1) rounds.set(provider.name, index + 1);
      return choice;
    },
    peek: (provider, model) => choose(provider, model).choice,
    list: (provider) =>
      kept.of(provider).map(({ rest, untilMs }) => ({
        model: rest.model,
        key: rest.key?.last4 ?? null,
        backInMs: untilMs - clock.monoMs(),
        limited: rest.limited,
      })),
    clear: kept.clear,
  };
}

/** Rests that last, by whom they are for. Lapsed ones are as good as gone, and thrown out when met or when room is short. */
function restsKept(clock: Clock) {
  const entries = new Map<string, Entry>();
  const idOf = (provider: string, key: Secret | null, model: string | null) =>
    JSON.stringify([provider, key?.reveal() ?? null, model]);

  function active(id: string): Entry | null {
    const entry = entries.get(id);
    if (!entry) return null;
    if (entry.untilMs > clock.monoMs()) return entry;
    entries.delete(id);
    return null;
  }
  function makeRoom() {
    if (entries.size < ENTRIES_MAX) return;
    for (const id of entries.keys()) active(id);
    const oldest = entries.keys().next();
    if (entries.size >= ENTRIES_MAX && !oldest.done) entries.delete(oldest.value);
  }
  return {
    find: (provider: string, key: Secret | null, model: string | null) =>
      entries.size === 0 ? null : active(idOf(provider, key, model)),
    add(rest: Rest) {
      const id = idOf(rest.provider, rest.key, rest.model);
      const untilMs = clock.monoMs() + rest.ms;
      // Requests that were under way together are told different times: the longest is the one to be trusted.
      if ((active(id)?.untilMs ?? 0) >= untilMs) return;
      makeRoom();
      entries.set(id, { rest, untilMs });
    },
    of: (provider: string) =>
      [...entries.values()].filter((entry) => entry.rest.provider === provider && entry.untilMs > clock.monoMs()),
    clear(provider?: string) {
      for (const [id, entry] of entries)
        if (provider === undefined || entry.rest.provider === provider) entries.delete(id);
    },
  };
}
