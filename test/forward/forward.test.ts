import { afterEach, describe, expect, test } from "bun:test";
import type { Provider } from "../../src/provider/provider.ts";
import { provider } from "../provider/world.ts";
import { after, error, errorEvent, fails, hand, json, message, said, silent, sse, start, words } from "./upstream.ts";
import { type ForwardWorld, forwardWorld, type WorldRules } from "./world.ts";
import { secret } from "../../src/core/secret.ts";

let it: ForwardWorld;
afterEach(() => it.over());

const KEY = [secret("a-key-of-the-proxy")];
/** Providers in this order. */
function world(names: readonly string[], more: Partial<Provider> = {}, rules: WorldRules = {}) {
  const some = names.map((name, priority) => provider(name, { keys: KEY, priority, ...more }));
  it = forwardWorld(some, rules);
}

describe("one request", () => {
  test("is answered with the upstream's own bytes, and told who answered", async () => {
    world(["a"]);
    it.script("a", sse(said("hello")));
    const heard = await it.hear();
    expect(heard).toMatchObject({ status: 200, text: said("hello") });
    expect(heard.headers.get("x-hedgerow-provider")).toBe("a");
    expect(heard.headers.get("x-hedgerow-attempts")).toBe("1");
    expect(heard.headers.get("x-hedgerow-sticky")).toBe("miss");
    expect(it.records()).toMatchObject([
      { provider: "a", status: 200, error: "", sticky: "miss", hedge: "off", input_tokens: 7, output_tokens: 5 },
    ]);
  });

  test("goes on to the next provider, and the client notices nothing", async () => {
    world(["a", "b"]);
    it.script("a", error(529, "overloaded_error"));
    it.script("b", sse(said("hello")));
    expect(await it.hear()).toMatchObject({ status: 200, text: said("hello") });
    expect(it.records()[0]?.attempts).toMatchObject([
      { provider: "a", kind: "first", outcome: "failed", status: 529, reason: "status_529" },
      { provider: "b", kind: "failover", outcome: "answered", status: 200 },
    ]);
    expect(await it.count("a")).toEqual({ sessions: 0, requests: 0 });
    expect(await it.count("b")).toEqual({ sessions: 1, requests: 0 });
  });

  test("that is not a stream as well", async () => {
    world(["a", "b"]);
    it.script("a", json(200, { type: "error", error: { type: "overloaded_error" } }));
    it.script("b", message);
    const heard = await it.hear({ stream: false });
    expect(JSON.parse(heard.text)).toMatchObject({ type: "message" });
  });
});

describe("the client's own error", () => {
  test("settles, breaks nothing and leaves no residence", async () => {
    world(["a", "b"]);
    it.script("a", error(400, "invalid_request_error"));
    const heard = await it.hear();
    expect(heard.status).toBe(400);
    expect(it.asked.length).toBe(1);
    expect(await it.count("a")).toEqual({ sessions: 0, requests: 0 });
    expect(await it.homes.read("session")).toEqual([]);
  });

  test("inside a stream is passed on as it is, and is no broken stream", async () => {
    world(["a", "b"]);
    it.script("a", sse(start + errorEvent("invalid_request_error")));
    const heard = await it.hear();
    expect(heard).toMatchObject({ status: 200, text: start + errorEvent("invalid_request_error") });
    expect(it.told("stream_broken")).toEqual([]);
    expect(it.records()).toMatchObject([{ attempts: [{ outcome: "answered", reason: "" }] }]);
    for (let more = 0; more < 6; more++) {
      it.script("a", sse(start + errorEvent("invalid_request_error")));
      await it.hear();
    }
    expect(it.breaker("a").state()).toBe("closed");
  });

  test("a refusal is an answer: the session lives there", async () => {
    world(["a"]);
    const refusal =
      start +
      `event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"refusal"},"usage":{"output_tokens":1}}\n\nevent: message_stop\ndata: {"type":"message_stop"}\n\n`;
    it.script("a", sse(refusal));
    expect(await it.hear()).toMatchObject({ status: 200, text: refusal });
    expect(await it.count("a")).toEqual({ sessions: 1, requests: 0 });
    expect(await it.homes.read("session")).toMatchObject([{ home: { provider: "a" } }]);
  });
});

