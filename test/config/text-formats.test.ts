import { describe, expect, test } from "bun:test";
import {
  BASE_URL,
  GLOB,
  HEADER_NAME,
  HEADER_VALUE,
  HOST,
  HOST_PORT,
  HOURS,
  LABEL,
  MODEL,
  NAME,
  PREFIX,
  PROXY_URL,
  REDIS_URL,
  SECRET,
  TIME_ZONE,
} from "../../src/config/text-formats.ts";
import { PEM_CERT, PEM_CERTS, PEM_KEY } from "../../src/config/pem.ts";
import { HOP_BY_HOP, MADE_ANEW } from "../../src/core/header-names.ts";
import { LOCALHOST_CERT, LOCALHOST_KEY } from "../world/localhost-tls.ts";

type Case = readonly [
  format: Readonly<{ parse(text: string): Readonly<{ kind: "value" | "wrong" }>; pattern: string }>,
  good: readonly string[],
  bad: readonly string[],
];

const cases: Readonly<Record<string, Case>> = {
  names: [NAME, ["a", "0", "a.b_c-d", "a".repeat(63)], ["", "A", "-a", ".a", "a b", "a/b", "{a}", "a".repeat(64), "ä"]],
  "names that are labels of metrics": [LABEL, ["a", "nones", "another", "other-1"], ["none", "other", "A", ""]],
  "names of models": [MODEL, ["gpt-4", "vendor/name:free@1"], ["", "*", "claude-*", "gpt-?", "a b"]],
  prefixes: [PREFIX, ["hedgerow", "a.b", "-"], ["", "a:b", "{a}", "A"]],
  globs: [GLOB, ["*", "claude-*", "models/x?y", "a:b@c"], ["", "a b", "ä", "a\n"]],
  hosts: [
    HOST,
    ["127.0.0.1", "::", "::1", "localhost", "a-b.example"],
    ["", "a b", "http://a", "a:80", "-a", "[::1]", "a/b", "10.0.0", "300.1.1.1", "::g"],
  ],
  servers: [HOST_PORT, ["a:1", "10.0.0.1:6379", "[::1]:6379"], ["a", "a:0", "a:65536", "::1:6379", ":1", "a:b"]],
  "base URLs": [
    BASE_URL,
    ["https://api.anthropic.com", "http://127.0.0.1:1/a/v1/", "https://[::1]:8080"],
    [
      "api.anthropic.com",
      "ftp://a",
      "https://",
      "https://u@a",
      "https://u:p@a",
      "https://a?b",
      "https://a#b",
      "https:/a",
      "https://a b",
      "https:\\\\a",
    ],
  ],
  proxies: [
    PROXY_URL,
    ["http://a:3128", "http://u:p@a:3128/"],
    ["socks5://a", "a:3128", "http://a/path", "http://a?b"],
  ],
  "Redis URLs": [
    REDIS_URL,
    [
      "redis://a",
      "rediss://u:p@a:1/2",
      "redis://:p@a/0",
      "redis://:p%25%2F%3F%23%C3%A4@a",
      "redis+unix:///run/redis.sock",
      "redis+unix:///run/a%20b.sock?db=12",
    ],
    [
      "http://a",
      "redis://",
      "redis:///1",
      "redis://a/b",
      "redis+unix://",
      "a:6379",
      "redis://:p%ss@a",
      "redis://u%:p@a",
      "redis://:p%E4@a",
      "redis+unix:///run/100%.sock",
      "redis://a?db=3",
      "redis://a/3?db=4",
      "redis://a#b",
      "redis+unix:///s?db=a",
      "redis+unix:///s?DB=1",
      "redis+unix://run/redis.sock",
      "redis+unix://u:p@/run/redis.sock",
    ],
  ],
  hours: [
    HOURS,
    ["08:00-20:00", "22:30-06:15", "00:00-24:00", "08:00-08:00"],
    ["8:00-20:00", "08:00", "24:00-08:00", "08:60-09:00", "08:00 - 20:00", "08:00-25:00"],
  ],
  "time zones": [
    TIME_ZONE,
    ["UTC", "Europe/Vienna", "America/Argentina/Buenos_Aires", "Etc/GMT+5"],
    ["", "Vienna", "+02:00", "Europe/Nowhere"],
  ],
  secrets: [SECRET, ["a", "sk-ant-api03_x.y=~"], ["", "a b", "a\n", "ä", "\u0000"]],
  "names of headers": [
    HEADER_NAME,
    ["anthropic-beta", "api-key", "X-Team"],
    [
      "",
      "a b",
      "a:",
      "Authorization",
      "X-Api-Key",
      "x-goog-api-key",
      "HOST",
      "Connection",
      "te",
      "Transfer-Encoding",
      "content-length",
      "cookie",
      "x-hedgerow-session",
      "accept-encoding",
      "expect",
      "proxy-authorization",
    ],
  ],
  "values of headers": [HEADER_VALUE, ["", "a b", "é"], [" a", "a\r\nb: c", "a\u0000", "日"]],
  certificates: [PEM_CERT, [LOCALHOST_CERT], ["x", LOCALHOST_KEY, "-----BEGIN CERTIFICATE-----\nx"]],
  "certificates of authorities": [
    PEM_CERTS,
    [LOCALHOST_CERT, `# the house's own\n${LOCALHOST_CERT}\n# and another\n${LOCALHOST_CERT}`],
    [
      "x",
      "-----BEGIN CERTIFICATE-----\nx",
      `${LOCALHOST_CERT}-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----`,
    ],
  ],
  "private keys": [
    PEM_KEY,
    [LOCALHOST_KEY, LOCALHOST_KEY + LOCALHOST_CERT],
    ["x", LOCALHOST_CERT, "-----BEGIN PRIVATE KEY-----\nx", "-----BEGIN EC PRIVATE KEY-----"],
  ],
};

