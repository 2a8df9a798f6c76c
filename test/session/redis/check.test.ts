import { expect, test } from "bun:test";
import { judge } from "../../../src/session/redis/check.ts";

const info = (fields: Readonly<Record<string, string>>) =>
  Object.entries({
    redis_version: "7.2.4",
    role: "master",
    cluster_enabled: "0",
    maxmemory_policy: "noeviction",
    ...fields,
  })
    .map(([name, value]) => `${name}:${value}\r\n`)
    .join("");

test("a server that suits is left in peace", () => {
  expect(judge(info({}), "single")).toEqual({ fatal: [], warnings: [] });
  expect(judge(info({ redis_version: "6.2.0" }), "single")).toEqual({ fatal: [], warnings: [] });
  expect(judge(info({ cluster_enabled: "1" }), "cluster")).toEqual({ fatal: [], warnings: [] });
});

test("a server below 6.2 is refused", () => {
  for (const version of ["6.0.20", "5.0.14", "2.8.0"]) {
    expect(judge(info({ redis_version: version }), "single").fatal).toEqual([
      `the server is Redis ${version}; Redis 6.2 or newer, or Valkey, is needed`,
    ]);
  }
});

test("Valkey, which names the Redis version it is compatible with, is welcome", () => {
  expect(judge(info({ valkey_version: "8.0.1", server_name: "valkey" }), "single")).toEqual({
    fatal: [],
    warnings: [],
  });
});

test("a replica is refused where one server is named, and left to Sentinel and Cluster where they choose", () => {
  const replica = info({ role: "slave", master_host: "10.0.0.1", master_port: "6379" });
  expect(judge(replica, "single").fatal).toEqual(["the server is a replica of 10.0.0.1:6379: name the master instead"]);
  expect(judge(replica, "sentinel").fatal).toEqual([]);
});

test("a sentinel is refused by either name of its mode, and told of whom it watches", () => {
  const told = (watched: string) =>
    `the server is a sentinel${watched}: name it in sessions.redis.sentinel instead of sessions.redis.url`;
  const sentinel = info({ redis_mode: "sentinel", master0: "name=slots,status=ok", master1: "name=other,status=ok" });
  expect(judge(sentinel, "single").fatal).toEqual([told(" (of slots, other)")]);
  expect(judge(info({ server_mode: "sentinel" }), "single").fatal).toEqual([told("")]);
  expect(judge(info({ server_mode: "standalone" }), "single").fatal).toEqual([]);
});

test("every policy that evicts is warned of, volatile ones too, because all keys carry an expiry", () => {
  for (const policy of ["allkeys-lru", "volatile-lru", "volatile-ttl", "allkeys-random"]) {
    expect(judge(info({ maxmemory_policy: policy }), "single").warnings).toEqual([expect.stringContaining(policy)]);
  }
});

test("a server whose INFO is not readable is warned of, not refused", () => {
  expect(judge("", "single")).toEqual({ fatal: [], warnings: [expect.stringContaining("not checked")] });
});
