import { expect, test } from "bun:test";
import { responsesErrorEvent, responsesKeepAlive } from "../../../src/protocol/openai-responses/ending.ts";
import { added, created, numbered, partAdded, text } from "../corpus/openai-responses.ts";
import { openaiAt, thrownBy } from "../../world/sdk.ts";
import { interrupted, listened } from "../interrupted.ts";

const error = { code: "attempts_failed", message: "the stream broke: cut" } as const;
const ending = (sequence: number) => responsesErrorEvent(error, "req_1", { sequence });

test("a broken stream ends with the error event, numbered after the last", () => {
  const event = (number: number) =>
    `event: error\ndata: {"type":"error","code":"attempts_failed","message":"the stream broke: cut","param":null,"sequence_number":${number}}\n\n`;
  expect(Buffer.from(ending(41)).toString()).toBe(event(42));
  expect(Buffer.from(ending(-1)).toString()).toBe(event(0));
});

const head = Buffer.from(responsesKeepAlive).toString() + numbered(created, added, partAdded, text("Hel"));
const request = { model: "m", input: "Hi", stream: true } as const;

test("the SDK hands the error event to who iterates, as the last and instead of an end", async () => {
  await using server = interrupted("text/event-stream", head, ending(3));
  const client = openaiAt(server.url);
  const { items } = await listened(await client.responses.create(request), server);
  expect(items.at(-1)).toEqual({ type: "error", ...error, param: null, sequence_number: 4 });
  expect(items.some(({ type }) => type === "response.completed")).toBe(false);
});

test("the SDK raises it to who waits for the whole response", async () => {
  await using server = interrupted("text/event-stream", head, ending(3));
  const client = openaiAt(server.url);
  const stream = client.responses.stream(request);
  stream.on("response.output_text.delta", () => server.heard());
  expect(await thrownBy(() => stream.finalResponse())).toMatchObject({ type: "error", ...error });
});