test("no header that speaks about one connection or is made anew can be configured", () => {
  for (const name of [...HOP_BY_HOP, ...MADE_ANEW])
    expect([name, HEADER_NAME.parse(name).kind]).toEqual([name, "wrong"]);
});

for (const [what, [format, good, bad]] of Object.entries(cases)) {
  describe(what, () => {
    test("as they should be", () => expect(good.filter((text) => format.parse(text).kind === "wrong")).toEqual([]));
    test("as they should not", () => expect(bad.filter((text) => format.parse(text).kind === "value")).toEqual([]));
    test("match the pattern that editors check by", () => {
      expect(good.filter((text) => !new RegExp(format.pattern, "us").test(text))).toEqual([]);
    });
  });
}

test("a base URL loses its trailing slashes and keeps its path", () => {
  expect(BASE_URL.parse("https://A.example/x/v1//")).toEqual({ kind: "value", value: "https://a.example/x/v1" });
});

test("a Redis URL with a character that must be encoded is told which, and never repeated", () => {
  const encode = "in its user, password and path write % / ? # @ that are part of them as %25 %2F %3F %23 %40";
  for (const password of ["canary%ss", "canary%", "canary%E4", "can/ary", "can#ary", "can?ary", "can#@ry"]) {
    expect(REDIS_URL.parse(`redis://:${password}@a:6379/1`)).toEqual({ kind: "wrong", why: encode });
  }
  expect(REDIS_URL.parse("redis://:p@a:66666")).toEqual({ kind: "wrong", why: "" });
});

test("hours are minutes of the day, and those that cross midnight end before they begin", () => {
  expect(HOURS.parse("22:30-06:15")).toEqual({
    kind: "value",
    value: { fromMinute: 1_350, toMinute: 375, text: "22:30-06:15" },
  });
});

test("a server's port follows its last colon, and brackets are not part of an address", () => {
  expect(HOST_PORT.parse("[fe80::1]:6379")).toEqual({ kind: "value", value: { host: "fe80::1", port: 6379 } });
  expect(HOST_PORT.show({ host: "fe80::1", port: 6379 })).toBe("[fe80::1]:6379");
});
