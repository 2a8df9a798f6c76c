import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { secret } from "../../src/core/secret.ts";
import { Stop } from "../../src/forward/stop.ts";
import { PROTOCOL_NAMES, type ProtocolName } from "../../src/protocol/protocol.ts";
import { PLAIN_REPLY } from "../../src/simulator/behaviour.ts";
import { DIALECTS } from "../../src/simulator/wish.ts";
import { provider } from "../provider/world.ts";
import { type Act, hand, silent } from "./upstream.ts";
import { type ForwardWorld, forwardWorld } from "./world.ts";

/** Nothing here ends by itself: what is called off within no time at all was called off because the client left. */
const NEVER = { connectMs: 0, firstTokenMs: 0, idleMs: 0, totalMs: 0 };
const HEDGE_AFTER_MS = 1_000;

let it: ForwardWorld;
let client: AbortController;
let sent: AbortSignal[];
beforeEach(() => {
  const hedge = { after: HEDGE_AFTER_MS, minMs: 0, maxMs: 0, coldMs: 0 };
  const keys = [secret("a-key-of-the-proxy")];
  it = forwardWorld(
    ["a", "b"].map((name, priority) =>
      provider(name, { protocols: PROTOCOL_NAMES, keys, priority, timeouts: NEVER, hedge }),
    ),
  );
  client = new AbortController();
  sent = [];
});
afterEach(() => it.over());

const watched =
  (act: Act): Act =>
  (request) => {
    sent.push(request.signal);
    return act(request);
  };

/** The client leaves; why each request upstream was called off, with the clock where it was. */
async function leave(): Promise<(string | null)[]> {
  const leftAtMs = it.clock.monoMs();
  client.abort();
  await it.clock.advance(0);
  expect(it.clock.monoMs()).toBe(leftAtMs);
  const why = sent.map(({ reason }) => (reason instanceof Stop ? reason.why : null));
  // What runs on has failed the test already, which need not wait for it as well.
  if (why.includes(null)) {
    it.drain();
    await it.clock.advance(60_000);
  }
  return why;
}

/** A streamed answer in the protocol's own words, in two parts. */
function words(protocol: ProtocolName) {
  const framing = protocol === "gemini" ? "json-array" : "sse";
  const wish = { protocol, kind: "generate", model: "m", stream: true, framing } as const;
  const pieces = DIALECTS[protocol].stream({ ...wish, usageChunk: false, inputs: 1, serial: 1 }, PLAIN_REPLY);
  const second = pieces.findIndex(({ part }, at) => part === "content" && pieces[at - 1]?.part === "content");
  const text = (from: number, to?: number) =>
    pieces
      .slice(from, to)
      .map((piece) => piece.text)
      .join("");
  const type = framing === "sse" ? "text/event-stream" : "application/json";
  return { body: hand({ "content-type": type }), begun: text(0, second + 1), rest: text(second + 1) };
}

describe.each(PROTOCOL_NAMES)("%s: within no time of its client's leaving an upstream is told", (protocol) => {
  const ask = () => it.ask({ protocol, signal: client.signal });

  test("before its headers", async () => {
    it.script("a", watched(silent));
    const asked = ask();
    await it.clock.advance(500);
    expect(await leave()).toEqual(["client_left"]);
    expect((await asked).status).toBe(499);
  });

  test("after its headers, before its content", async () => {
    const { body } = words(protocol);
    it.script("a", watched(body.act));
    const asked = ask();
    await it.clock.advance(500);
    expect(await leave()).toEqual(["client_left"]);
    expect(body.cancelled()).toBe(true);
    expect((await asked).status).toBe(499);
  });

  test.each(["between two events", "at the last byte"])("%s", async (where) => {
    const { body, begun, rest } = words(protocol);
    it.script("a", watched(body.act));
    const asked = ask();
    body.say(where === "at the last byte" ? begun + rest : begun);
    await it.clock.advance(500);
    const reader = (await asked).body?.getReader();
    expect((await reader?.read())?.value?.byteLength).toBeGreaterThan(0);
    await it.clock.advance(0);
    expect(await leave()).toEqual(["client_left"]);
    expect(body.cancelled()).toBe(true);
    expect(it.records()).toMatchObject([{ status: 200, attempts: [{ provider: "a" }] }]);
  });

  test("beside the hedge's, before either has content", async () => {
    it.script("a", watched(silent));
    it.script("b", watched(silent));
    const asked = ask();
    await it.clock.advance(HEDGE_AFTER_MS);
    expect(await leave()).toEqual(["client_left", "client_left"]);
    expect((await asked).status).toBe(499);
  });
});

test("an upstream whose client was sent signs of life is told as soon", async () => {
  it.script("a", watched(silent));
  it.script("b", watched(silent));
  const asked = it.ask({ signal: client.signal });
  await it.clock.advance(16_000);
  const text = (await asked).text().catch(() => "");
  await it.clock.advance(0);
  expect(await leave()).toEqual(["client_left", "client_left"]);
  await text;
});
