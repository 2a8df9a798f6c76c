import { describe, expect, test } from "bun:test";
import { linesOf, PROVIDER } from "./world.ts";

describe("one mistake, one line", () => {
  const cases: readonly (readonly [what: string, text: string, line: string])[] = [
    [
      "a password in a Redis URL that was not encoded",
      `sessions:\n  redis:\n    url: redis://:pa%ss@a\n${PROVIDER}`,
      "3:10 sessions.redis.url: expected redis://, rediss:// or redis+unix:// URL, got ***: " +
        "in its user, password and path write % / ? # @ that are part of them as %25 %2F %3F %23 %40",
    ],
    [
      "an unknown key near a known one",
      `server: {hots: x}\n${PROVIDER}`,
      `1:10 server.hots: unknown key; did you mean "host"?`,
    ],
    [
      "an unknown key near none",
      `log: {colour: x}\n${PROVIDER}`,
      "1:7 log.colour: unknown key; known are level, format",
    ],
    [
      "an unknown key at the top",
      `x_base: 1\n${PROVIDER}`,
      "1:1 x_base: unknown key; known are server, admin, clients, sessions, defaults, providers, log",
    ],
    ["a key there twice", `log:\n  level: info\n  level: warn\n${PROVIDER}`, "3:3 log.level: duplicate key"],
    [
      "an integer below its range",
      "providers:\n  - name: a\n    protocols: [gemini]\n    base_url: https://a.example\n    limits:\n      sessions: -1\n",
      "6:17 providers[0].limits.sessions: expected integer >= 0, got -1",
    ],
    [
      "an integer above its range",
      `server: {port: 65536}\n${PROVIDER}`,
      "1:16 server.port: expected integer 0..65535, got 65536",
    ],
    [
      "a fraction for an integer",
      `server: {port: 80.5}\n${PROVIDER}`,
      "1:16 server.port: expected integer 0..65535, got 80.5",
    ],
    [
      "a quoted number for an integer",
      `server: {port: "80"}\n${PROVIDER}`,
      `1:16 server.port: expected integer 0..65535, got "80"`,
    ],
    [
      "a word for a boolean",
      `server: {reuse_port: yes}\n${PROVIDER}`,
      `1:22 server.reuse_port: expected true or false, got "yes"`,
    ],
    [
      "a word that is none of the choices",
      `log: {level: warning}\n${PROVIDER}`,
      `1:14 log.level: expected debug, info, warn or error, got "warning"`,
    ],
    [
      "a choice mistyped",
      `log: {level: inof}\n${PROVIDER}`,
      `1:14 log.level: expected debug, info, warn or error, got "inof": did you mean "info"?`,
    ],
    [
      "a bare number for a duration",
      `sessions: {ttl: 300}\n${PROVIDER}`,
      "1:17 sessions.ttl: expected duration >= 1s, < 24h, got 300: a bare number has no unit; write it like 250ms, 3s, 5m or 2h",
    ],
    [
      "a duration in days",
      `sessions: {ttl: 1d}\n${PROVIDER}`,
      `1:17 sessions.ttl: expected duration >= 1s, < 24h, got "1d": write it like 5ms, 5s, 5m, 5h`,
    ],
    [
      "a ttl of a day",
      `sessions: {ttl: 24h}\n${PROVIDER}`,
      `1:17 sessions.ttl: expected duration >= 1s, < 24h, got "24h"`,
    ],
    [
      "a bare number for a size",
      `server: {max_body: 1000000}\n${PROVIDER}`,
      "1:20 server.max_body: expected size >= 1KiB, <= 1GiB, got 1000000: a bare number has no unit; write it like 64KiB or 32MiB",
    ],
    [
      "a size in MB",
      `server: {max_body: 32MB}\n${PROVIDER}`,
      `1:20 server.max_body: expected size >= 1KiB, <= 1GiB, got "32MB": write it like 5B, 5KiB, 5MiB, 5GiB`,
    ],
    [
      "a bare number for a ratio",
      `defaults: {hedge: {budget: 0.1}}\n${PROVIDER}`,
      "1:28 defaults.hedge.budget: expected ratio <= 100%, got 0.1: a bare number is no ratio; write it like 10%",
    ],
    [
      "a mapping for a text",
      `server: {host: {a: 1}}\n${PROVIDER}`,
      "1:16 server.host: expected IP address or host name, got a mapping",
    ],
    ["a text for a mapping", `server: localhost\n${PROVIDER}`, "1:9 server: expected mapping, got a text"],
    ["a text for a list", "providers: main\n", "1:12 providers: expected list of 1 or more, got a text"],
    ["nothing for a mapping", `server:\n${PROVIDER}`, "1:8 server: expected mapping, got nothing"],
    [
      "nothing for a list, which must not open the door",
      `clients:\n${PROVIDER}`,
      "1:9 clients: expected list, got nothing",
    ],
    [
      "nothing for a key",
      "providers:\n  - name: a\n    protocols: [gemini]\n    base_url: https://a.example\n    api_key:\n",
      "5:13 providers[0].api_key: expected secret (printable ASCII, no blanks), got nothing",
    ],
    ["no providers at all", "log: {level: info}\n", "1:1 providers: missing; expected list of 1 or more"],
    ["an empty list of providers", "providers: []\n", "1:12 providers: expected 1 or more items, got 0"],
    [
      "a missing required key",
      "providers:\n  - protocols: [gemini]\n    base_url: https://a.example\n",
      "2:5 providers[0].name: missing; expected name ([a-z0-9] first, then up to 62 of [a-z0-9._-])",
    ],
    [
      "a name with capitals",
      PROVIDER.replace("name: a", "name: Main"),
      `1:20 providers[0].name: expected name ([a-z0-9] first, then up to 62 of [a-z0-9._-]), got "Main"`,
    ],
    [
      "an unknown protocol",
      PROVIDER.replace("anthropic]", "antropic]"),
      `1:35 providers[0].protocols[0]: expected anthropic, openai-chat, openai-responses or gemini, got "antropic": did you mean "anthropic"?`,
    ],
    [
      "a protocol twice",
      PROVIDER.replace("[anthropic]", "[gemini, gemini]"),
      "1:43 providers[0].protocols[1]: the same as providers[0].protocols[0]",
    ],
    [
      "a variable that is not set",
      `admin: {token: "\${TOKEN}"}\n${PROVIDER}`,
      "1:16 admin.token: ${TOKEN} is not set in the environment",
    ],
    [
      "a broken variable",
      `admin: {token: "\${TO KEN}"}\n${PROVIDER}`,
      "1:16 admin.token: expected ${NAME} or ${NAME:-default} (a plain $ is written $$)",
    ],
    ["an alias of nothing", `server: *base\n${PROVIDER}`, "1:9 server: this alias names no anchor before it"],
    [
      "a merge of a list of texts",
      `server: {<<: [a]}\n${PROVIDER}`,
      "1:15 server: << expected a mapping or a list of mappings",
    ],
    ["a tag", `server: !server {}\n${PROVIDER}`, "1:9 this is no valid YAML: tags (!…) are not used here"],
    [
      "a tab",
      `server:\n\thost: localhost\n${PROVIDER}`,
      "2:1 this is no valid YAML: indented with a tab; YAML allows only blanks",
    ],
    ["an open bracket", "providers: [\n", "2:1 this is no valid YAML: wrong indentation"],
    [
      "two documents",
      `${PROVIDER}---\n${PROVIDER}`,
      "2:1 this is no valid YAML: only one document is read; remove the --- between",
    ],
    ["YAML 1.1", `%YAML 1.1\n---\n${PROVIDER}`, "1:1 only YAML 1.2 is read"],
    ["an empty file", "", "1:1 the file is empty"],
    ["a file of comments", "# nothing\n", "1:1 the file is empty"],
    ["a list at the top", "- a\n", "1:1 expected mapping, got a list"],
    [
      "a table's value that is a mapping",
      PROVIDER.replace("}]", ", model_map: {a: {}}}]"),
      "1:91 providers[0].model_map.a: expected model name, got a mapping",
    ],
    [
      "a table's value that is missing",
      PROVIDER.replace("}]", ", model_map: {a: }}]"),
      "1:91 providers[0].model_map.a: expected model name, got nothing",
    ],
    [
      "a table that is a list",
      PROVIDER.replace("}]", ", model_map: [a]}]"),
      "1:87 providers[0].model_map: expected mapping, got a list",
    ],
    [
      "a number where text is wanted",
      PROVIDER.replace("}]", ", model_map: {a: 4}}]"),
      "1:91 providers[0].model_map.a: expected model name, got 4: quote it",
    ],
  ];
  for (const [what, text, line] of cases) {
    test(what, () => expect(linesOf(text)).toEqual([line === "" ? line : `providers.yaml:${line}`]));
  }
});

