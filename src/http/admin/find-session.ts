import { sessionHash } from "../../core/ids.ts";
import type { AdminSources } from "./sources.ts";

/** Whose session somebody means by an id. */
export type Found =
  /** `client`: null where only another instance could say. */
  | Readonly<{ kind: "one"; session: string; client: string | null }>
  | Several
  /** It could be anybody's. */
  | Readonly<{ kind: "unknown" }>;

/** More than one client has a session of this id here. */
export type Several = Readonly<{
  kind: "several";
  sessions: readonly Readonly<{ session: string; client: string }>[];
}>;

/** What `sessionHash` makes. */
const HASH = /^[A-Za-z0-9_-]{22}$/;

/**
 * The session meant by `id`: with a client, that client's own id; else a hash, or an own id that is known here under one
 * client. One that only another instance knows is found too, where it is a hash or there is but one client it can belong
 * to.
 */
export function findSession(
  id: string,
  client: string | null,
  sources: Pick<AdminSources, "sessions" | "clients">,
): Found {
  if (client !== null) return { kind: "one", session: sessionHash(client, id), client };
  const known = new Map(sources.sessions().map((one) => [one.session, one.client]));
  if (known.has(id)) return { kind: "one", session: id, client: known.get(id) ?? null };
  // Clients that a reload has taken out may still have sessions here.
  const names = new Set([...sources.clients(), ...[...known.values()].filter((name) => name !== null)]);
  const possible = [...names].map((name) => ({ session: sessionHash(name, id), client: name }));
  const here = possible.filter(({ session }) => known.has(session));
  if (here.length > 1) return { kind: "several", sessions: here };
  if (here[0]) return { kind: "one", ...here[0] };
  if (HASH.test(id)) return { kind: "one", session: id, client: null };
  return possible.length === 1 && possible[0] ? { kind: "one", ...possible[0] } : { kind: "unknown" };
}
