import type { HomeStore } from "../home.ts";
import type { Health } from "./health.ts";

/**
 * Homes in the shared store while it is there, and what this process remembers of them while it is not: a session then
 * stays where this instance last served it. Never rejects for the store's sake; a home that is lost costs a prompt cache.
 * What fails here says nothing about the leases: in a cluster the homes lie on every node, those of one scope on one. So a
 * node that hangs has its own breaker, in the calls.
 */
export function degradedHomes(store: HomeStore, mirror: HomeStore, health: Health): HomeStore {
  const ask = async <Reply>(call: () => Promise<Reply>, otherwise: () => Promise<Reply>): Promise<Reply> => {
    if (health.state() === "down") return otherwise();
    try {
      return await call();
    } catch {
      return otherwise();
    }
  };
  const done = async () => {};
  return {
    read: (session) =>
      ask(
        () => store.read(session),
        () => mirror.read(session),
      ),
    async served(served, ttlMs) {
      await mirror.served(served, ttlMs);
      await ask(() => store.served(served, ttlMs), done);
    },
    async forget(session) {
      await mirror.forget(session);
      await ask(() => store.forget(session), done);
    },
    readAlias: (key) =>
      ask(
        () => store.readAlias(key),
        () => mirror.readAlias(key),
      ),
    async writeAlias(key, alias) {
      await mirror.writeAlias(key, alias);
      await ask(() => store.writeAlias(key, alias), done);
    },
  };
}
