import { describe, expect, test } from "bun:test";
import { upstreamUrl } from "../../src/forward/upstream-url.ts";
import type { Operation } from "../../src/protocol/protocol.ts";

const MESSAGES: Operation = { protocol: "anthropic", kind: "generate", pathModel: null, pathStream: false };

function url(baseUrl: string, pathname: string, search = "") {
  const provider = { baseUrl, origin: new URL(baseUrl).origin };
  return upstreamUrl({ provider, operation: MESSAGES, pathname, search, upstreamModel: "m" });
}

describe("the path below a base", () => {
  test.each([
    ["https://api.anthropic.com", "/v1/messages", "https://api.anthropic.com/v1/messages"],
    ["https://relay.test/anthropic", "/v1/messages", "https://relay.test/anthropic/v1/messages"],
    ["https://x.test/v1", "/v1/chat/completions", "https://x.test/v1/chat/completions"],
    ["https://openrouter.ai/api/v1", "/v1/responses", "https://openrouter.ai/api/v1/responses"],
    ["https://x.test/api/paas/v4", "/v1/chat/completions", "https://x.test/api/paas/v4/chat/completions"],
    ["https://g.test/v1beta/openai", "/v1/embeddings", "https://g.test/v1beta/openai/embeddings"],
    [
      "https://gw.test/v1/account/name/anthropic",
      "/v1/messages",
      "https://gw.test/v1/account/name/anthropic/v1/messages",
    ],
    ["https://x.test/vendor", "/v1/messages", "https://x.test/vendor/v1/messages"],
    ["http://127.0.0.1:9/v1", "/v1/messages/count_tokens", "http://127.0.0.1:9/v1/messages/count_tokens"],
    ["https://v1", "/v1/messages", "https://v1/v1/messages"],
  ])("%s + %s", (base, path, expected) => {
    expect(url(base, path)).toBe(expected);
  });
});

describe("the query", () => {
  test.each([
    ["", ""],
    ["?", ""],
    ["?beta=true", "?beta=true"],
    ["?key=secret", ""],
    ["?alt=sse&key=secret", "?alt=sse"],
    ["?key=a&alt=sse&key=b&x", "?alt=sse&x"],
    ["?%6Bey=secret&a=%20+", "?a=%20+"],
    ["?monkey=1&keys=2&KEY=3", "?monkey=1&keys=2&KEY=3"],
    ["?a=key=b", "?a=key=b"],
  ])("%j goes up as %j", (search, expected) => {
    expect(url("https://x.test", "/v1/messages", search)).toBe(`https://x.test/v1/messages${expected}`);
  });
});

describe("Gemini's model in the path", () => {
  const gemini = (pathname: string, pathModel: string, upstreamModel: string, baseUrl = "https://g.test") =>
    upstreamUrl({
      provider: { baseUrl, origin: "https://g.test" },
      operation: { protocol: "gemini", kind: "generate", pathModel, pathStream: true },
      pathname,
      search: "?alt=sse",
      upstreamModel,
    });

  test("not mapped: every byte stays", () => {
    expect(gemini("/v1beta/models/a%2fb%20c:streamGenerateContent", "a/b c", "a/b c")).toBe(
      "https://g.test/v1beta/models/a%2fb%20c:streamGenerateContent?alt=sse",
    );
  });

  test.each([
    ["gemini-2.5-pro", "models/gemini-2.5-pro"],
    ["models/gemini-2.5-pro", "models/gemini-2.5-pro"],
    ["tunedModels/mine-1", "tunedModels/mine-1"],
    ["vendor/name", "models/vendor/name"],
    ["odd?name#1 %", "models/odd%3Fname%231%20%25"],
    ["ft:base:me", "models/ft:base:me"],
  ])("mapped to %s", (model, path) => {
    expect(gemini("/v1beta/models/client-name:generateContent", "client-name", model)).toBe(
      `https://g.test/v1beta/${path}:generateContent?alt=sse`,
    );
  });

  test("mapped below a base with a version, from an escaped colon", () => {
    const base = "https://g.test/relay/v1beta";
    expect(gemini("/v1/models/c%3AcountTokens", "c", "up", base)).toBe(
      "https://g.test/relay/v1beta/models/up:countTokens?alt=sse",
    );
  });

  test("a client's name cannot climb out of the models", () => {
    const sent = gemini("/v1beta/models/..%2f..%2fadmin:generateContent", "../../admin", "../../admin");
    expect(new URL(sent).pathname).toBe("/v1beta/models/..%2f..%2fadmin:generateContent");
  });
});
