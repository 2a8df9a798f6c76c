import { Cluster, Command } from "ioredis";
import type { RedisClient } from "./calls.ts";

/** The node of a cluster that serves a key, as `host:port`; null where there is but one server, or the client does not know yet. */
export function nodeOf(client: RedisClient, key: string): string | null {
  if (!(client instanceof Cluster)) return null;
  const [master = null] = client.slots[new Command("get", [key]).getSlot()] ?? [];
  return master;
}
