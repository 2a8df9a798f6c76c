import { sessionHash } from "../../core/ids.ts";
import type { AdminSources } from "./sources.ts";

/** What `sessionHash` makes. */
const HASH = /^[A-Za-z0-9_-]{22}$/;

/**
 * The hash of the session somebody means by `id`: with a client, that client's own id; else a hash, or an own id that
 * is known here under any client. One that only another instance knows is found too, where it is a hash or there is
 * but one client it can belong to. Null where it could be anybody's.
 */
export function findSession(
  id: string,
  client: string | null,
  sources: Pick<AdminSources, "sessions" | "clients">,
): string | null {
  if (client !== null) return sessionHash(client, id);
  const known = new Set(sources.sessions().map(({ session }) => session));
  if (known.has(id)) return id;
  const hashes = sources.clients().map((name) => sessionHash(name, id));
  const own = hashes.find((hash) => known.has(hash));
  if (own !== undefined) return own;
  if (HASH.test(id)) return id;
  return hashes.length === 1 ? (hashes[0] ?? null) : null;
}
