import { expect, test } from "bun:test";
import { configTable } from "../../src/config/describe.ts";
import { configOf, PROVIDER } from "./world.ts";

const MiB = 1024 * 1024;

test("a file that says nothing but its providers has these defaults", () => {
  const timeouts = { connect: 10_000, first_token: 60_000, idle: 120_000, total: 600_000 };
  const hedge = { after: "auto", min: 1_500, max: 30_000, cold: 8_000 };
  const breaker = { failures: 5, open: 30_000, successes: 2 };
  expect(JSON.parse(JSON.stringify(configOf(PROVIDER)))).toEqual({
    server: {
      host: "127.0.0.1",
      port: 8787,
      open: false,
      max_body: 32 * MiB,
      max_buffered: 512 * MiB,
      drain: 30_000,
      drain_delay: 0,
      reuse_port: false,
    },
    admin: {},
    clients: [],
    sessions: {
      ttl: 300_000,
      lease_ttl: 30_000,
      sweep_every: 30_000,
      idle: "yield",
      wait: 0,
      wait_max: 256,
      store: "memory",
      redis: { prefix: "hedgerow", timeout: 100, when_down: "share" },
    },
    defaults: {
      timeouts,
      hedge: { ...hedge, at_once: 2, attempts: 3, budget: 0.1 },
      retry: { same: 1, providers: 3 },
      breaker,
    },
    providers: [
      {
        name: "a",
        protocols: ["anthropic"],
        base_url: "https://a.example",
        api_keys: [],
        enabled: true,
        priority: 0,
        weight: 1,
        groups: ["default"],
        model_map: [],
        headers: [],
        http2: "auto",
        tz: "UTC",
        limits: { sessions: 0, requests: 0 },
        timeouts,
        hedge,
        retry: { same: 1 },
        breaker,
      },
    ],
    log: { level: "info", format: "auto" },
  });
});

test("a client has these", () => {
  const { clients } = configOf(`clients: [{name: c, key: k}]\n${PROVIDER.replace("}]", ", api_key: k}]")}`);
  expect(clients[0]).toMatchObject({ groups: ["default"], limits: { sessions: 0, requests: 0, rpm: 0 } });
});

test("a provider takes from defaults what it does not say itself, key by key", () => {
  const { providers } = configOf(`
defaults: {timeouts: {idle: 5s, total: 0}, hedge: {after: off, cold: 2s}, retry: {same: 0}, breaker: {open: 1s}}
${PROVIDER.replace("}]", ", timeouts: {idle: 7s}, hedge: {after: 3s}, breaker: {failures: 1}}]")}`);
  expect(providers[0]).toMatchObject({
    timeouts: { connect: 10_000, first_token: 60_000, idle: 7_000, total: 0 },
    hedge: { after: 3_000, min: 1_500, max: 30_000, cold: 2_000 },
    retry: { same: 0 },
    breaker: { failures: 1, open: 1_000, successes: 2 },
  });
});

test("what is said of all providers alone is no key of one", () => {
  for (const key of ["hedge: {budget: 5%}", "hedge: {at_once: 2}", "hedge: {attempts: 2}", "retry: {providers: 1}"]) {
    expect(() => configOf(PROVIDER.replace("}]", `, ${key}}]`))).toThrow("unknown key");
  }
});

test("the table has a line for every key, with its default and range", () => {
  const rows = configTable().split("\n");
  expect(rows.slice(0, 2)).toEqual(["| key | default | range | meaning |", "|---|---|---|---|"]);
  expect(rows).toContain("| `server.port` | `8787` | integer 0..65535 | 0 = the system chooses |");
  expect(rows).toContain(
    "| `sessions.sweep_every` | `30s` | duration >= 1s, < 24h | Pause of the cleanup loop, ±20 % |",
  );
  expect(rows.find((row) => row.startsWith("| `providers[].hedge` |"))).toContain("as `defaults.hedge`");
  expect(rows.filter((row) => row.split(/(?<!\\)\|/).length !== 6)).toEqual([]);
  // Each leaf of the configuration that has all of them is a line.
  for (const key of [
    "admin.token",
    "clients[].key_file",
    "sessions.redis.sentinel.nodes",
    "server.tls.key",
    "providers[].tz",
  ]) {
    expect(rows.filter((row) => row.startsWith(`| \`${key}\` |`))).toHaveLength(1);
  }
});
