import { describe, expect, test } from "bun:test";
import { contentSeed } from "../../src/protocol/content-seed.ts";
import { PROTOCOL_NAMES } from "../../src/protocol/protocol.ts";
import { PROTOCOLS } from "../../src/protocol/registry.ts";

describe("what a conversation is told by", () => {
  test("a string and its only text part are the same, cache marks or not", () => {
    const plain = contentSeed("m", "sys", "hello");
    const marked = { type: "text", text: "hello", cache_control: { type: "ephemeral" } };
    expect(contentSeed("m", [{ type: "text", text: "sys" }], [marked])).toBe(plain);
  });

  test("an image keeps its seed when its cache mark moves on", () => {
    const image = { type: "image", source: { data: "AAAA" } };
    const marked = { ...image, cache_control: { type: "ephemeral" } };
    expect(contentSeed("m", null, [marked])).toBe(contentSeed("m", null, [image]));
  });

  test("model, system, message and their borders all count", () => {
    const seeds = [
      contentSeed("m", "ab", "c"),
      contentSeed("m", "a", "bc"),
      contentSeed("ma", "b", "c"),
      contentSeed("m", null, ["ab", "c"]),
      contentSeed("m", ["ab", "c"], null),
      contentSeed("m", null, "abc"),
      contentSeed("m", null, [{ type: "image", source: "abc" }]),
      contentSeed("m", null, null),
      contentSeed("m", null, 7),
    ];
    expect(new Set(seeds).size).toBe(seeds.length);
  });

  test("holds nothing of what was said", () => {
    expect(contentSeed("m", "secret prompt", "secret words")).not.toContain("secret");
  });
});

test.each(PROTOCOL_NAMES)("%s: content is not digested where the body names its session", (name) => {
  const read = (more: object) => {
    const operation = { protocol: name, kind: "generate", pathModel: "m", pathStream: false } as const;
    const body = { model: "m", messages: [{ role: "user", content: "x" }], input: "x", ...more };
    const facts = PROTOCOLS[name].read(operation, new TextEncoder().encode(JSON.stringify(body)));
    return "code" in facts ? facts : [facts.sessions.length, facts.contentSeed === ""];
  };
  expect(read({})).toEqual([0, false]);
  expect(read({ prompt_cache_key: "mine" })).toEqual([1, true]);
});