describe("a variable without quotes inside {} or []", () => {
  const QUOTE = 'this is no valid YAML: a variable inside {} or [] needs quotes, like "${NAME}"';

  test.each(["${KEY}", "${KEY:-x}", "x${KEY}", "${KEY }"])("%s is told at its place, in one line", (text) => {
    const at = 16 + text.indexOf("$");
    expect(linesOf(`admin: { token: ${text} }\n${PROVIDER}`)).toEqual([`providers.yaml:1:${at + 1} ${QUOTE}`]);
    const list = `providers:\n  - name: a\n    api_keys: [${text}, "b"]\n`;
    expect(linesOf(list)).toEqual([`providers.yaml:3:${at} ${QUOTE}`]);
  });

  test("is told at every place, and what follows from it is not", () => {
    const entry = "  - {name: a, protocols: [anthropic], base_url: https://a.example, api_key: ${KEY}}\n";
    const [line, column] = [2, entry.indexOf("$") + 1];
    expect(linesOf(`providers:\n${entry}${entry}log:\n  level: info\n`)).toEqual([
      `providers.yaml:${line}:${column} ${QUOTE}`,
      `providers.yaml:${line + 1}:${column} ${QUOTE}`,
    ]);
  });

  test("hides no mistake that comes before it", () => {
    expect(linesOf(`server: !server {}\nadmin: { token: \${KEY} }\n${PROVIDER}`)).toEqual([
      "providers.yaml:1:9 this is no valid YAML: tags (!…) are not used here",
      `providers.yaml:2:17 ${QUOTE}`,
    ]);
  });
});

