import { expect, test } from "bun:test";
import { APIError } from "@anthropic-ai/sdk";
import { anthropicErrorEvent, anthropicKeepAlive } from "../../../src/protocol/anthropic/ending.ts";
import { start, text, textStart } from "../corpus/anthropic.ts";
import { named } from "../corpus/row.ts";
import { anthropicAt } from "../../world/sdk.ts";
import { interrupted, listened } from "../interrupted.ts";

const error = { code: "attempts_failed", message: 'the stream broke: "cut"' } as const;

test("a broken stream ends with the error event alone", () => {
  expect(Buffer.from(anthropicErrorEvent(error)).toString()).toBe(
    'event: error\ndata: {"type":"error","error":{"type":"api_error","message":"the stream broke: \\"cut\\""}}\n\n',
  );
});

test("the SDK raises it after the content so far, keep-alives passed over", async () => {
  const head = named(start) + Buffer.from(anthropicKeepAlive).toString() + named(textStart, text("Hel"));
  await using server = interrupted("text/event-stream", head, anthropicErrorEvent(error));
  const client = anthropicAt(server.url);
  const stream = await client.messages.create({
    model: "m",
    max_tokens: 9,
    messages: [{ role: "user", content: "Hi" }],
    stream: true,
  });
  const { items, error: raised } = await listened(stream, server);
  expect(items.map(({ type }) => type)).toEqual(["message_start", "content_block_start", "content_block_delta"]);
  expect(raised).toBeInstanceOf(APIError);
  expect(raised).toMatchObject({ error: { error: { type: "api_error", message: error.message } } });
});

test("a keep-alive is a ping", () => {
  expect(Buffer.from(anthropicKeepAlive).toString()).toBe('event: ping\ndata: {"type": "ping"}\n\n');
});
