import { expect, test } from "bun:test";
import { resolve } from "node:path";
import { planOf } from "../../src/app/plan.ts";
import { configOf, PROVIDER } from "../config/world.ts";
import { LOCALHOST_CERT, LOCALHOST_KEY } from "../world/localhost-tls.ts";

const plan = (text: string) =>
  planOf(
    configOf(text, {
      disk: {
        [resolve("c.pem")]: LOCALHOST_CERT,
        [resolve("k.pem")]: LOCALHOST_KEY,
        [resolve("ca.pem")]: LOCALHOST_CERT,
        [resolve("redis.key")]: "from-a-file\n",
      },
    }),
  );

test("a provider with everything said", () => {
  const [provider] = plan(`
providers:
  - name: a
    protocols: [anthropic, gemini]
    base_url: https://A.example:8443/relay/v1/
    api_keys: [one, two]
    auth: bearer
    enabled: false
    priority: 3
    weight: 2
    groups: [x]
    models: ["claude-*"]
    model_map: { "9": nine, "claude-*": c, "1": one }
    headers: { X-Team: t }
    proxy: http://p.example:3128
    http2: off
    active: "22:00-06:00"
    tz: Europe/Vienna
    limits: { sessions: 4, requests: 5 }
    timeouts: { connect: 1s, first_token: 2s, idle: 3s, total: 0 }
    hedge: { after: 4s, min: 5s, max: 6s, cold: 7s }
    retry: { same: 2 }
    breaker: { failures: 8, open: 9s, successes: 1 }
`).providers;
  expect(provider?.keys.map((key) => key.reveal())).toEqual(["one", "two"]);
  expect({ ...provider, keys: [] }).toEqual({
    name: "a",
    protocols: ["anthropic", "gemini"],
    baseUrl: "https://a.example:8443/relay/v1",
    origin: "https://a.example:8443",
    keys: [],
    auth: "bearer",
    enabled: false,
    priority: 3,
    weight: 2,
    groups: ["x"],
    models: ["claude-*"],
    // In the order of the file, names like numbers too.
    modelMap: [
      { glob: "9", upstream: "nine" },
      { glob: "claude-*", upstream: "c" },
      { glob: "1", upstream: "one" },
    ],
    headers: { "x-team": "t" },
    proxy: "http://p.example:3128",
    http2: "off",
    active: { fromMinute: 1_320, toMinute: 360, text: "22:00-06:00", timeZone: "Europe/Vienna" },
    limits: { sessions: 4, requests: 5 },
    timeouts: { connectMs: 1_000, firstTokenMs: 2_000, idleMs: 3_000, totalMs: 0 },
    hedge: { after: 4_000, minMs: 5_000, maxMs: 6_000, coldMs: 7_000 },
    retrySame: 2,
    breaker: { failures: 8, openMs: 9_000, successes: 1 },
  });
});

test("a provider with nothing said", () => {
  const [provider] = plan(PROVIDER).providers;
  expect(provider).toMatchObject({
    keys: [],
    auth: null,
    models: null,
    modelMap: [],
    headers: {},
    proxy: null,
    active: null,
  });
});