describe("when all failed", () => {
  test("the client has the last upstream answer that it may see", async () => {
    world(["a", "b", "c"]);
    it.script("a", error(500));
    it.script("b", error(529, "overloaded_error", { "retry-after": "9" }));
    it.script("c", error(401, "authentication_error"));
    const heard = await it.hear();
    expect([heard.status, heard.headers.get("retry-after")]).toEqual([529, "9"]);
    expect(heard.text).toContain("upstream says 529");
    expect(heard.headers.get("x-hedgerow-provider")).toBe("b");
  });

  test("client libraries are told not to try again where no time is named", async () => {
    world(["a"]);
    it.script("a", error(500, "api_error", { "x-should-retry": "true" }));
    expect((await it.hear()).headers.get("x-should-retry")).toBe("false");
  });

  test("the time that only the body names is a header as well", async () => {
    world(["a", "b"]);
    const body = { type: "error", error: { type: "rate_limit_error", message: "Please try again in 1.2s" } };
    it.script("a", json(429, body));
    it.script("b", json(429, body, { "retry-after": "7" }));
    const headersOf = async () => {
      const { headers } = await it.hear();
      return [headers.get("retry-after"), headers.get("x-should-retry")];
    };
    expect(await headersOf()).toEqual(["7", null]);
    await it.clock.advance(7_000);
    it.script("a", json(429, body));
    it.script("b", json(429, body));
    expect(await headersOf()).toEqual(["2", null]);
  });

  test("nothing about our own key or config reaches the client", async () => {
    world(["a", "b"]);
    it.script("a", error(401, "authentication_error"));
    it.script("b", json(302, "<html>log in</html>", { location: "https://elsewhere.test" }));
    const heard = await it.hear();
    expect(heard.status).toBe(502);
    expect(Object.fromEntries(heard.headers)).toMatchObject({
      "x-hedgerow-error": "attempts_failed",
      "x-hedgerow-attempts": "2",
      "x-hedgerow-session-source": "x-hedgerow-session",
      "x-should-retry": "false",
    });
    expect(heard.text).not.toContain("upstream says");
  });

  test("a timeout last of all is a 504", async () => {
    world(["a"], { timeouts: { connectMs: 0, firstTokenMs: 1_000, idleMs: 0, totalMs: 0 } });
    it.script("a", silent);
    const heard = await it.hear();
    expect([heard.status, heard.headers.get("x-hedgerow-error")]).toEqual([504, "timed_out"]);
  });

  test("a status that is none cannot be passed on, and everything is given back once", async () => {
    world(["a"]);
    it.script("a", async () => Object.defineProperty(new Response("odd"), "status", { value: 999 }));
    expect((await it.hear()).status).toBe(502);
  });
});

describe("at the limits", () => {
  const LIMIT = { limits: { sessions: 1, requests: 0 } };

  test("a running session's slot is nobody else's", async () => {
    world(["a"], LIMIT);
    const first = hand();
    it.script("a", first.act);
    const running = it.ask({ session: "one" });
    await it.clock.advance(0);
    first.say(start + words("x"));
    const response = await running;
    const full = await it.hear({ session: "two" });
    expect([full.status, full.headers.get("x-hedgerow-error")]).toEqual([429, "providers_full"]);
    expect(full.headers.get("retry-after")).toBe("1");
    expect(full.headers.get("x-hedgerow-attempts")).toBe("0");
    first.say(said("y"));
    first.end();
    await response.text();
  });

  test("an idle session gives way", async () => {
    world(["a"], LIMIT);
    it.script("a", sse(said("x")), sse(said("y")));
    await it.hear({ session: "one" });
    expect(await it.hear({ session: "two" })).toMatchObject({ status: 200 });
    expect(await it.count("a")).toEqual({ sessions: 1, requests: 0 });
  });

  test("or stays, where idle sessions are held", async () => {
    world(["a"], LIMIT, { idle: "hold" });
    it.script("a", sse(said("x")));
    await it.hear({ session: "one" });
    expect((await it.hear({ session: "two" })).headers.get("x-hedgerow-error")).toBe("providers_full");
  });

  test("a session whose only request failed has left its slot", async () => {
    world(["a"], LIMIT, { idle: "hold" });
    it.script("a", error(500), sse(said("y")));
    await it.hear({ session: "one" });
    expect(await it.hear({ session: "two" })).toMatchObject({ status: 200 });
  });

  test("a client's limit is its own, and its rpm says when to come back", async () => {
    world(["a"]);
    it.script("a", sse(said("x")));
    const limits = { sessions: 0, requests: 0, rpm: 1 };
    await it.hear({ limits });
    const refused = await it.hear({ limits });
    expect([refused.status, refused.headers.get("x-hedgerow-error")]).toEqual([429, "client_limit"]);
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
  });

  test("a client's session counts on after an answer, and not after a failure or its own error", async () => {
    world(["a"], {}, { idle: "hold" });
    const limits = { sessions: 1, requests: 0, rpm: 0 };
    it.script("a", error(400, "invalid_request_error"), fails("connect"), sse(said("x")));
    await it.hear({ session: "one", limits });
    await it.hear({ session: "two", limits });
    expect(await it.hear({ session: "three", limits })).toMatchObject({ status: 200 });
    const refused = await it.hear({ session: "four", limits });
    expect(refused.headers.get("x-hedgerow-error")).toBe("client_limit");
  });
});

