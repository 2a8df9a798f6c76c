import { describe, expect, test } from "bun:test";
import { resolve } from "node:path";
import { LOCALHOST_CERT } from "../world/localhost-tls.ts";
import { linesOf, PROVIDER } from "./world.ts";

/** The lines without the file's name and place. */
function complaints(text: string, env: Record<string, string> = {}): readonly string[] {
  const disk = { [resolve("k")]: "k", [resolve("ca.pem")]: LOCALHOST_CERT };
  return linesOf(text, { env, disk }).map((line) => line.replace(/^\S+ /, ""));
}

function provider(name: string, more = ""): string {
  return `{name: ${name}, protocols: [gemini], base_url: https://a.example${more}}`;
}

describe("who may listen where", () => {
  for (const host of ["127.0.0.1", "127.9.9.9", "::1", "localhost"]) {
    test(`${host} needs nothing`, () => expect(complaints(`server: {host: "${host}"}\n${PROVIDER}`)).toEqual([]));
  }
  for (const host of ["0.0.0.0", "::", "10.0.0.1", "host.example", "localhost.example", "127.0.0.1.example"]) {
    test(`${host} needs clients, or server.open`, () => {
      const clients = `clients: [{name: c, key: k}]\nproviders: [${provider("a", ", api_key: k")}]\n`;
      expect(complaints(`server: {host: "${host}"}\n${PROVIDER}`)).toEqual([
        `server.host: everybody who reaches ${host} could use it; add clients, or say server.open: true`,
      ]);
      expect(complaints(`server: {host: "${host}", open: true}\n${PROVIDER}`)).toEqual([]);
      expect(complaints(`server: {host: "${host}"}\n${clients}`)).toEqual([]);
    });
  }
  test("clients: [] is none", () => {
    expect(complaints(`server: {host: 0.0.0.0}\nclients: []\n${PROVIDER}`)).toHaveLength(1);
  });
});

describe("clients", () => {
  const providers = `providers: [${provider("a", ", api_key: k")}]`;
  test("need a key, and only one", () => {
    expect(
      complaints(`clients: [{name: a}, {name: b, key: k, key_file: k}, {name: c, key_file: k}]\n${providers}`),
    ).toEqual([
      "clients[0]: needs key or key_file",
      "clients[1].key_file: expected key or key_file, got both",
      "clients[2].key_file: the same as clients[1].key",
    ]);
  });
  test("differ in name and key, wherever the key comes from", () => {
    expect(complaints(`clients: [{name: a, key: "\${K}"}, {name: a, key: k}]\n${providers}`, { K: "k" })).toEqual([
      "clients[1].name: the same as clients[0].name",
      "clients[1].key: the same as clients[0].key",
    ]);
  });
  test("want providers with keys of their own", () => {
    expect(complaints(`clients: [{name: a, key: k}]\nproviders: [${provider("a")}]\n`)).toEqual([
      "providers[0]: needs api_key, api_key_file or api_keys; a client's own credentials are passed on only without clients",
    ]);
  });
  test("whose key is wrong are not also said to have none", () => {
    expect(complaints(`clients: [{name: a, key: "a b"}]\n${providers}`)).toHaveLength(1);
  });
});

describe("providers", () => {
  test("differ in name", () => {
    expect(complaints(`providers: [${provider("a")}, ${provider("b")}, ${provider("a")}]`)).toEqual([
      "providers[2].name: the same as providers[0].name",
    ]);
  });
  test("take one of api_key, api_key_file and api_keys, and no key twice", () => {
    expect(complaints(`providers: [${provider("a", ", api_key: k, api_key_file: k, api_keys: [k, j, k]")}]`)).toEqual([
      "providers[0].api_keys: expected one of api_key, api_key_file, api_keys",
      "providers[0].api_keys[2]: the same as providers[0].api_keys[0]",
    ]);
  });
  test.each(["none", "other"])("and clients are not called %s, which metrics say of others", (name) => {
    const why = `expected name ([a-z0-9] first, then up to 62 of [a-z0-9._-]), got "${name}": metrics say so of nobody and of who is gone`;
    const client = `clients: [{name: ${name}, key: k, groups: [${name}]}]`;
    expect(complaints(`${client}\nproviders: [${provider(name, `, api_key: k, groups: [${name}]`)}]`)).toEqual([
      `clients[0].name: ${why}`,
      `providers[0].name: ${why}`,
    ]);
  });
  test("map to names as they are, not to globs", () => {
    const why = "it is sent as it stands; only the name before it may be a glob";
    expect(complaints(`providers: [${provider("a", ', model_map: {"g*": "claude-*", "h?": "c?", i: j}')}]`)).toEqual([
      `providers[0].model_map["g*"]: expected model name, got "claude-*": ${why}`,
      `providers[0].model_map["h?"]: expected model name, got "c?": ${why}`,
    ]);
  });
  test("name a header once, whatever its case", () => {
    expect(complaints(`providers: [${provider("a", ", headers: {x-a: b, X-A: c}")}]`)).toEqual([
      "providers[0].headers: x-a is there twice; case makes no difference in names of headers",
    ]);
  });
});

describe("hedge.min and hedge.max", () => {
  test("in defaults", () => {
    expect(complaints(`defaults: {hedge: {min: 2s, max: 1s}}\n${PROVIDER}`)).toEqual([
      "defaults.hedge.max: expected at least hedge.min",
    ]);
  });
  test("in a provider, against what defaults say", () => {
    expect(complaints(`defaults: {hedge: {max: 2s}}\nproviders: [${provider("a", ", hedge: {min: 3s}")}]`)).toEqual([
      "providers[0].hedge.min: expected at most hedge.max",
    ]);
  });
  test("a provider may set right for itself what others keep", () => {
    expect(
      complaints(`defaults: {hedge: {max: 2s}}\nproviders: [${provider("a", ", hedge: {min: 3s, max: 4s}")}]`),
    ).toEqual([]);
  });
});

