import type { Observer } from "../core/events.ts";

/** Whose session a hash stands for: the hash does not say, and no store is asked. Known from the requests that came here. */
export type SessionClients = Readonly<{
  observe: Observer;
  /** Null: none of its requests came here, or so many of others since that it is forgotten. */
  of(session: string): string | null;
}>;

/** As many as there are slots to be shown (session/sightings): some 3 MB. */
const KEPT_MAX = 20_000;

/** Keeps the last `sizeMax` sessions that asked; the one that has been silent for longest makes room. */
export function sessionClients(sizeMax: number = KEPT_MAX): SessionClients {
  const clients = new Map<string, string>();
  return {
    observe(event) {
      if (event.kind !== "request_arrived") return;
      clients.delete(event.session);
      clients.set(event.session, event.client);
      if (clients.size <= sizeMax) return;
      for (const longestSilent of clients.keys()) {
        clients.delete(longestSilent);
        return;
      }
    },
    of: (session) => clients.get(session) ?? null,
  };
}
