import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import type { ProtocolName } from "../../src/protocol/protocol.ts";
import { provider } from "../provider/world.ts";
import { type Hand, hand } from "./upstream.ts";
import { type ForwardWorld, forwardWorld } from "./world.ts";

const EVERY: readonly ProtocolName[] = ["anthropic", "openai-chat", "openai-responses", "gemini"];

let it: ForwardWorld;
let upstream: Hand;
beforeEach(() => start());
afterEach(() => it.over());

function start(headers?: Record<string, string>): void {
  it = forwardWorld([
    provider("a", {
      protocols: EVERY,
      timeouts: { connectMs: 0, firstTokenMs: 0, idleMs: 60_000, totalMs: 0 },
      limits: { sessions: 1, requests: 0 },
    }),
  ]);
  upstream = hand(headers);
  it.script("a", upstream.act);
}

/** A stream of which the client has what was said first. */
async function begin(protocol: ProtocolName, said: string): Promise<Readonly<{ heard: Promise<string> }>> {
  const asked = it.ask({ protocol });
  await it.clock.advance(0);
  upstream.say(said);
  await it.clock.advance(0);
  const heard = (await asked).text().catch((error: unknown) => `reset: ${String(error)}`);
  await it.clock.advance(0);
  return { heard };
}
const attempt = () => it.records()[0]?.attempts[0];
const event = (object: unknown, name = "") =>
  `${name === "" ? "" : `event: ${name}\n`}data: ${typeof object === "string" ? object : JSON.stringify(object)}\n\n`;

const chat = (index: number, delta: object, finish: string | null = null) =>
  event({ choices: [{ index, delta, finish_reason: finish }] });
const gemini = (text: string, finish?: string) => ({
  candidates: [{ content: { parts: text === "" ? [] : [{ text }] }, ...(finish && { finishReason: finish }) }],
});

/** Begun answers, each in its protocol. */
const BEGUN: Readonly<Record<ProtocolName, string>> = {
  anthropic: event(
    { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "hello" } },
    "content_block_delta",
  ),
  "openai-chat": chat(0, { content: "hello" }),
  "openai-responses": event(
    { type: "response.output_text.delta", delta: "hello", sequence_number: 4 },
    "response.output_text.delta",
  ),
  gemini: event(gemini("hello")),
};
/** What ends a broken answer in each protocol, with a message. */
const TOLD: Readonly<Record<ProtocolName, (message: string) => string>> = {
  anthropic: (message) => event({ type: "error", error: { type: "api_error", message } }, "error"),
  "openai-chat": (message) => event({ error: { message, type: "server_error", param: null, code: "attempts_failed" } }),
  "openai-responses": (message) =>
    event({ type: "error", code: "attempts_failed", message, param: null, sequence_number: 5 }, "error"),
  gemini: (message) => JSON.stringify({ error: { code: 502, message, status: "UNAVAILABLE" } }),
};