describe("Redis", () => {
  test("needs a server, when it is the store", () => {
    expect(complaints(`sessions: {store: redis}\n${PROVIDER}`)).toEqual([
      "sessions.store: needs sessions.redis.url, .cluster or .sentinel",
    ]);
  });
  test("takes one kind of server", () => {
    const redis = "{url: redis://a, cluster: [a:1], sentinel: {name: m, nodes: [a:1]}}";
    expect(complaints(`sessions: {store: redis, redis: ${redis}}\n${PROVIDER}`)).toEqual([
      "sessions.redis.sentinel: expected one of url, cluster, sentinel",
    ]);
  });
  test("may stay in the file while memory is the store", () => {
    expect(complaints(`sessions: {redis: {url: redis://a}}\n${PROVIDER}`)).toEqual([]);
  });
  test("a sentinel without a name", () => {
    expect(complaints(`sessions: {store: redis, redis: {sentinel: {nodes: [a:1]}}}\n${PROVIDER}`)).toEqual([
      "sessions.redis.sentinel.name: missing; expected text",
    ]);
  });
  test("takes its password and its user from one place", () => {
    const of = (redis: string) => complaints(`sessions: {store: redis, redis: {${redis}}}\n${PROVIDER}`);
    expect(of("url: redis://user@a, password_file: k")).toEqual([]);
    expect(of('url: "redis://:p@a", username: u')).toEqual([]);
    expect(of("cluster: [a:1], password: p, password_file: k")).toEqual([
      "sessions.redis.password_file: expected password or password_file, got both",
    ]);
    expect(of("sentinel: {name: m, nodes: [a:1], password: p, password_file: k}, password: q")).toEqual([
      "sessions.redis.sentinel.password_file: expected password or password_file, got both",
    ]);
    expect(of('url: "redis://u:p@a", username: u, password: p')).toEqual([
      "sessions.redis.username: the url names a user already; say it in one place",
      "sessions.redis.password: the url holds a password already; say it in one place",
    ]);
    expect(of('url: "redis://:p@a", password_file: k')).toEqual([
      "sessions.redis.password_file: the url holds a password already; say it in one place",
    ]);
  });
  describe("over TLS", () => {
    const of = (redis: string) => complaints(`sessions: {store: redis, redis: {${redis}}}\n${PROVIDER}`);
    const sentinel = "sentinel: {name: m, nodes: [a:1]}";
    for (const redis of [
      "url: rediss://a, ca: ca.pem",
      "url: rediss://a, tls: true",
      "url: redis://a, tls: false",
      "url: redis+unix:///s, tls: false",
      "cluster: [a:1], tls: true, ca: ca.pem",
      `${sentinel}, tls: true`,
      `${sentinel}, tls: false`,
    ]) {
      test(`${redis} is of one mind`, () => expect(of(redis)).toEqual([]));
    }
    const contradictions: readonly (readonly [redis: string, line: string])[] = [
      [
        "url: rediss://a, tls: false",
        "sessions.redis.tls: the url's rediss:// means TLS; leave tls out, or write redis:// to go without",
      ],
      ["url: redis://a, tls: true", "sessions.redis.tls: the url's redis:// means no TLS; write rediss:// instead"],
      ["url: redis+unix:///s, tls: true", "sessions.redis.tls: there is no TLS on a unix socket; leave it out"],
      ["url: redis://a, ca: ca.pem", "sessions.redis.ca: the url's redis:// means no TLS; write rediss:// instead"],
      ["url: redis+unix:///s, ca: ca.pem", "sessions.redis.ca: there is no TLS on a unix socket; leave it out"],
      ["cluster: [a:1], ca: ca.pem", "sessions.redis.ca: needs sessions.redis.tls: true"],
      [`${sentinel}, tls: false, ca: ca.pem`, "sessions.redis.ca: needs sessions.redis.tls: true"],
    ];
    for (const [redis, line] of contradictions) {
      test(`${redis} contradicts itself`, () => expect(of(redis)).toEqual([line]));
    }
    test("a mistake of its own is told once", () => {
      expect(of("cluster: [a:1], tls: yes, ca: ca.pem")).toEqual([
        'sessions.redis.tls: expected true or false, got "yes"',
      ]);
      expect(of("url: http://a, tls: true, ca: ca.pem")).toHaveLength(1);
      expect(of("url: http://a, ca: ca.pem")).toHaveLength(1);
    });
    test("an authority's file without a certificate in it", () => {
      expect(of("url: rediss://a, ca: k")).toEqual([
        'sessions.redis.ca: expected path of a file with PEM certificates, got "k": it holds none',
      ]);
    });
  });
  test("a prefix with braces would move the hash tag", () => {
    expect(complaints(`sessions: {redis: {prefix: "{a}"}}\n${PROVIDER}`)).toEqual([
      `sessions.redis.prefix: expected prefix of 1 to 64 [a-z0-9._-], got "{a}"`,
    ]);
  });
});

test("TLS needs both its files", () => {
  const lines = complaints(`server: {tls: {cert: k}}\n${PROVIDER}`);
  expect(lines).toEqual([
    "server.tls.key: missing; expected path of a file with PEM private key",
    'server.tls.cert: expected path of a file with PEM certificate, got "k": it holds none',
  ]);
});

test("the largest body fits into what may be buffered", () => {
  expect(complaints(`server: {max_body: 1MiB, max_buffered: 1023KiB}\n${PROVIDER}`)).toEqual([
    "server.max_buffered: expected at least server.max_body, or the largest body could never be taken",
  ]);
});
