import type { Redis } from "ioredis";
import { freePort } from "./free-port.ts";
import { type Certificate, redisServer, type RedisServer } from "./redis.ts";

/** Three masters, each with a replica where nothing else is said. Owns its processes. */
export type RedisCluster = Readonly<{
  nodes: readonly Readonly<{ host: string; port: number }>[];
  /** The server that is the master of a key now. */
  masterOf(key: string): Promise<RedisServer>;
  stop(): Promise<void>;
}>;

export type ClusterOptions = Readonly<{
  replicas?: boolean;
  /** Every node speaks TLS alone, to the others too. */
  tls?: Certificate;
  /** What the nodes call themselves to clients, instead of their address. */
  name?: string;
}>;

const SLOTS = 16_384;
const MASTERS = 3;
/** Short, so that a failover takes two seconds. */
const NODE_TIMEOUT_MS = 700;

export async function redisCluster(options: ClusterOptions = {}): Promise<RedisCluster> {
  const { replicas = true } = options;
  const servers = await Promise.all(Array.from({ length: (replicas ? 2 : 1) * MASTERS }, () => nodeOf(options)));
  const [first] = servers;
  if (!first) throw new Error("no server was started");
  const share = Math.ceil(SLOTS / MASTERS);
  for (const [at, server] of servers.entries()) {
    if (at < MASTERS) {
      const to = Math.min(SLOTS, (at + 1) * share) - 1;
      await server.admin.call("CLUSTER", "ADDSLOTSRANGE", at * share, to);
    }
    const [host, port, bus] = await addressOf(server);
    if (server !== first) await first.admin.call("CLUSTER", "MEET", host, port, bus);
  }
  await until(
    servers,
    async ({ admin }) => (await fields(admin)).get("cluster_known_nodes") === String(servers.length),
  );
  for (const [at, server] of servers.entries()) {
    if (at < MASTERS) continue;
    const master = await servers[at - MASTERS]?.admin.call("CLUSTER", "MYID");
    await server.admin.call("CLUSTER", "REPLICATE", String(master));
  }
  await until(servers.slice(MASTERS), async ({ admin }) =>
    (await admin.info("replication")).includes("master_link_status:up"),
  );
  // Every node must know of every replica, or a master that is lost at once has no successor.
  await until(servers, async ({ admin }) => {
    const known = String(await admin.call("CLUSTER", "NODES"));
    return (
      known.split("slave").length - 1 === servers.length - MASTERS &&
      (await fields(admin)).get("cluster_state") === "ok"
    );
  });
  return {
    nodes: servers.map(({ port }) => ({ host: options.name ?? "127.0.0.1", port })),
    async masterOf(key) {
      const slot = Number(await first.admin.call("CLUSTER", "KEYSLOT", key));
      const ranges = (await first.admin.call("CLUSTER", "SLOTS")) as [number, number, [string, number]][];
      const port = ranges.find(([from, to]) => from <= slot && slot <= to)?.[2][1];
      const server = servers.find((one) => one.port === port);
      if (!server) throw new Error(`no master has slot ${slot}`);
      return server;
    },
    async stop() {
      await Promise.all(servers.map((server) => server.stop()));
    },
  };
}

async function nodeOf({ tls, name }: ClusterOptions): Promise<RedisServer> {
  const args = ["--cluster-enabled", "yes", "--cluster-node-timeout", String(NODE_TIMEOUT_MS)];
  args.push("--cluster-replica-validity-factor", "0", "--repl-diskless-sync-delay", "0");
  args.push("--cluster-port", String(await freePort()));
  if (name !== undefined)
    args.push("--cluster-announce-hostname", name, "--cluster-preferred-endpoint-type", "hostname");
  if (tls === undefined) return redisServer({ listen: "tcp", args });
  return redisServer({ listen: "tls", tls, args: [...args, "--tls-cluster", "yes", "--tls-replication", "yes"] });
}

async function addressOf(server: RedisServer): Promise<readonly [string, string, string]> {
  const lines = String(await server.admin.call("CLUSTER", "NODES"));
  const bus = /@(\d+)[^ ]* myself/.exec(lines)?.[1] ?? "";
  return ["127.0.0.1", String(server.port), bus];
}

async function fields(admin: Redis): Promise<ReadonlyMap<string, string>> {
  const lines = String(await admin.call("CLUSTER", "INFO")).split("\r\n");
  return new Map(lines.map((line) => [line.split(":")[0] ?? "", line.split(":")[1] ?? ""]));
}

async function until(servers: readonly RedisServer[], ready: (server: RedisServer) => Promise<boolean>): Promise<void> {
  for (const server of servers) while (!(await ready(server))) await Bun.sleep(20);
}
