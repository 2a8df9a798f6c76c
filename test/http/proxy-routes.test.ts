import { expect, test } from "bun:test";
import { byteAccount } from "../../src/core/byte-account.ts";
import type { ProxyEvent } from "../../src/core/events.ts";
import type { Inbound } from "../../src/forward/inbound.ts";
import { authenticator } from "../../src/http/auth.ts";
import { type Edge, proxyRequest } from "../../src/http/proxy-routes.ts";
import { handClock } from "../world/clock.ts";

function edge(more: Partial<Edge> = {}) {
  const events: ProxyEvent[] = [];
  const idle: number[] = [];
  const account = byteAccount(() => 1_000);
  let draining = false;
  const forwarded: Inbound[] = [];
  const deps = {
    clock: handClock(),
    account,
    observe: (event: ProxyEvent) => void events.push(event),
    edge: (): Edge => ({
      authenticate: authenticator([]),
      bodyBytesMax: 500,
      providers: () => [],
      async forward(inbound) {
        forwarded.push(inbound);
        return new Response("answered");
      },
      ...more,
    }),
    draining: () => draining,
    readAlias: async () => null,
  };
  return {
    account,
    events,
    idle,
    forwarded,
    drain: () => (draining = true),
    ask: (path: string, init: RequestInit = {}) =>
      proxyRequest(deps, new Request(`http://proxy${path}`, { method: "POST", ...init }), {
        idleAfter: (seconds) => idle.push(seconds),
      }),
  };
}

const CHAT = "/v1/chat/completions";
const BODY = JSON.stringify({ model: "m", messages: [{ role: "user", content: "a prompt" }] });

test("a body is held until it is not needed any more, and then by nobody", async () => {
  const at = edge();
  expect((await at.ask(CHAT, { body: BODY })).status).toBe(200);
  const [inbound] = at.forwarded;
  expect(at.account.used()).toBe(BODY.length);
  expect(inbound?.body.byteLength).toBe(BODY.length);
  inbound?.bodyDone();
  inbound?.bodyDone();
  expect(at.account.used()).toBe(0);
  expect(inbound?.body.byteLength).toBe(0);
  expect(inbound?.bodyBytes).toBe(BODY.length);
});

test("what is refused holds no body", async () => {
  const at = edge();
  expect((await at.ask(CHAT, { body: '{"messages":[]}' })).status).toBe(400);
  expect((await at.ask(CHAT, { body: BODY.padEnd(600) })).status).toBe(413);
  expect(at.account.used()).toBe(0);
});

test("a connection's silence is judged here from its body on: the runtime's own limit is off until the answer's end", async () => {
  const at = edge();
  await at.ask(CHAT, { body: BODY });
  expect(at.idle).toEqual([0]);
  at.forwarded[0]?.beforeEnd();
  expect(at.idle).toEqual([0, 60]);
  await at.ask(CHAT, { body: "no json" });
  expect(at.idle).toEqual([0, 60, 0, 60]);
});

test("what ends at the edge is told like everything else", async () => {
  const at = edge();
  await at.ask("/nowhere");
  await at.ask(CHAT, { body: "no json" });
  await at.ask("/v1/models", { method: "GET" });
  at.drain();
  await at.ask(CHAT, { body: BODY });
  const told = at.events.map((event) =>
    event.kind === "request_finished" ? [event.record.status, event.record.error] : [],
  );
  expect(told).toEqual([
    [404, "not_found"],
    [400, "invalid_request"],
    [200, ""],
    [503, "draining"],
  ]);
});

test("a client may name its request, with a plain word", async () => {
  const at = edge();
  const named = async (id: string) => {
    await at.ask(CHAT, { body: BODY, headers: { "x-hedgerow-request-id": id } });
    return at.forwarded.at(-1)?.requestId;
  };
  expect(await named("build-42.retry_1")).toBe("build-42.retry_1");
  expect(await named("no word")).not.toBe("no word");
  expect(await named("x".repeat(65))).toHaveLength(22);
});
