import type { Secret } from "../core/secret.ts";
import type { Frozen } from "./kinds.ts";
import type { FileConfig } from "./schema.ts";

type FileClient = FileConfig["clients"][number];
type FileProvider = FileConfig["providers"][number];
type Defaults = FileConfig["defaults"];

/**
 * The whole configuration, with nothing left to decide: defaults filled in, files read, `defaults` merged into every
 * provider. Keys are named as in the file; durations are milliseconds, sizes bytes, ratios 0..1.
 */
export type Config = Omit<FileConfig, "clients" | "sessions" | "providers"> &
  Readonly<{ clients: readonly ClientConfig[]; sessions: SessionsConfig; providers: readonly ProviderConfig[] }>;

export type ClientConfig = Omit<FileClient, "key" | "key_file"> & Readonly<{ key: Secret }>;

export type SessionsConfig = Omit<FileConfig["sessions"], "redis"> & Readonly<{ redis: RedisConfig }>;

type FileRedis = FileConfig["sessions"]["redis"];

export type RedisConfig = Omit<FileRedis, "password_file" | "sentinel"> &
  Readonly<{ sentinel?: Omit<NonNullable<FileRedis["sentinel"]>, "password_file"> }>;

export type ProviderConfig = Omit<FileProvider, "api_key" | "api_key_file" | "api_keys" | keyof Shared> &
  Shared &
  Readonly<{ api_keys: readonly Secret[] }>;

type Shared = Readonly<{
  timeouts: Defaults["timeouts"];
  hedge: Omit<Defaults["hedge"], "at_once" | "attempts" | "budget">;
  retry: Omit<Defaults["retry"], "providers">;
  breaker: Defaults["breaker"];
}>;

/** A file being read: whatever was wrong in it is left out. */
export type Draft<T> = T extends Secret | string | number | boolean | null | undefined
  ? T
  : T extends readonly (infer Item)[]
    ? readonly (Draft<Item> | undefined)[]
    : { readonly [Key in keyof T]?: Draft<T[Key]> | undefined };

/** `file` holds no mistake. */
export function configOf(file: FileConfig): Config {
  return {
    ...file,
    clients: file.clients.map(({ key, key_file, ...client }) => ({ ...client, key: one(key ?? key_file) })),
    sessions: { ...file.sessions, redis: redisOf(file.sessions.redis) },
    providers: file.providers.map((provider) => providerOf(provider, file.defaults)),
  };
}

function redisOf({ sentinel, ...redis }: FileRedis): RedisConfig {
  return { ...withPassword(redis), ...(sentinel && { sentinel: withPassword(sentinel) }) };
}

/** Wherever it stands. */
function withPassword<Section extends Readonly<{ password?: Secret; password_file?: Secret }>>(
  section: Section,
): Omit<Section, "password_file"> {
  const { password_file, ...rest } = section;
  return password_file === undefined ? rest : { ...rest, password: password_file };
}

function providerOf(file: FileProvider, defaults: Defaults): ProviderConfig {
  const { api_key, api_key_file, api_keys, timeouts, hedge, retry, breaker, ...rest } = file;
  const { at_once: _atOnce, attempts: _attempts, budget: _budget, ...hedgeDefaults } = defaults.hedge;
  const key = api_key ?? api_key_file;
  return {
    ...rest,
    api_keys: key === undefined ? (api_keys ?? []) : [key],
    timeouts: { ...defaults.timeouts, ...timeouts },
    hedge: { ...hedgeDefaults, ...hedge },
    retry: { same: retry?.same ?? defaults.retry.same },
    breaker: { ...defaults.breaker, ...breaker },
  };
}

function one(key: Frozen<Secret> | undefined): Secret {
  if (key === undefined) throw new Error("a client without a key passed the checks");
  return key;
}
