import { ALIAS_TTL_MS, type Alias, afterServed, type Homes, type HomeStore } from "./home.ts";

export type MemoryHomes = HomeStore &
  Readonly<{
    /** Sessions and aliases kept, lapsed ones included until they are met. */
    kept(): Readonly<{ sessions: number; aliases: number }>;
  }>;

/** Of each kind. About 100 MB in all when every one is full; beyond it the one touched longest ago goes. */
const KEPT_MAX = 100_000;

/** The homes of one process. `clock.nowMs` is monotonic in production. */
export function memoryHomes(clock: Readonly<{ nowMs(): number }>, keptMax = KEPT_MAX): MemoryHomes {
  const homes = lapsing<Homes>(clock, keptMax);
  const aliases = lapsing<Alias>(clock, keptMax);
  const read = (session: string): Homes => homes.read(session) ?? [];
  const writeAlias = (key: string, alias: Alias) => aliases.write(key, alias, ALIAS_TTL_MS);
  return {
    read: async (session) => read(session),
    async served(served, ttlMs) {
      const { session, provider } = served;
      homes.write(session, afterServed(read(session), served), ttlMs);
      for (const key of served.aliases) writeAlias(key, { session, provider });
    },
    forget: async (session) => homes.forget(session),
    readAlias: async (key) => aliases.read(key) ?? null,
    writeAlias: async (key, alias) => writeAlias(key, alias),
    kept: () => ({ sessions: homes.size(), aliases: aliases.size() }),
  };
}

type Lapsing<Value> = Readonly<{
  read(key: string): Value | undefined;
  write(key: string, value: Value, ttlMs: number): void;
  forget(key: string): void;
  size(): number;
}>;

/** Values that lapse, at most `max`, in the order of their last writing. */
function lapsing<Value>(clock: Readonly<{ nowMs(): number }>, max: number): Lapsing<Value> {
  const entries = new Map<string, Readonly<{ value: Value; untilMs: number }>>();
  const dropLapsed = () => {
    // Writing order is the order of lapsing wherever the ttl is the same, so the lapsed lie in front.
    for (const [key, entry] of entries) {
      if (entry.untilMs > clock.nowMs() && entries.size <= max) return;
      entries.delete(key);
    }
  };
  return {
    read(key) {
      const entry = entries.get(key);
      return entry !== undefined && entry.untilMs > clock.nowMs() ? entry.value : undefined;
    },
    write(key, value, ttlMs) {
      entries.delete(key);
      entries.set(key, { value, untilMs: clock.nowMs() + ttlMs });
      dropLapsed();
    },
    forget: (key) => void entries.delete(key),
    size: () => entries.size,
  };
}
