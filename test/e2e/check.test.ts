import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CUT_KEY, encryptedKey, linesOfKey, otherKey } from "../config/pem-world.ts";
import { runHedgerow } from "../world/binary.ts";
import { LOCALHOST_CERT, LOCALHOST_KEY } from "../world/localhost-tls.ts";

setDefaultTimeout(60_000);

const TWELVE = `server:
  port: 70000
  hots: 127.0.0.1
  drain: 30
sessions:
  idle: keep
  ttl: 5m
  ttl: 6m
defaults:
  hedge: { budget: 10 }
providers:
  - name: main
    protocols: [anthropic, openai]
    base_url: ftp://someone:sk-in-the-url@example.com
    api_key: \${MISSING_KEY}
    limits:
      sessions: -1
  - name: Second One
    protocols: [gemini]
    base_url: https://example.com
    api_key: sk-never-printed-1234
    weight: heavy
`;

/** Wrong values at the value, wrong keys at the key. */
const PLACES = [
  "providers.yaml:2:9 server.port: expected integer",
  "providers.yaml:3:3 server.hots: unknown key",
  "providers.yaml:4:10 server.drain: expected duration",
  "providers.yaml:6:9 sessions.idle: expected yield or hold",
  "providers.yaml:8:3 sessions.ttl: duplicate key",
  "providers.yaml:10:20 defaults.hedge.budget: expected ratio",
  "providers.yaml:13:28 providers[0].protocols[1]: expected",
  "providers.yaml:14:15 providers[0].base_url: expected",
  "providers.yaml:15:14 providers[0].api_key: ${MISSING_KEY}",
  "providers.yaml:17:17 providers[0].limits.sessions: expected integer >= 0, got -1",
  "providers.yaml:18:11 providers[1].name: expected",
  "providers.yaml:22:13 providers[1].weight: expected integer",
];

async function checked(config: string, verb: readonly string[], files: Readonly<Record<string, string>> = {}) {
  const folder = mkdtempSync(join(tmpdir(), "hedgerow-check-"));
  try {
    for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
    writeFileSync(join(folder, "providers.yaml"), config);
    return await runHedgerow(verb, { cwd: folder });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test("check tells twelve mistakes in twelve lines, at their places, and no secret", async () => {
  const { code, stdout, stderr } = await checked(TWELVE, ["check"]);
  const lines = stdout.trim().split("\n");
  expect(lines.map((line, at) => line.slice(0, PLACES[at]?.length ?? 0))).toEqual(PLACES);
  expect(lines[1]).toContain('"host"');
  expect(stdout + stderr).not.toMatch(/sk-never-printed|sk-in-the-url/);
  expect(code).toBe(2);
});

test("serve refuses the same file with the same lines", async () => {
  const { code, stdout, stderr } = await checked(TWELVE, ["serve"]);
  expect(code).toBe(2);
  for (const place of PLACES) expect(stdout + stderr).toContain(place);
});

test("what init writes passes check", async () => {
  const folder = mkdtempSync(join(tmpdir(), "hedgerow-init-"));
  try {
    expect((await runHedgerow(["init", "-o", "providers.yaml"], { cwd: folder })).code).toBe(0);
    expect(await runHedgerow(["check"], { cwd: folder })).toMatchObject({ code: 0 });
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("listening beyond loopback without clients is refused", async () => {
  const open = `server: { host: 0.0.0.0, port: 0 }
providers: [{ name: a, protocols: [anthropic], base_url: "http://127.0.0.1:1", api_key: k-0123456789 }]
`;
  expect((await checked(open, ["serve"])).code).toBe(2);
});

describe("a certificate and key that no server would start with", () => {
  const config = `server: { port: 0, tls: { cert: c.pem, key: k.pem } }
providers: [{ name: a, protocols: [anthropic], base_url: "http://127.0.0.1:1", api_key: k-0123456789 }]
`;
  const at = "providers.yaml:1:45 server.tls.key: ";
  const wrong = `${at}expected path of a file with PEM private key, got "k.pem": it is `;
  test.each([
    ["of two pairs", otherKey(), `${at}the key in "k.pem" is not that of the first certificate in "c.pem"; `],
    ["encrypted", encryptedKey(), `${wrong}encrypted, `],
    ["damaged", CUT_KEY, `${wrong}damaged; copy it again`],
  ])("%s: told by check and by serve, and nothing of it", async (_, key, line) => {
    for (const verb of ["check", "serve"]) {
      const { code, stdout, stderr } = await checked(config, [verb], { "c.pem": LOCALHOST_CERT, "k.pem": key });
      expect([code, (stdout + stderr).slice(0, line.length)]).toEqual([2, line]);
      for (const secret of linesOfKey(key)) expect(stdout + stderr).not.toContain(secret);
    }
  });

  test("the right ones pass", async () => {
    const files = { "c.pem": LOCALHOST_CERT, "k.pem": LOCALHOST_KEY };
    expect((await checked(config, ["check"], files)).code).toBe(0);
  });
});

test("mistakes that would go upstream are told before", async () => {
  const config = `providers:
  - name: none
    protocols: [anthropic]
    base_url: http://127.0.0.1:1
    api_key: '\${A:-\${B:-c}}'
    headers: { Content-Encoding: gzip }
    model_map: { "g*": "claude-*" }
`;
  const { code, stdout } = await checked(config, ["check"]);
  expect(
    stdout
      .trim()
      .split("\n")
      .map((line) => line.split(" ").slice(0, 2).join(" ")),
  ).toEqual([
    "providers.yaml:2:11 providers[0].name:",
    "providers.yaml:5:14 providers[0].api_key:",
    "providers.yaml:6:16 providers[0].headers.Content-Encoding:",
    'providers.yaml:7:24 providers[0].model_map["g*"]:',
  ]);
  expect(code).toBe(2);
});

test("usage errors are 2, help and version are 0", async () => {
  expect((await runHedgerow(["no-such-verb"])).code).toBe(2);
  expect((await runHedgerow(["check", "--no-such-flag"])).code).toBe(2);
  expect((await runHedgerow(["check", "-c", "/nowhere/providers.yaml"])).code).toBe(2);
  expect(await runHedgerow(["--version"])).toMatchObject({ code: 0, stdout: expect.stringMatching(/\d+\.\d+\.\d+/) });
  expect(await runHedgerow(["--help"])).toMatchObject({ code: 0, stdout: expect.stringContaining("serve") });
  expect((await runHedgerow(["check", "--help"])).code).toBe(0);
});
