import { expect, test } from "bun:test";
import { APIError } from "openai";
import { chatErrorEvent, chatKeepAlive } from "../../../src/protocol/openai-chat/ending.ts";
import { hello, role } from "../corpus/openai-chat.ts";
import { plain } from "../corpus/row.ts";
import { openaiAt } from "../../world/sdk.ts";
import { interrupted, listened } from "../interrupted.ts";

const error = { code: "timed_out", message: "the stream broke: stall" } as const;

test("a broken stream ends with a chunk that is an error, and no [DONE]", () => {
  expect(Buffer.from(chatErrorEvent(error)).toString()).toBe(
    'data: {"error":{"message":"the stream broke: stall","type":"server_error","param":null,"code":"timed_out"}}\n\n',
  );
});

test("the SDK raises it after the content so far, keep-alives passed over", async () => {
  const head = Buffer.from(chatKeepAlive).toString() + plain(role, hello);
  await using server = interrupted("text/event-stream", head, chatErrorEvent(error));
  const client = openaiAt(server.url);
  const stream = await client.chat.completions.create({
    model: "m",
    messages: [{ role: "user", content: "Hi" }],
    stream: true,
  });
  const { items, error: raised } = await listened(stream, server);
  expect(items.map(({ choices }) => choices[0]?.delta.content)).toEqual(["", "Hello"]);
  expect(raised).toBeInstanceOf(APIError);
  expect(raised).toMatchObject({ code: "timed_out", type: "server_error" });
});

test("a keep-alive is a comment", () => {
  expect(Buffer.from(chatKeepAlive).toString()).toBe(": keep-alive\n\n");
});