describe("an answer that says more after it could have been whole", () => {
  test("is not cut: a chunk may finish and another follow (Gemini)", async () => {
    const said = ["one", "two", "three", "four"].map((text) => event(gemini(text, "STOP")));
    const { heard } = await begin("gemini", said[0] ?? "");
    for (const chunk of said.slice(1)) {
      await it.clock.advance(20_000);
      upstream.say(chunk);
    }
    await it.clock.advance(0);
    upstream.end();
    expect(await heard).toBe(said.join(""));
    expect(attempt()).toMatchObject({ outcome: "answered" });
  });

  test("is not cut: a finish may come before all text (Gemini)", async () => {
    const said = [event(gemini("", "STOP")), event(gemini("late")), event(gemini("r", "STOP"))];
    const { heard } = await begin("gemini", said[0] ?? "");
    for (const chunk of said.slice(1)) {
      await it.clock.advance(20_000);
      upstream.say(chunk);
    }
    await it.clock.advance(0);
    upstream.end();
    expect(await heard).toBe(said.join(""));
  });

  test("is not cut: one choice may begin when another has finished (Chat)", async () => {
    const said = [chat(0, { content: "a" }), chat(0, {}, "stop"), chat(1, { content: "b" }), chat(1, {}, "stop")];
    const { heard } = await begin("openai-chat", said[0] ?? "");
    for (const chunk of said.slice(1)) {
      await it.clock.advance(20_000);
      upstream.say(chunk);
    }
    upstream.say(event("[DONE]"));
    await it.clock.advance(5_000);
    expect(await heard).toBe(`${said.join("")}data: [DONE]\n\n`);
    expect(attempt()).toMatchObject({ outcome: "answered" });
  });

  test("is whole when it then says nothing for the idle time", async () => {
    const said = event(gemini("all", "STOP"));
    const { heard } = await begin("gemini", said);
    await it.clock.advance(59_999);
    expect(attempt()).toBeUndefined();
    await it.clock.advance(1);
    expect(await heard).toBe(said);
    expect(attempt()).toMatchObject({ outcome: "answered" });
    expect(it.told("stream_broken")).toEqual([]);
  });
});

/** Errors of an upstream that stand where no client's library looks for one. */
const UNHEARD: readonly Readonly<{ what: string; says: string; end: boolean }>[] = [
  { what: "in an event without its blank line", says: 'data: {"error":{"message":"boom"}}\n', end: true },
  { what: "in an event without a line's end", says: 'event: error\ndata: {"error":{"message":"boom"}}', end: true },
  { what: "in no event, as the last", says: '{"error":{"message":"boom"}}', end: true },
  { what: "in no event, and more after it", says: '{"error":{"message":"boom"}}\n\ndata: [DONE]\n\n', end: false },
];

describe.each(EVERY)("an error of the upstream after content (%s)", (protocol) => {
  test.each(UNHEARD)("$what is told as the protocol tells errors, and nothing after it", async ({ says, end }) => {
    const { heard } = await begin(protocol, BEGUN[protocol]);
    upstream.say(says);
    if (end) upstream.end();
    expect(await heard).toBe(BEGUN[protocol] + TOLD[protocol]("boom"));
    expect(it.told("stream_broken")).toMatchObject([{ how: "error_event" }]);
    expect(attempt()).toMatchObject({ outcome: "broken", reason: "error_event" });
    expect(it.records()).toMatchObject([{ error: "attempts_failed" }]);
    expect(await it.count("a")).toEqual({ sessions: 0, requests: 0 });
  });
});

test.each(EVERY)(
  "such an error loses nothing that came before it, and adds nothing of what came after it, at once (%s)",
  async (protocol) => {
    const more = BEGUN[protocol];
    const { heard } = await begin(protocol, `${more}${more}{"error":{"message":"boom"}}\n\n${more}data: [DONE]\n\n`);
    expect(await heard).toBe(more + more + TOLD[protocol]("boom"));
    expect(it.told("stream_broken")).toMatchObject([{ how: "error_event" }]);
  },
);

describe("an error that the client hears as the upstream tells it", () => {
  test.each([
    ["anthropic", event({ type: "error", error: { type: "overloaded_error", message: "boom" } }, "error")],
    ["openai-chat", event({ error: { message: "boom", type: "server_error" } })],
    ["openai-responses", event({ type: "error", message: "boom", code: "server_error" }, "error")],
  ] as const)(
    "is passed on alone (%s), and its connection is closed although the upstream would not",
    async (protocol, error) => {
      const { heard } = await begin(protocol, BEGUN[protocol]);
      upstream.say(error);
      await it.clock.advance(4_999);
      expect(attempt()).toBeUndefined();
      await it.clock.advance(1);
      expect(await heard).toBe(BEGUN[protocol] + error);
      expect(upstream.cancelled()).toBe(true);
      expect(it.told("stream_broken")).toMatchObject([{ how: "error_event" }]);
    },
  );

  test("in Gemini's event, where not all libraries look, it is told once more as they do", async () => {
    const { heard } = await begin("gemini", BEGUN.gemini);
    upstream.say(event({ error: { code: 503, message: "boom", status: "UNAVAILABLE" } }));
    expect(await heard).toBe(BEGUN.gemini + TOLD.gemini("boom"));
  });
});

