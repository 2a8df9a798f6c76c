import { expect, test } from "bun:test";
import { secret } from "../../src/core/secret.ts";
import type { Target } from "../../src/forward/attempt.ts";
import { upstreamRequest } from "../../src/forward/upstream-request.ts";
import { PROTOCOLS } from "../../src/protocol/registry.ts";

const BODY = new TextEncoder().encode(`{ "model": "opus", "n": 1 }`);

/** Only what an upstream request is made of. */
function target(more: Partial<Pick<Target, "key" | "upstreamModel">>): Target {
  const inbound = {
    protocol: PROTOCOLS.anthropic,
    operation: { protocol: "anthropic", kind: "generate", pathModel: null, pathStream: false },
    pathname: "/v1/messages",
    search: "?beta=true",
    headers: new Headers({ "x-api-key": "client", "anthropic-version": "2023-06-01", "user-agent": "cli" }),
    body: BODY,
    facts: { model: "opus" },
  };
  const provider = {
    baseUrl: "https://relay.test/api/v1",
    origin: "https://relay.test",
    auth: "bearer",
    headers: { "x-team": "t" },
    proxy: "http://egress.test:3128",
    http2: "off",
  };
  return { inbound, provider, key: secret("sk-up"), upstreamModel: "opus", ...more } as unknown as Target;
}

test("is the client's request in the provider's terms, the body the very same array", () => {
  const sent = upstreamRequest(target({}));
  expect(sent).toEqual({
    url: "https://relay.test/api/v1/messages?beta=true",
    headers: {
      accept: "*/*",
      "accept-encoding": "identity",
      "anthropic-version": "2023-06-01",
      authorization: "Bearer sk-up",
      "user-agent": "cli",
      "x-team": "t",
    },
    body: BODY,
    proxy: "http://egress.test:3128",
    http2: "off",
  });
  expect(sent.body).toBe(BODY);
});

test("names the model as the provider knows it, and changes no other byte", () => {
  const { body } = upstreamRequest(target({ upstreamModel: "vendor/opus-4" }));
  expect(new TextDecoder().decode(body)).toBe(`{ "model": "vendor/opus-4", "n": 1 }`);
});

test("takes the client's own credential where the provider has none", () => {
  const { headers } = upstreamRequest(target({ key: null }));
  expect(headers["x-api-key"]).toBe("client");
  expect(headers["authorization"]).toBeUndefined();
});
