import { expect, test } from "bun:test";
import { ApiError } from "@google/genai";
import { geminiErrorEvent, geminiKeepAlive } from "../../../src/protocol/gemini/ending.ts";
import { hello } from "../corpus/gemini.ts";
import { plainCrlf } from "../corpus/row.ts";
import { geminiAt } from "../../world/sdk.ts";
import { interrupted, listened } from "../interrupted.ts";

const error = { code: "timed_out", message: "the stream broke: stall" } as const;
const object = '{"error":{"code":502,"message":"the stream broke: stall","status":"UNAVAILABLE"}}';
const ending = (framing: "sse" | "json-array", first: boolean) =>
  Buffer.from(geminiErrorEvent(error, "req_1", { framing, first })).toString();

test("a broken event stream ends with the bare object", () => {
  expect(ending("sse", false)).toBe(object);
  expect(ending("sse", true)).toBe(object);
});

test("a broken array has the object as its last element, or as its only one", () => {
  expect(ending("json-array", false)).toBe(`,${object}]`);
  expect(ending("json-array", true)).toBe(`[${object}]`);
  expect(JSON.parse(`[${JSON.stringify(hello)}${ending("json-array", false)}`)).toHaveLength(2);
});

test("the SDK raises it after the content so far, keep-alives passed over", async () => {
  const head = Buffer.from(geminiKeepAlive).toString() + plainCrlf(hello);
  await using server = interrupted("text/event-stream", head, Buffer.from(ending("sse", false)));
  const client = geminiAt(server.url);
  const stream = await client.models.generateContentStream({ model: "m", contents: "Hi" });
  const { items, error: raised } = await listened(stream, server);
  expect(items.map(({ text }) => text)).toEqual(["Hello"]);
  expect(raised).toBeInstanceOf(ApiError);
  expect(raised).toMatchObject({ status: 502 });
});

test("the SDK raises an error also where the object comes together with content", async () => {
  await using server = interrupted("text/event-stream", plainCrlf(hello), Buffer.from(plainCrlf(hello) + object));
  const client = geminiAt(server.url);
  const stream = await client.models.generateContentStream({ model: "m", contents: "Hi" });
  expect((await listened(stream, server)).error).toBeInstanceOf(Error);
});
