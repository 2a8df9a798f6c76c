import { describe, expect, test } from "bun:test";
import { secret } from "../../src/core/secret.ts";
import { credentialHeaders } from "../../src/forward/credentials.ts";

const CLIENT = new Headers({ authorization: "Bearer client", "x-api-key": "client" });

test.each([
  ["bearer", { authorization: "Bearer sk-1" }],
  ["x-api-key", { "x-api-key": "sk-1" }],
  ["x-goog-api-key", { "x-goog-api-key": "sk-1" }],
] as const)("a provider's key goes up as %s, and the client's nowhere", (scheme, expected) => {
  const sent = credentialHeaders({ scheme, key: secret("sk-1"), headers: CLIENT, search: "?key=client" });
  expect(sent).toEqual(expected);
});

describe("without a key of the provider the client's own go up", () => {
  const own = (headers: Record<string, string>, search = "") =>
    credentialHeaders({ scheme: "bearer", key: null, headers: new Headers(headers), search });

  test("in the header they came in, whatever the scheme", () => {
    expect(own({ "x-api-key": "a", other: "b" })).toEqual({ "x-api-key": "a" });
    expect(own({ authorization: "Bearer t", "x-goog-api-key": "g", "api-key": "z" })).toEqual({
      authorization: "Bearer t",
      "x-goog-api-key": "g",
      "api-key": "z",
    });
    expect(own({ "proxy-authorization": "Basic x", cookie: "y" })).toEqual({});
  });

  test("a query's key as Google's header, unless that came too", () => {
    expect(own({}, "?alt=sse&key=a%2Fb")).toEqual({ "x-goog-api-key": "a/b" });
    expect(own({ "x-goog-api-key": "h" }, "?key=q")).toEqual({ "x-goog-api-key": "h" });
    expect(own({}, "?key=")).toEqual({});
  });
});