test("no mistake of any kind prints a secret", () => {
  const canary = "sk-canary-0123456789";
  const places = [
    `admin: {token: "${canary} "}`,
    `admin: {token: [${canary}]}`,
    `admin: {token: {${canary}: 1}}`.replace(`${canary}: 1`, `a: ${canary}`),
    `clients: [{name: a, key: "${canary} x"}]`,
    `clients: [{name: a, key: ${canary}}, {name: b, key: ${canary}}]`,
    `clients: [{name: a, key_file: ${canary}}]`,
    `server: {tls: {cert: ${canary}, key: ${canary}}}`,
    `server: {port: "\${CANARY}", host: "\${CANARY}_", reuse_port: "\${CANARY}", drain: "\${CANARY}"}`,
    `log: {level: "\${CANARY}"}`,
    `sessions: {redis: {url: "http://:${canary}@a"}}`,
    `sessions: {redis: {url: "redis://:${canary}@/x y"}}`,
    `sessions: {redis: {password: [${canary}]}}`,
    `sessions: {redis: {password_file: ${canary}, ca: ${canary}}}`,
    `sessions: {redis: {url: "redis://:${canary}@a", password: ${canary}, tls: true}}`,
    `x-a: &a ${canary}\nadmin: *a\nserver: {tls: *a}`,
    `admin: {token: "${canary}`,
    `admin: {token: ${canary}: x}`,
    canary.replaceAll("-", " "),
  ];
  const provider = [
    `api_key: "${canary} x"`,
    `api_keys: ${canary}`,
    `api_keys: [${canary}, ${canary}]`,
    `api_key_file: ${canary}`,
    `api_key: ${canary}, api_keys: [${canary}]`,
    `base_url: "https://${canary}@a.example"`,
    `base_url: "https://a.example?key=${canary}"`,
    `proxy: "ftp://u:${canary}@a"`,
    `proxy: ${canary}`,
    `headers: ${canary}`,
    `headers: {x-a: "${canary}\\n"}`,
    `headers: {x-a: [${canary}]}`,
    `limits: {sessions: "\${CANARY}"}`,
  ].map((more) => PROVIDER.replace("}]", `, ${more}}]`));
  for (const text of [...places, ...provider]) {
    const whole = text.includes("providers:") ? text : `${text}\n${PROVIDER}`;
    const lines = linesOf(whole, { env: { CANARY: canary } });
    expect(lines).not.toEqual([]);
    expect(lines.filter((line) => /canary|0123456789/.test(line))).toEqual([]);
  }
});
