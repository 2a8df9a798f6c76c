import { describe, expect, test } from "bun:test";
import { matchRoute, protocolOfPath } from "../../src/protocol/routes.ts";

const NONE = new Headers();
const ANTHROPIC = new Headers({ "anthropic-version": "2023-06-01" });

function operationOf(pathname: string) {
  const route = matchRoute("POST", pathname, NONE);
  return route?.kind === "proxied" ? route.operation : null;
}

describe("proxied paths", () => {
  test.each([
    ["/v1/messages", "anthropic", "generate"],
    ["/v1/messages/count_tokens", "anthropic", "count"],
    ["/v1/chat/completions", "openai-chat", "generate"],
    ["/v1/embeddings", "openai-chat", "embed"],
    ["/v1/responses", "openai-responses", "generate"],
    ["/v1/responses/compact", "openai-responses", "compact"],
  ] as const)("POST %s is %s, %s", (path, protocol, kind) => {
    expect(operationOf(path)).toEqual({ protocol, kind, pathModel: null, pathStream: false });
  });

  test.each([
    ["generateContent", "generate", false],
    ["streamGenerateContent", "generate", true],
    ["countTokens", "count", false],
    ["embedContent", "embed", false],
    ["batchEmbedContents", "embed", false],
  ] as const)("Gemini's %s is %s under both versions", (verb, kind, pathStream) => {
    for (const version of ["v1", "v1beta"]) {
      expect(operationOf(`/${version}/models/gemini-2.5-pro:${verb}`)).toEqual({
        protocol: "gemini",
        kind,
        pathModel: "gemini-2.5-pro",
        pathStream,
      });
    }
  });

  test("a model in the path is decoded, and the verb follows its last colon", () => {
    expect(operationOf("/v1beta/models/a%2Fb:c%20d:generateContent")?.pathModel).toBe("a/b:c d");
    expect(operationOf("/v1beta/models/vendor/name:generateContent")?.pathModel).toBe("vendor/name");
    expect(operationOf("/v1beta/models/plain%3AgenerateContent")?.pathModel).toBe("plain");
  });

  test("a path that cannot be decoded or names no model is unreadable, in Google's envelope", () => {
    expect(matchRoute("POST", "/v1beta/models/%ff:generateContent", NONE)).toMatchObject({
      kind: "unreadable",
      protocol: "gemini",
    });
    expect(matchRoute("POST", "/v1beta/models/:generateContent", NONE)).toMatchObject({ kind: "unreadable" });
  });

  test.each([
    "/v1beta/models/claude-a%2F..%2F..:generateContent",
    "/v1beta/models/..%2fadmin:generateContent",
    "/v1beta/models/a%2F.%2Fb:streamGenerateContent",
    "/v1/models/a%5C..%5Cb:countTokens",
    "/v1/models/..%3AcountTokens",
  ])("a model with a dot segment is unreadable: %s", (path) => {
    expect(matchRoute("POST", path, NONE)).toEqual({
      kind: "unreadable",
      protocol: "gemini",
      message: "the model in the path holds a segment . or ..",
    });
  });

  test("dots inside a name are part of it", () => {
    for (const name of ["gemini-2.5", "..a", "a..", "vendor/a.b", "v/...", ".hidden/x"]) {
      expect(operationOf(`/v1beta/models/${encodeURIComponent(name)}:generateContent`)?.pathModel).toBe(name);
    }
  });

  test.each([
    ["GET", "/v1/messages"],
    ["PUT", "/v1/chat/completions"],
    ["POST", "/v1/models"],
    ["POST", "/v1/messages/"],
    ["POST", "/v1beta/models/x:deleteEverything"],
    ["POST", "/v1beta/models/x:toString"],
    ["POST", "/v1beta/models/generateContent"],
    ["POST", "/v2/messages"],
    ["POST", "/toString"],
    ["GET", "/v1/models/"],
    ["GET", "/v1/modelsx"],
    ["DELETE", "/v1/models/x"],
  ])("%s %s is not proxied", (method, path) => {
    expect(matchRoute(method, path, NONE)).toBeNull();
  });
});

describe("lists of models", () => {
  test("HEAD works wherever GET does", () => {
    for (const method of ["GET", "HEAD"]) {
      expect(matchRoute(method, "/v1/models", NONE)).toEqual({ kind: "models", protocol: "openai-chat", id: null });
    }
  });

  test("the shape follows path and anthropic-version", () => {
    expect(matchRoute("GET", "/v1/models", ANTHROPIC)).toMatchObject({ protocol: "anthropic" });
    expect(matchRoute("GET", "/v1beta/models", NONE)).toMatchObject({ protocol: "gemini" });
    expect(matchRoute("GET", "/v1beta/models", ANTHROPIC)).toMatchObject({ protocol: "gemini" });
  });

  test("an id may hold slashes and escapes", () => {
    expect(matchRoute("GET", "/v1/models/vendor/a%20b", NONE)).toMatchObject({ id: "vendor/a b" });
    expect(matchRoute("GET", "/v1/models/%e0", NONE)).toMatchObject({ kind: "unreadable", protocol: "openai-chat" });
  });
});

test.each([
  ["/v1beta/nothing", NONE, "gemini"],
  ["/v1/models/x:tuneModel", NONE, "gemini"],
  ["/v1/messages/batches", NONE, "anthropic"],
  ["/v1/files", ANTHROPIC, "anthropic"],
  ["/v1/responses/resp_1", NONE, "openai-responses"],
  ["/v1/files", NONE, "openai-chat"],
  ["/", NONE, "openai-chat"],
] as const)("a caller of %s gets its own envelope", (path, headers, protocol) => {
  expect(protocolOfPath(path, headers)).toBe(protocol);
});
