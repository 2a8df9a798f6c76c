import { describe, expect, test } from "bun:test";
import { configOf, linesOf } from "./world.ts";

const BASE = `
x-base: &base
  protocols: [anthropic]
  base_url: https://a.example
  limits: { sessions: 3 }
x-other: &other { protocols: [gemini], priority: 7 }
`;

describe("anchors and merges", () => {
  test("a provider takes what it does not say itself, from the first of several that says it", () => {
    const [a, b] = configOf(`${BASE}
providers:
  - <<: *base
    name: a
    limits: { requests: 1 }
  - { name: b, <<: [*other, *base] }
`).providers;
    expect(a).toMatchObject({ base_url: "https://a.example", limits: { sessions: 0, requests: 1 }, priority: 0 });
    expect(b).toMatchObject({ protocols: ["gemini"], priority: 7, limits: { sessions: 3 } });
  });

  test("a merge may be of a merge, and an alias may stand for any value", () => {
    const { providers } = configOf(`${BASE}
x-url: &url https://b.example
x-more: &more { <<: *base, weight: 2 }
providers: [{ <<: *more, name: a, base_url: *url }]
`);
    expect(providers[0]).toMatchObject({ weight: 2, base_url: "https://b.example", protocols: ["anthropic"] });
  });

  test("a later anchor of the same name holds for the aliases after it", () => {
    const { sessions, providers } = configOf(`
server: { host: &v localhost }
sessions: { redis: { prefix: *v } }
x-v: &v https://b.example
providers: [{ name: a, protocols: [gemini], base_url: *v }]
`);
    expect([sessions.redis.prefix, providers[0]?.base_url]).toEqual(["localhost", "https://b.example"]);
  });

  test("a mistake in an anchor is told at its own place, with the path of each use", () => {
    expect(
      linesOf(`x-a: &a { protocols: [gemini], base_url: nowhere }
providers: [{ <<: *a, name: a }, { <<: *a, name: b }]
`),
    ).toEqual([
      "providers.yaml:1:42 providers[0].base_url: expected http:// or https:// URL, got ***",
      "providers.yaml:1:42 providers[1].base_url: expected http:// or https:// URL, got ***",
    ]);
  });

  test("what top-level x- keys hold is nobody's business but YAML's", () => {
    const providers = "providers: [{ name: a, protocols: [gemini], base_url: https://a.example }]";
    expect(linesOf(`x-any: { at: [all, "\${UNSET}"] }\n${providers}`)).toEqual([]);
    expect(linesOf(`x-any: { a: 1, a: 2 }\n${providers}`)).toEqual(["providers.yaml:1:16 x-any.a: duplicate key"]);
    expect(linesOf(`server: { x-any: 1 }\n${providers}`)).toHaveLength(1);
  });
});

describe("aliases of aliases", () => {
  test("a mapping that merges itself is one line", () => {
    expect(linesOf("providers: [&a { <<: *a, name: a, protocols: [gemini], base_url: https://a.example }]\n")).toEqual([
      "providers.yaml:1:22 providers[0]: more than 100 merges (<<)",
    ]);
  });

  test("a billion laughs by merges are one line, in no time", () => {
    const levels = Array.from({ length: 12 }, (_, level) => {
      const below = level === 0 ? "name: a" : `<<: [${Array.from({ length: 10 }, () => `*l${level - 1}`).join(", ")}]`;
      return `x-${level}: &l${level} { ${below} }\n`;
    });
    const lines = linesOf(
      `${levels.join("")}providers: [{ <<: *l11, protocols: [gemini], base_url: https://a.example }]\n`,
    );
    expect(lines.filter((line) => line.includes("merges"))).toHaveLength(1);
  });

  test("a billion laughs by lists are one line", () => {
    const many = (item: string) => Array.from({ length: 900 }, () => item).join(", ");
    const lines = linesOf(`x-m: &m [${many("m")}]
x-p: &p { name: a, protocols: [gemini], base_url: https://a.example, models: *m }
providers: [${many("*p")}]
`);
    expect(lines.length).toBeLessThanOrEqual(100);
    expect(lines[0]).toStartWith("providers.yaml:1:13 providers[0].models[1]: the same as");
  });
});
