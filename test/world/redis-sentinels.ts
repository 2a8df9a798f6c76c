import { redisServer, type RedisServer } from "./redis.ts";
import { eventually } from "./scripted-upstream.ts";

/** A master and its replica, watched by three sentinels. Owns their processes. */
export type RedisSentinels = Readonly<{
  /** What the sentinels call the two. */
  name: string;
  nodes: readonly Readonly<{ host: string; port: number }>[];
  sentinels: readonly RedisServer[];
  /** As it was at the start. */
  master: RedisServer;
  replica: RedisServer;
  /** Orders the sentinels to make the replica the master, though the master lives; resolves once all of them say that it is. */
  failover(): Promise<void>;
  stop(): Promise<void>;
}>;

const NAME = "slots";
const QUORUM = 2;
const SENTINELS = 3;
/** Short, so that a failover takes two seconds. */
const DOWN_AFTER_MS = 500;
const FAILOVER_TIMEOUT_MS = 2000;

export async function redisSentinels(): Promise<RedisSentinels> {
  const args = ["--repl-diskless-sync-delay", "0"];
  const master = await redisServer({ listen: "tcp", args });
  const replica = await redisServer({
    listen: "tcp",
    args: [...args, "--replicaof", "127.0.0.1", String(master.port)],
  });
  await eventually("the replica follows", async () =>
    (await replica.admin.info("replication")).includes("master_link_status:up"),
  );
  const config = [
    `sentinel monitor ${NAME} 127.0.0.1 ${master.port} ${QUORUM}`,
    `sentinel down-after-milliseconds ${NAME} ${DOWN_AFTER_MS}`,
    `sentinel failover-timeout ${NAME} ${FAILOVER_TIMEOUT_MS}`,
  ].join("\n");
  const start = () => redisServer({ listen: "tcp", sentinel: true, config });
  const sentinels = await Promise.all(Array.from({ length: SENTINELS }, start));
  const all = async (holds: (sentinel: RedisServer) => Promise<boolean>) =>
    (await Promise.all(sentinels.map(holds))).every((held) => held);
  await eventually("the sentinels know of each other and of the replica", () =>
    all(async ({ admin }) => {
      const info = await admin.info("sentinel");
      return info.includes(`sentinels=${SENTINELS}`) && info.includes("slaves=1");
    }),
  );
  return {
    name: NAME,
    nodes: sentinels.map(({ port }) => ({ host: "127.0.0.1", port })),
    sentinels,
    master,
    replica,
    async failover() {
      const [first] = sentinels;
      await eventually("the order is taken", async () => {
        const taken = first?.admin.call("SENTINEL", "FAILOVER", NAME);
        return taken !== undefined && taken.then(() => true).catch(() => false); // it may know too little of the replica yet
      });
      await eventually("all sentinels name the replica as the master", () =>
        all(async ({ admin }) => {
          const told = (await admin.call("SENTINEL", "GET-MASTER-ADDR-BY-NAME", NAME)) as readonly unknown[];
          return Number(told[1]) === replica.port;
        }),
      );
    },
    async stop() {
      for (const server of [...sentinels, replica, master]) await server.stop();
    },
  };
}
