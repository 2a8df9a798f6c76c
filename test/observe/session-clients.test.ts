import { expect, test } from "bun:test";
import type { ProxyEvent } from "../../src/core/events.ts";
import { sessionClients } from "../../src/observe/session-clients.ts";

const arrived = (session: string, client: string): ProxyEvent => ({
  kind: "request_arrived",
  requestId: "req_1",
  client,
  protocol: "anthropic",
  model: "m",
  stream: true,
  session,
  wallMs: 1,
});

test("the session that has been silent for longest is forgotten, and none that still asks", () => {
  const clients = sessionClients(2);
  for (const [session, client] of [
    ["first", "alice"],
    ["second", "bob"],
    ["first", "alice"],
    ["third", "carol"],
  ] as const)
    clients.observe(arrived(session, client));
  expect(["first", "second", "third", "never"].map(clients.of)).toEqual(["alice", null, "carol", null]);
});