describe("a request bound to an account", () => {
  test("is asked there, once", async () => {
    world(["a", "b"]);
    it.script("b", error(500));
    expect(await it.hear({ binding: "account", boundTo: "b" })).toMatchObject({ status: 500 });
    expect(it.asked.length).toBe(1);
  });

  test("finds it down rather than nobody, when it is gone from the config or its breaker is open", async () => {
    world(["a"]);
    const gone = await it.hear({ binding: "account", boundTo: "b" });
    expect([gone.status, gone.headers.get("x-hedgerow-error")]).toEqual([503, "providers_down"]);
  });

  test("goes by rank, once, where nobody knows the account", async () => {
    world(["a", "b"]);
    it.script("a", fails("connect"));
    expect((await it.hear({ binding: "account" })).headers.get("x-hedgerow-error")).toBe("attempts_failed");
    expect(it.asked.length).toBe(1);
  });
});

test("a provider with two keys is asked again with the other, after the others, within the attempts", async () => {
  it = forwardWorld(
    [provider("a", { keys: [secret("first-key"), secret("second-key")] }), provider("b", { keys: KEY, priority: 1 })],
    { attemptsMax: 3 },
  );
  it.script("a", error(429, "rate_limit_error"), sse(said("x")));
  it.script("b", error(500));
  expect(await it.hear()).toMatchObject({ status: 200 });
  expect(it.asked).toEqual(["a:first-key", "b:a-key-of-the-proxy", "a:second-key"]);
});

test("the client's own credentials make 401 its answer, and go to no other origin", async () => {
  it = forwardWorld([provider("a"), provider("b", { priority: 1 })]);
  it.script("a", error(401, "authentication_error"), error(500));
  expect(await it.hear()).toMatchObject({ status: 401 });
  expect(await it.hear()).toMatchObject({ status: 500 });
  expect(it.asked).toEqual(["a", "a"]);
  expect(it.breaker("a").state()).toBe("closed");
});

test("counting tokens sets no home and leaves no residence", async () => {
  world(["a"]);
  it.script("a", json(200, { input_tokens: 9 }));
  expect(await it.hear({ kind: "count", stream: false })).toMatchObject({ status: 200, text: '{"input_tokens":9}' });
  expect(await it.count("a")).toEqual({ sessions: 0, requests: 0 });
  expect(await it.homes.read("session")).toEqual([]);
});

test("nobody serves it: 404 in the caller's envelope", async () => {
  world(["a"], { models: ["gpt-*"] });
  const heard = await it.hear();
  expect([heard.status, heard.headers.get("x-hedgerow-error")]).toEqual([404, "no_provider"]);
  expect(JSON.parse(heard.text)).toMatchObject({ type: "error", error: { type: "not_found_error" } });
});

test("a client that leaves while its upstream is silent is nobody's fault", async () => {
  world(["a", "b"]);
  const client = new AbortController();
  it.script("a", silent);
  const asked = it.ask({ signal: client.signal });
  await it.clock.advance(500);
  client.abort();
  expect((await asked).status).toBe(499);
  await it.clock.advance(0);
  expect(it.records()).toMatchObject([{ status: 499, attempts: [{ outcome: "client_left" }] }]);
  expect(await it.count("a")).toEqual({ sessions: 0, requests: 0 });
});

test("what takes longer than all may take is tried nowhere else", async () => {
  world(["a", "b"], {}, { totalMs: 5_000 });
  it.script("a", after(6_000, error(500)));
  expect(await it.hear()).toMatchObject({ status: 500 });
  expect(it.asked.length).toBe(1);
});
