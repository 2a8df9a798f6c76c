import { expect, test } from "bun:test";
import { resolve } from "node:path";
import { redacted } from "../../src/config/redacted.ts";
import { LOCALHOST_CERT, LOCALHOST_KEY } from "../world/localhost-tls.ts";
import { linesOfKey } from "./pem-world.ts";
import { configOf, PROVIDER } from "./world.ts";

const EVERYTHING = `
server: {host: 0.0.0.0, max_body: 1MiB, tls: {cert: cert.pem, key: key.pem}}
admin: {token: canary-admin}
clients: [{name: c, key: canary-client}, {name: d, key_file: client.key}]
sessions: {ttl: 90s, store: redis, redis: {url: "rediss://user:canary-url@r.example:6380/2", ca: ca.pem}}
defaults: {hedge: {budget: 5%}}
providers:
  - name: a
    protocols: [anthropic]
    base_url: https://a.example/v1/
    api_keys: [canary-key-1, canary-key-2]
    model_map: {"claude-*": m}
    headers: {x-relay-key: canary-header, x-team: canary-team}
    proxy: http://u:canary-proxy@p.example:3128
    active: "20:00-08:00"
    tz: Europe/Vienna
    hedge: {after: 2s}
  - name: b
    protocols: [gemini]
    base_url: http://b.example
    api_key_file: b.key
    proxy: http://canary-user@p.example
`;

const disk = {
  [resolve("cert.pem")]: LOCALHOST_CERT,
  [resolve("key.pem")]: LOCALHOST_KEY,
  [resolve("client.key")]: "canary-client-file",
  [resolve("b.key")]: "canary-provider-file",
  [resolve("ca.pem")]: LOCALHOST_CERT,
  [resolve("redis.key")]: "canary-password-file",
};

test("the configuration is shown in the language of the file, and no secret in it", () => {
  const shown = redacted(configOf(EVERYTHING, { disk }));
  expect(JSON.stringify(shown)).not.toContain("canary");
  for (const line of linesOfKey(LOCALHOST_KEY + LOCALHOST_CERT)) expect(JSON.stringify(shown)).not.toContain(line);
  expect(shown).toMatchObject({
    server: { host: "0.0.0.0", port: 8787, max_body: "1MiB", max_buffered: "512MiB", drain_delay: "0s" },
    admin: { token: "***" },
    clients: [{ name: "c", key: "***", groups: ["default"] }, { key: "***" }],
    sessions: { ttl: "90s", redis: { url: "rediss://user:***@r.example:6380/2", ca: "(PEM)" } },
    defaults: { hedge: { budget: "5%", after: "auto" } },
    providers: [
      {
        base_url: "https://a.example/v1",
        api_keys: ["***", "***"],
        model_map: { "claude-*": "m" },
        headers: { "x-relay-key": "***", "x-team": "***" },
        proxy: "http://u:***@p.example:3128/",
        active: "20:00-08:00",
        hedge: { after: "2s", cold: "8s" },
      },
      { api_keys: ["***"], proxy: "http://***@p.example/" },
    ],
  });
});

test("the store's password is stars wherever it stands", () => {
  for (const password of ["password: canary-password", "password_file: redis.key"]) {
    const config = configOf(`sessions: {store: redis, redis: {cluster: [a:1], ${password}}}\n${PROVIDER}`, { disk });
    expect(JSON.stringify(config) + Bun.inspect(config, { depth: 9 })).not.toContain("canary");
    expect(redacted(config)).toMatchObject({ sessions: { redis: { cluster: ["a:1"], password: "***" } } });
    const sentinel = `{name: m, nodes: [a:1], ${password}}`;
    const watched = configOf(`sessions: {store: redis, redis: {sentinel: ${sentinel}}}\n${PROVIDER}`, { disk });
    expect(redacted(watched)).toMatchObject({ sessions: { redis: { sentinel: { name: "m", password: "***" } } } });
    expect(JSON.stringify(redacted(watched))).not.toContain("canary");
  }
});

test("the configuration itself gives no secret away when it is printed", () => {
  const { admin, clients, providers, server } = configOf(EVERYTHING, { disk });
  const keys = [
    server.tls?.key,
    admin.token,
    clients[0]?.key,
    ...(providers[0]?.api_keys ?? []),
    providers[0]?.headers,
  ];
  const printed = JSON.stringify(keys) + Bun.inspect(keys, { depth: 9 });
  for (const secret of ["canary", ...linesOfKey(LOCALHOST_KEY)]) expect(printed).not.toContain(secret);
});
