import { describe, expect, test } from "bun:test";
import { resolve } from "node:path";
import { LOCALHOST_CERT } from "../world/localhost-tls.ts";
import { linesOf, loaded, PROVIDER } from "./world.ts";

test("twelve mistakes are twelve lines in the order of the file", () => {
  const text = [
    "server:", // 1
    "  prot: 8787",
    "  max_body: 33554432",
    "clients:",
    "  - name: alice", // 5
    "    key: secret-of-alice",
    "  - name: alice",
    "    key: secret-of-alice",
    "sessions:",
    "  ttl: 5 minutes", // 10
    "providers:",
    "  - name: main",
    "    protocols: [anthropic]",
    "    base_url: https://key@api.example",
    "    api_key: ${MAIN_KEY}", // 15
    "    limits:",
    "      sessions: -1",
    "    hedge: { min: 40s }",
    "  - name: spare",
    "    protocols: [antrhopic]", // 20
    "    base_url: https://api.example",
    "    base_url: https://api.example",
    "    api_key: other-secret",
    "    headers: { Host: a.example }",
  ].join("\n");
  expect(linesOf(text)).toEqual([
    `providers.yaml:2:3 server.prot: unknown key; did you mean "port"?`,
    "providers.yaml:3:13 server.max_body: expected size >= 1KiB, <= 1GiB, got 33554432: a bare number has no unit; write it like 64KiB or 32MiB",
    "providers.yaml:7:11 clients[1].name: the same as clients[0].name",
    "providers.yaml:8:10 clients[1].key: the same as clients[0].key",
    `providers.yaml:10:8 sessions.ttl: expected duration >= 1s, < 24h, got "5 minutes": write it like 5ms, 5s, 5m, 5h`,
    "providers.yaml:14:15 providers[0].base_url: expected http:// or https:// URL, got ***: it must not hold credentials; use api_key",
    "providers.yaml:15:14 providers[0].api_key: ${MAIN_KEY} is not set in the environment",
    "providers.yaml:17:17 providers[0].limits.sessions: expected integer >= 0, got -1",
    "providers.yaml:18:19 providers[0].hedge.min: expected at most hedge.max",
    `providers.yaml:20:17 providers[1].protocols[0]: expected anthropic, openai-chat, openai-responses or gemini, got "antrhopic": did you mean "anthropic"?`,
    "providers.yaml:22:5 providers[1].base_url: duplicate key",
    `providers.yaml:24:16 providers[1].headers.Host: expected header name, got "Host": this header is Hedgerow's own to set`,
  ]);
});

describe("the file itself", () => {
  test("that is not UTF-8", () => {
    expect(linesOf(new Uint8Array([0x61, 0xff]))).toEqual([
      "providers.yaml:1:1 the configuration cannot be read: it is not UTF-8",
    ]);
  });
  test("that is too large", () => {
    expect(linesOf(new Uint8Array(1024 * 1024 + 1))).toEqual([
      "providers.yaml:1:1 the configuration cannot be read: it is larger than 1024 KiB",
    ]);
  });
  test("with a byte order mark and CRLF is read all the same", () => {
    expect(linesOf(`\ufeff${PROVIDER.replace("\n", "\r\n")}log: {level: info}\r\n`)).toEqual([]);
  });
  test("nested ten thousand deep is one line", () => {
    expect(linesOf("[".repeat(10_000))).toHaveLength(1);
  });
  test("with thousands of mistakes shows a hundred lines, the last of which counts the others", () => {
    const lines = linesOf(`${PROVIDER}${Array.from({ length: 3_000 }, (_, index) => `k${index}: 1\n`).join("")}`);
    expect(lines).toHaveLength(100);
    expect(lines.at(-1)).toBe("providers.yaml:101:1 and 2901 more problems from here on");
  });
});

describe("files that it names", () => {
  const key =
    "providers:\n  - name: a\n    protocols: [gemini]\n    base_url: https://a.example\n    api_key_file: keys/a\n";
  const at = resolve("keys/a");

  test("are found beside it, trimmed, and listed for whoever watches them", () => {
    const result = loaded(key, { disk: { [at]: "  the-key\n" } });
    expect(result.files).toEqual(["providers.yaml", at]);
    expect(result.kind === "ok" && result.config.providers[0]?.api_keys.map((key) => key.reveal())).toEqual([
      "the-key",
    ]);
  });
  test("are watched too where they are the shared store's", () => {
    const text = `sessions: {redis: {url: rediss://a, password_file: redis.key, ca: ca.pem}}\n${PROVIDER}`;
    const [password, ca] = [resolve("redis.key"), resolve("ca.pem")];
    const result = loaded(text, { disk: { [password]: "a pass phrase\n", [ca]: LOCALHOST_CERT } });
    expect(result.files).toEqual(["providers.yaml", password, ca]);
    const redis = result.kind === "ok" ? result.config.sessions.redis : null;
    expect(redis?.password?.reveal()).toBe("a pass phrase");
    expect(linesOf(text, { disk: { [password]: "\n", [ca]: LOCALHOST_CERT.slice(0, -20) } })).toEqual([
      'providers.yaml:1:52 sessions.redis.password_file: expected path of a file with password, got "redis.key": the file is empty',
      'providers.yaml:1:67 sessions.redis.ca: expected path of a file with PEM certificates, got "ca.pem": number 1 of the 1 in it is damaged; copy it again, from -----BEGIN to -----END',
    ]);
  });
  // The name of a file that was read is no secret; what cannot be read may be a key in the wrong place.
  const broken: readonly (readonly [string, Record<string, string | Uint8Array>, string])[] = [
    ["missing", {}, "***: no such file"],
    ["empty", { [at]: "\n" }, '"keys/a": the file is empty'],
    ["not UTF-8", { [at]: new Uint8Array([0xff]) }, '"keys/a": it is not UTF-8'],
    ["too large", { [at]: "k".repeat(65 * 1024) }, "***: it is larger than 64 KiB"],
  ];
  for (const [what, disk, told] of broken) {
    test(`that are ${what} are a mistake at the key, and watched all the same`, () => {
      const result = loaded(key, { disk });
      expect(linesOf(key, { disk })).toEqual([
        `providers.yaml:5:19 providers[0].api_key_file: expected path of a file with secret (printable ASCII, no blanks), got ${told}`,
      ]);
      expect(result.files).toEqual(["providers.yaml", at]);
    });
  }
  test("with a key of two lines are a mistake", () => {
    expect(linesOf(key, { disk: { [at]: "one\ntwo" } })).toHaveLength(1);
  });
});

describe("the command line stands above the file", () => {
  test("and its host is held to the same rules", () => {
    expect(linesOf(`server:\n  port: 1\n${PROVIDER}`, { overrides: { host: "0.0.0.0" } })).toEqual([
      "providers.yaml:2:3 server.host: everybody who reaches 0.0.0.0 could use it; add clients, or say server.open: true",
    ]);
  });
  test("host, port and log level", () => {
    const result = loaded(`server: {host: 0.0.0.0, port: 1}\n${PROVIDER}`, {
      overrides: { host: "localhost", port: 2, logLevel: "debug" },
    });
    expect(
      result.kind === "ok" && [result.config.server.host, result.config.server.port, result.config.log.level],
    ).toEqual(["localhost", 2, "debug"]);
  });
});
