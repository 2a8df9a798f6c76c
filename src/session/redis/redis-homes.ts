import { createHash } from "node:crypto";
import { HOMES_MAX, type Homes, type HomeStore } from "../home.ts";
import type { Calls } from "./calls.ts";
import type { Keys } from "./keys.ts";
import homeServed from "./lua/home-served.lua" with { type: "text" };
import { script } from "./script.ts";

const served = script("home_served", homeServed);

/** Where sessions live, shared by all instances: one hash a session, one field a model. */
export function redisHomes(calls: Calls, keys: Keys): HomeStore {
  return {
    async read(session) {
      const fields = await calls.send("home_read", (client) => client.hgetall(keys.home(session)));
      return homesOf(fields);
    },
    async served({ session, model, provider, homeLost, race }, ttlMs) {
      const args = [model, provider, homeLost ? 1 : 0, race ?? "none", ttlMs, HOMES_MAX];
      await calls.run(served, [keys.home(session)], args);
    },
    async forget(session) {
      await calls.send("home_forget", (client) => client.del(keys.home(session)));
    },
    async readAlias(key) {
      const value = await calls.send("alias_read", (client) => client.get(keys.alias(shortOf(key))));
      const [session, provider] = value?.split("|") ?? [];
      return session === undefined || provider === undefined ? null : { session, provider };
    },
    async writeAlias(key, { session, provider }, ttlMs) {
      const value = `${session}|${provider}`;
      await calls.send("alias_write", (client) => client.set(keys.alias(shortOf(key)), value, "PX", ttlMs));
    },
  };
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