test("the rules of a request, of sessions and of the server", () => {
  const { forward, sessions, server, log, clients, store } = plan(`
server: { port: 0, max_body: 1MiB, max_buffered: 2MiB, drain: 1s, drain_delay: 2s, reuse_port: true, tls: { cert: c.pem, key: k.pem } }
clients: [{ name: c, key: k, groups: [g], limits: { sessions: 1, requests: 2, rpm: 3 } }]
sessions: { ttl: 1m, lease_ttl: 9s, sweep_every: 10s, idle: hold, wait: 5s, wait_max: 7 }
defaults: { timeouts: { total: 20s }, hedge: { at_once: 3, attempts: 4, budget: 25% }, retry: { providers: 5 } }
log: { level: warn, format: json }
${PROVIDER.replace("}]", ", api_key: k}]")}`);
  expect(forward).toEqual({
    attemptsMax: 6,
    hedgeAtOnceMax: 3,
    hedgeAttemptsMax: 4,
    hedgeShare: 0.25,
    totalMs: 20_000,
  });
  expect(sessions).toEqual({
    ttlMs: 60_000,
    leaseTtlMs: 9_000,
    sweepEveryMs: 10_000,
    idle: "hold",
    waitMs: 5_000,
    waitMax: 7,
    tombstoneMs: 27_000,
  });
  expect(store).toEqual({ kind: "memory" });
  expect({ ...server, tls: server.tls?.key.reveal() }).toEqual({
    host: "127.0.0.1",
    port: 0,
    bodyBytesMax: 2 ** 20,
    bufferedBytesMax: 2 ** 21,
    drainMs: 1_000,
    drainDelayMs: 2_000,
    reusePort: true,
    tls: LOCALHOST_KEY.trim(),
  });
  expect(log).toEqual({ level: "warn", format: "json" });
  expect(clients[0]?.key.reveal()).toBe("k");
  expect(clients[0]).toMatchObject({ name: "c", groups: ["g"], limits: { sessions: 1, requests: 2, rpm: 3 } });
});

test("an ended session is remembered as long as its longest attempt may take, and under a day", () => {
  const tombstone = (text: string) => plan(text).sessions.tombstoneMs;
  expect(tombstone(PROVIDER)).toBe(600_000);
  expect(tombstone(PROVIDER.replace("}]", ", timeouts: {total: 2h}}]"))).toBe(7_200_000);
  expect(tombstone(PROVIDER.replace("}]", ", timeouts: {total: 0}}]"))).toBe(3_600_000);
  expect(tombstone(`sessions: {lease_ttl: 23h}\n${PROVIDER}`)).toBe(86_399_999);
});

test("the places a Redis store may be at", () => {
  const where = (redis: string) => {
    const { store } = plan(`sessions: {store: redis, redis: ${redis}}\n${PROVIDER}`);
    return store.kind === "redis" ? store : null;
  };
  const single = where("{url: redis://r, username: u, password: p, prefix: x, timeout: 50ms, when_down: open}");
  expect(single?.where.kind === "single" && single.where.url.reveal()).toBe("redis://r");
  expect(single?.password?.reveal()).toBe("p");
  expect(single).toMatchObject({ username: "u", prefix: "x", timeoutMs: 50, whenDown: "open", tls: false });
  expect(where("{url: redis://r, password_file: redis.key}")?.password?.reveal()).toBe("from-a-file");
  expect(where("{url: rediss://r, ca: ca.pem}")?.authority).toBe(LOCALHOST_CERT.trim());
  expect(where("{cluster: [a:1], tls: true}")).toMatchObject({ tls: true, authority: null });
  expect(where("{cluster: [a:1, '[::1]:2']}")?.where).toEqual({
    kind: "cluster",
    nodes: [
      { host: "a", port: 1 },
      { host: "::1", port: 2 },
    ],
  });
  expect(where("{sentinel: {name: m, nodes: [a:1]}}")?.where).toEqual({
    kind: "sentinel",
    name: "m",
    nodes: [{ host: "a", port: 1 }],
  });
});

test("the admin pages are open to loopback only where the whole proxy is", () => {
  const open = (text: string) => plan(text).admin.openToLoopback;
  const keyed = PROVIDER.replace("}]", ", api_key: k}]");
  expect(open(PROVIDER)).toBe(true);
  expect(open(`server: {host: "::1"}\n${PROVIDER}`)).toBe(true);
  expect(open(`admin: {token: t}\n${PROVIDER}`)).toBe(false);
  expect(open(`server: {open: true}\n${PROVIDER}`)).toBe(false);
  expect(open(`clients: [{name: c, key: k}]\n${keyed}`)).toBe(false);
  expect(open(`server: {host: 0.0.0.0}\nclients: [{name: c, key: k}]\n${keyed}`)).toBe(false);
});