describe("a JSON array", () => {
  const begun = `[${JSON.stringify(gemini("one"))}`;
  beforeEach(async () => {
    await it.over();
    start({ "content-type": "application/json" });
  });

  test("that ends with the upstream's error is closed", async () => {
    const { heard } = await begin("gemini", begun);
    upstream.say(`,\n${JSON.stringify({ error: { code: 503, message: "boom", status: "UNAVAILABLE" } })}`);
    await it.clock.advance(0);
    upstream.end();
    const elements = JSON.parse(await heard) as Readonly<{ error?: { message: string } } & object>[];
    expect(elements[0]).toMatchObject(gemini("one"));
    expect(elements.at(-1)?.error?.message).toBe("boom");
    expect(it.told("stream_broken")).toMatchObject([{ how: "error_event" }]);
  });

  test("that its upstream closes itself after its error is left as it is", async () => {
    const { heard } = await begin("gemini", begun);
    const rest = `,${JSON.stringify({ error: { code: 503, message: "boom", status: "UNAVAILABLE" } })}]`;
    upstream.say(rest);
    await it.clock.advance(0);
    upstream.end();
    expect(await heard).toBe(begun + rest);
  });
});

test("an error that is the client's own and stands in no event is told as one", async () => {
  const { heard } = await begin(
    "openai-chat",
    '{"error":{"message":"too long","type":"invalid_request_error","code":"context_length_exceeded"}}\n\n',
  );
  upstream.end();
  const error = { message: "too long", type: "server_error", param: null, code: "invalid_request" };
  expect(await heard).toBe(event({ error }));
  expect(it.told("stream_broken")).toEqual([]);
  expect(attempt()).toMatchObject({ outcome: "answered" });
});

describe("a client that is there and takes nothing", () => {
  test("counts as gone after the idle time, also when its upstream has ended long ago", async () => {
    const asked = it.ask({ protocol: "openai-chat" });
    await it.clock.advance(0);
    upstream.say(BEGUN["openai-chat"]);
    const reader = (await asked).body?.getReader();
    await reader?.read();
    upstream.say(chat(0, { content: "x".repeat(200_000) }));
    upstream.say(chat(0, { content: "y" }, "stop"));
    upstream.end();
    await it.clock.advance(59_999);
    expect(it.slots.leases()).toBe(1);
    await it.clock.advance(1);
    expect(it.slots.leases()).toBe(0);
    expect(attempt()).toMatchObject({ outcome: "client_left" });
    expect(it.told("stream_broken")).toEqual([]);
    await reader?.cancel().catch(() => undefined);
  });

  test("and takes on within the idle time loses nothing", async () => {
    const asked = it.ask({ protocol: "openai-chat" });
    await it.clock.advance(0);
    upstream.say(BEGUN["openai-chat"]);
    const reader = (await asked).body?.getReader();
    const first = await reader?.read();
    const more = [chat(0, { content: "x".repeat(200_000) }), chat(0, { content: "y" }, "stop"), event("[DONE]")];
    for (const chunk of more) upstream.say(chunk);
    upstream.end();
    await it.clock.advance(59_000);
    let text = new TextDecoder().decode(first?.value);
    for (let read = await reader?.read(); read && !read.done; read = await reader?.read()) {
      text += new TextDecoder().decode(read.value);
      await it.clock.advance(59_000);
    }
    expect(text).toBe(BEGUN["openai-chat"] + more.join(""));
    expect(attempt()).toMatchObject({ outcome: "answered" });
  });
});
