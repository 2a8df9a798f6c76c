import { afterEach, describe, expect, test } from "bun:test";
import { secret } from "../../src/core/secret.ts";
import { provider } from "../provider/world.ts";
import { after, error, fails, hand, json, message, said, silent, sse, start, words } from "./upstream.ts";
import { type ForwardWorld, forwardWorld } from "./world.ts";

const KEY = [secret("a-key-of-the-proxy")];

let it: ForwardWorld;
afterEach(() => it.over());

const limits = (more: Partial<Readonly<{ sessions: number; requests: number; rpm: number }>>) => ({
  sessions: 0,
  requests: 0,
  rpm: 0,
  ...more,
});
const refusal = ({ headers, text }: Readonly<{ headers: Headers; text: string }>) =>
  `${headers.get("x-hedgerow-error")} ${/limit of [\w ]+/.exec(text)?.[0]}`;

/** A stream of a client's session that runs until it is let go. */
async function running(session: string, asked: Parameters<ForwardWorld["ask"]>[0]) {
  const upstream = hand();
  it.script("a", upstream.act);
  const response = it.ask({ session, ...asked });
  await it.clock.advance(0);
  upstream.say(start + words("x"));
  expect((await response).status).toBe(200);
  const text = (await response).text();
  return async () => {
    upstream.say(said("").slice(start.length));
    upstream.end();
    await text;
  };
}

describe("a client at its limit", () => {
  test("of requests is refused, and gets its place back at the end of one", async () => {
    it = forwardWorld([provider("a")]);
    const own = limits({ requests: 1 });
    const done = await running("one", { limits: own });
    expect(refusal(await it.hear({ session: "two", limits: own }))).toBe("client_limit limit of concurrent requests");
    await done();
    it.script("a", sse(said("x")));
    expect((await it.hear({ session: "two", limits: own })).status).toBe(200);
  });

  test("of sessions gives up its own longest idle one, never a running one", async () => {
    it = forwardWorld([provider("a")]);
    const own = limits({ sessions: 1 });
    it.script("a", sse(said("x")));
    await it.hear({ session: "one", limits: own });
    const done = await running("two", { limits: own });
    expect(refusal(await it.hear({ session: "three", limits: own }))).toBe("client_limit limit of concurrent sessions");
    await done();
  });

  test("of sessions that are held is refused though one is idle", async () => {
    it = forwardWorld([provider("a")], { idle: "hold" });
    const own = limits({ sessions: 1 });
    it.script("a", sse(said("x")));
    await it.hear({ session: "one", limits: own });
    expect(refusal(await it.hear({ session: "two", limits: own }))).toContain("client_limit");
  });

  test("does not stand in line", async () => {
    it = forwardWorld([provider("a")], { waitMs: 60_000 });
    const own = limits({ requests: 1 });
    const done = await running("one", { limits: own });
    expect((await it.ask({ session: "two", limits: own })).status).toBe(429);
    await done();
  });
});

test("a session that an operator ends between two attempts ends with its request", async () => {
  it = forwardWorld([provider("a", { keys: KEY }), provider("b", { keys: KEY, priority: 1 })], { waitMs: 60_000 });
  it.script("a", after(1_000, message));
  const asked = it.ask({ stream: false });
  await it.clock.advance(500);
  await it.slots.end("session");
  const response = await asked;
  expect([response.status, await response.text()]).toEqual([502, expect.stringContaining("ended by an operator")]);
  expect(it.asked).toEqual(["a:a-key-of-the-proxy"]);
});

test("a session that was ended at another proxy is heard of with the next heartbeat, and asked nowhere else", async () => {
  it = forwardWorld([
    provider("a", { keys: KEY, limits: { sessions: 9, requests: 0 } }),
    provider("b", { keys: KEY, priority: 1 }),
  ]);
  it.script("a", silent);
  const asked = it.ask({ stream: false });
  await it.clock.advance(500);
  await it.store.end("provider:a", "session", 600_000);
  await it.clock.advance(11_000);
  expect((await asked).status).toBe(502);
  expect(it.asked).toEqual(["a:a-key-of-the-proxy"]);
  expect(it.records()).toMatchObject([{ attempts: [{ outcome: "ended" }] }]);
});

test("a client's session is gone from its own limit when its request failed or its stream broke", async () => {
  it = forwardWorld([provider("a")], { idle: "hold" });
  const own = limits({ sessions: 1 });
  for (const fault of [error(500), fails("connect"), sse(start + words("x"))]) {
    it.script("a", sse(said("x")));
    expect((await it.hear({ session: "one", limits: own })).status).toBe(200);
    it.script("a", fault);
    await it.hear({ session: "one", limits: own });
    it.script("a", error(400, "invalid_request_error"));
    expect((await it.hear({ session: "two", limits: own })).status).toBe(400);
  }
});

describe("a request that goes on from an upstream's object asks for its slot there beside its client's leave", () => {
  const goingOn = { protocol: "openai-responses", stream: false, boundTo: "a", previous: "resp_1" } as const;
  const protocols = ["openai-responses", "anthropic"] as const;
  const narrow = provider("a", { protocols, limits: { sessions: 1, requests: 0 } });

  test("where the client has none nothing is sent, no idle session gives way, and the slot is free again", async () => {
    it = forwardWorld([narrow]);
    it.script("a", sse(said("x")));
    const own = limits({ rpm: 1 });
    await it.hear({ session: "idle", limits: own });
    expect(refusal(await it.hear({ ...goingOn, session: "two", limits: own }))).toContain("client_limit");
    expect(await it.count("a")).toMatchObject({ sessions: 1, requests: 0 });
    await it.store.end("provider:a", "idle", 1_000);
    expect(refusal(await it.hear({ ...goingOn, session: "two", limits: own }))).toContain("client_limit");
    expect(await it.count("a")).toMatchObject({ sessions: 0, requests: 0 });
    expect(it.asked.length).toBe(1);
  });

  test("where the client has room an idle session gives way as for any other", async () => {
    it = forwardWorld([narrow]);
    it.script("a", sse(said("x")), error(400, "invalid_request_error"));
    await it.hear({ session: "idle" });
    expect((await it.hear({ ...goingOn, session: "two", limits: limits({ sessions: 1 }) })).status).toBe(400);
    expect(await it.count("a")).toMatchObject({ sessions: 0, requests: 0 });
  });

  test("its alias stands in for its home", async () => {
    it = forwardWorld([provider("b", { protocols }), narrow]);
    it.script("a", json(200, { id: "resp_2", object: "response", status: "completed", output: [{ type: "message" }] }));
    const heard = await it.hear({ ...goingOn, session: "two" });
    expect([heard.headers.get("x-hedgerow-provider"), heard.headers.get("x-hedgerow-sticky")]).toEqual(["a", "hit"]);
  });
});
