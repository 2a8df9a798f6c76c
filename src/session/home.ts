/**
 * A session's home per model name: the provider that last served it. Prompt caches live there, so one
 * rescue does not move it; two losses of the last three races, or a failure or a refusal for sessions, do.
 */
export type Home = Readonly<{
  provider: string;
  /** Results of the last races (requests whose home attempt was hedged), newest first, at most 3: `w` won, `l` lost. */
  races: string;
}>;

/** All homes of one session, the newest first, at most `HOMES_MAX`. */
export type Homes = readonly Readonly<{ model: string; home: Home }>[];

export const HOMES_MAX = 8;

/** What a request that was answered tells about its home. */
export type Served = Readonly<{
  session: string;
  model: string;
  /** Who answered. */
  provider: string;
  /** The home was asked and failed, or refused for sessions, or is no longer eligible: the answerer becomes the home. */
  homeLost: boolean;
  /** The home's attempt was hedged: how it went for the home. */
  race: "won" | "lost" | null;
  /** Keys of the upstream's objects in the answer, as far as they are known: each an alias of session and provider. */
  aliases: readonly string[];
}>;

/** Where an upstream's object id leads: the session and provider it was answered by. */
export type Alias = Readonly<{ session: string; provider: string }>;

/** For so long an answer's id leads back to the account that holds it. */
export const ALIAS_TTL_MS = 24 * 60 * 60_000;

export type HomeStore = Readonly<{
  read(session: string): Promise<Homes>;
  /** Decides by the rules above, writes the home, kept for `ttlMs` from now, and the answer's aliases. */
  served(served: Served, ttlMs: number): Promise<void>;
  forget(session: string): Promise<void>;
  readAlias(key: string): Promise<Alias | null>;
  /** Of an id that was not known yet when the home was written. */
  writeAlias(key: string, alias: Alias): Promise<void>;
}>;

/** The home for a model: its own, else the session's newest (a model without one starts there). */
export function homeFor(homes: Homes, model: string): Home | null {
  return (homes.find((entry) => entry.model === model) ?? homes[0])?.home ?? null;
}

/** The rule itself, as a pure function; the Lua script is the same in other words and a differential test holds them together. */
export function afterServed(homes: Homes, served: Served): Homes {
  const own = homes.find((entry) => entry.model === served.model)?.home ?? homes[0]?.home ?? null;
  const rest = homes.filter((entry) => entry.model !== served.model);
  const write = (home: Home): Homes => [{ model: served.model, home }, ...rest].slice(0, HOMES_MAX);
  if (own === null || served.homeLost) return write({ provider: served.provider, races: "" });
  if (served.race === null) return write(own);
  const races = ((served.race === "won" ? "w" : "l") + own.races).slice(0, 3);
  const losses = races.split("l").length - 1;
  if (losses >= 2 && served.provider !== own.provider) return write({ provider: served.provider, races: "" });
  return write({ provider: own.provider, races });
}
