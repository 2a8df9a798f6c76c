import type { Redis } from "ioredis";

/** `instance` is the part of the lease's id that names its process. */
export type LeaseEntry = Readonly<{ lease: string; instance: string; session: string; untilMs: number }>;

/** One scope as it lies in the server, looked at past every script. */
export type RedisScope = Readonly<{
  /** By the server's clock. */
  nowMs(): Promise<number>;
  /** Leases with the moment each lapses, lapsed ones that nobody swept yet included. */
  leases(): Promise<readonly LeaseEntry[]>;
  /** Sessions and leases that count now. */
  live(): Promise<Readonly<{ sessions: number; leases: number }>>;
  /** The members of all its keys, whether they count or not. */
  traces(): Promise<readonly string[]>;
}>;

export function redisScope(admin: Redis, scope: string, prefix = "hedgerow"): RedisScope {
  const key = (part: string) => `${prefix}:{${scope}}:active_session${part}`;
  const nowMs = async () => {
    const [seconds = 0, micros = 0] = (await admin.time()).map(Number);
    return Math.floor(seconds * 1000 + micros / 1000);
  };
  return {
    nowMs,
    async leases() {
      const flat = await admin.zrange(key("_leases"), "0", "-1", "WITHSCORES");
      return Array.from({ length: flat.length / 2 }, (_, at) => {
        const [lease = "", session = ""] = String(flat[2 * at]).split("|");
        return { lease, instance: lease.split(".")[0] ?? "", session, untilMs: Number(flat[2 * at + 1]) };
      });
    },
    async live() {
      const above = `(${await nowMs()}`;
      const [sessions, leases] = await Promise.all([
        admin.zcount(key("s"), above, "+inf"),
        admin.zcount(key("_leases"), above, "+inf"),
      ]);
      return { sessions, leases };
    },
    async traces() {
      const lists = await Promise.all([
        admin.zrange(key("s"), "0", "-1"),
        admin.zrange(key("_leases"), "0", "-1"),
        admin.zrange(key("_marks"), "0", "-1"),
        admin.hkeys(key("_refs")),
      ]);
      return lists.flat();
    },
  };
}
