import { createHash } from "node:crypto";
import { ALIAS_TTL_MS, type Alias, HOMES_MAX, type Homes, type HomeStore } from "../home.ts";
import { type Calls, isAcrossSlots } from "./calls.ts";
import type { Keys } from "./keys.ts";
import homeServed from "./lua/home-served.lua" with { type: "text" };
import { script } from "./script.ts";

const served = script("home_served", homeServed);

/**
 * Where sessions live, shared by all instances: one hash a session, one field a model. Aliases of an answer are written
 * in one command with its home where one server has all keys. `cluster`: they lie apart and cost one command each; one
 * that hides behind a single address tells so at the first.
 */
export function redisHomes(calls: Calls, keys: Keys, cluster = false): HomeStore {
  let apart = cluster;
  const writeAlias = async (key: string, alias: Alias) => {
    const name = keys.alias(shortOf(key));
    await calls.send("alias_write", name, (client) => client.set(name, aliasText(alias), "PX", ALIAS_TTL_MS));
  };
  return {
    async read(session) {
      const fields = await calls.send("home_read", keys.home(session), (client, name) => client.hgetall(name));
      return homesOf(fields);
    },
    async served({ session, model, provider, homeLost, race, aliases }, ttlMs) {
      const alias = { session, provider };
      const args = [
        model,
        provider,
        homeLost ? 1 : 0,
        race ?? "none",
        ttlMs,
        HOMES_MAX,
        aliasText(alias),
        ALIAS_TTL_MS,
      ];
      const write = (ids: readonly string[]) =>
        calls.run(served, [keys.home(session), ...ids.map((id) => keys.alias(shortOf(id)))], args);
      if (!apart) {
        try {
          await write(aliases);
          return;
        } catch (error) {
          if (!isAcrossSlots(error)) throw error;
          apart = true;
        }
      }
      await Promise.all([write([]), ...aliases.map((id) => writeAlias(id, alias))]);
    },
    async forget(session) {
      await calls.send("home_forget", keys.home(session), (client, name) => client.del(name));
    },
    async readAlias(key) {
      const value = await calls.send("alias_read", keys.alias(shortOf(key)), (client, name) => client.get(name));
      const [session, provider] = value?.split("|") ?? [];
      return session === undefined || provider === undefined ? null : { session, provider };
    },
    writeAlias,
  };
}

function aliasText({ session, provider }: Alias): string {
  return `${session}|${provider}`;
}

/** `seq|races|provider` a model, the highest seq first. */
function homesOf(fields: Readonly<Record<string, string>>): Homes {
  return Object.entries(fields)
    .map(([model, text]) => {
      const [seq = "0", races = "", provider = ""] = text.split("|");
      return { seq: Number(seq), model, home: { provider, races } };
    })
    .sort((a, b) => b.seq - a.seq)
    .map(({ model, home }) => ({ model, home }));
}

function shortOf(key: string): string {
  return createHash("sha256").update(key).digest("base64url").slice(0, 22);
}
