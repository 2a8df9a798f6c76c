import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { answerHeaders, upstreamHeaders } from "../../src/forward/upstream-headers.ts";

const NONE = { provider: {}, credentials: {} };

describe("an upstream request's headers", () => {
  test("pass, the client's user agent and protocol headers among them", () => {
    const client = new Headers({
      "user-agent": "claude-cli/2.0",
      accept: "application/json",
      "anthropic-beta": "a,b",
      "X-Stainless-Lang": "js",
      "content-type": "application/json",
      session_id: "s",
    });
    expect(upstreamHeaders({ client, ...NONE })).toEqual({
      "user-agent": "claude-cli/2.0",
      accept: "application/json",
      "anthropic-beta": "a,b",
      "x-stainless-lang": "js",
      "content-type": "application/json",
      session_id: "s",
      "accept-encoding": "identity",
    });
  });

  test("have a user agent of ours where the client sent none, never the runtime's", () => {
    expect(upstreamHeaders({ client: new Headers(), ...NONE })).toEqual({
      accept: "*/*",
      "user-agent": "hedgerow",
      "accept-encoding": "identity",
    });
  });

  test.each([
    ["connection", "close"],
    ["keep-alive", "timeout=5"],
    ["proxy-connection", "keep-alive"],
    ["te", "trailers"],
    ["trailer", "x"],
    ["transfer-encoding", "chunked"],
    ["upgrade", "h2c"],
    ["http2-settings", "AAMAAABkAAQAAP__"],
    ["host", "gateway.test"],
    ["content-length", "5"],
    ["content-encoding", "gzip"],
    ["expect", "100-continue"],
    ["authorization", "Bearer x"],
    ["proxy-authorization", "Basic x"],
    ["x-api-key", "x"],
    ["x-goog-api-key", "x"],
    ["api-key", "x"],
    ["cookie", "a=b"],
    ["forwarded", "for=1.2.3.4"],
    ["x-forwarded-for", "1.2.3.4"],
    ["x-forwarded-proto", "https"],
    ["x-forwarded-anything", "x"],
    ["x-real-ip", "1.2.3.4"],
    ["true-client-ip", "1.2.3.4"],
    ["cf-connecting-ip", "1.2.3.4"],
    ["client-ip", "1.2.3.4"],
    ["wl-proxy-client-ip", "1.2.3.4"],
    ["proxy-client-ip", "1.2.3.4"],
    ["x-proxyuser-ip", "1.2.3.4"],
    ["x-appengine-remote-addr", "1.2.3.4"],
    ["x-appengine-user-ip", "1.2.3.4"],
    ["cloudfront-viewer-address", "1.2.3.4:5"],
    ["x-hedgerow-session", "s"],
    ["x-hedgerow-anything", "x"],
  ])("leave out %s", (name, value) => {
    const sent = upstreamHeaders({ client: new Headers([[name, value]]), ...NONE });
    expect(Object.keys(sent).sort()).toEqual(["accept", "accept-encoding", "user-agent"]);
  });

  test("leave out what Connection names", () => {
    const client = new Headers({
      connection: "close, X-Private ,x-other",
      "x-private": "1",
      "x-other": "2",
      "x-kept": "3",
    });
    const sent = upstreamHeaders({ client, ...NONE });
    expect(sent["x-kept"]).toBe("3");
    expect(sent).not.toContainAnyKeys(["x-private", "x-other", "connection"]);
  });

  test("hold the provider's own and its credentials in place of a client's", () => {
    const sent = upstreamHeaders({
      client: new Headers({ "openai-organization": "theirs", "x-api-key": "theirs", connection: "x-api-key" }),
      provider: { "OpenAI-Organization": "ours", "x-relay": "r" },
      credentials: { "x-api-key": "ours" },
    });
    expect(sent).toMatchObject({ "openai-organization": "ours", "x-relay": "r", "x-api-key": "ours" });
  });

  test("whatever the client sends: never a credential, never a hop, all the rest unchanged", () => {
    const dropped =
      /^(connection|host|authorization|cookie|te|expect|x-api-key|content-length|x-hedgerow-.*|x-forwarded-.*|accept-encoding)$/;
    const name = fc.oneof(
      fc.stringMatching(/^x-[a-z0-9_.!~-]{1,12}$/),
      fc.constantFrom(
        "authorization",
        "X-Api-Key",
        "COOKIE",
        "te",
        "expect",
        "x-hedgerow-a",
        "X-Forwarded-Host",
        "host",
      ),
    );
    const value = fc.stringMatching(/^[!-~]{0,20}$/);
    fc.assert(
      fc.property(fc.array(fc.tuple(name, value), { maxLength: 12 }), (pairs) => {
        const client = new Headers(pairs);
        const sent = upstreamHeaders({ client, ...NONE });
        for (const [name, value] of client) expect(sent[name]).toBe(dropped.test(name) ? undefined : value);
        for (const name of Object.keys(sent)) expect(name).toBe(name.toLowerCase());
      }),
    );
  });
});

describe("an answer's headers", () => {
  test("pass but for hops, cookies, the length, what would pass for ours and what holds for the upstream's origin", () => {
    const upstream = new Headers({
      "content-type": "text/event-stream",
      "content-encoding": "br",
      "retry-after": "7",
      "request-id": "req_1",
      "x-ratelimit-remaining": "5",
      connection: "keep-alive, x-secret-hop",
      "x-secret-hop": "1",
      "transfer-encoding": "chunked",
      "keep-alive": "timeout=4",
      "content-length": "12",
      "x-hedgerow-provider": "forged",
      "proxy-authenticate": "Basic",
      "alt-svc": 'h3=":443"; ma=86400',
      "strict-transport-security": "max-age=31536000; includeSubDomains; preload",
      "clear-site-data": '"*"',
      nel: '{"report_to":"x","max_age":604800}',
      "report-to": '{"group":"x","max_age":604800,"endpoints":[]}',
    });
    upstream.append("set-cookie", "a=b");
    upstream.append("set-cookie", "c=d");
    expect(answerHeaders(upstream)).toEqual({
      "content-type": "text/event-stream",
      "content-encoding": "br",
      "retry-after": "7",
      "request-id": "req_1",
      "x-ratelimit-remaining": "5",
    });
  });
});
