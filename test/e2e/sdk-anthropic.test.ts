import { describe, expect, setDefaultTimeout, test } from "bun:test";
import {
  APIError,
  APIUserAbortError,
  AuthenticationError,
  BadRequestError,
  InternalServerError,
  NotFoundError,
  RateLimitError,
} from "@anthropic-ai/sdk";
import {
  answer,
  errorInside,
  noHeaders,
  noTerminal,
  status,
  toolWithoutArguments,
} from "../../src/simulator/behaviour.ts";
import { PLAIN_TEXT } from "../world/http.ts";
import { eventually, startWorld } from "../world/scripted-upstream.ts";
import { anthropicAt, thrownBy } from "../world/sdk.ts";

setDefaultTimeout(60_000);

const ASKED = { model: "claude-x", max_tokens: 64, messages: [{ role: "user" as const, content: "hi" }] };
const TOOLS = [{ name: "look", input_schema: { type: "object" as const, properties: { at: { type: "number" } } } }];

describe("the Anthropic SDK through the binary", () => {
  test("gets a whole message", async () => {
    await using world = await startWorld({ a: answer() });
    const { data, response } = await anthropicAt(world.url).messages.create(ASKED).withResponse();
    expect(data.content).toMatchObject([{ type: "text", text: PLAIN_TEXT }]);
    expect(response.headers.get("x-hedgerow-provider")).toBe("a");
    expect(response.headers.get("x-hedgerow-attempts")).toBe("1");
    await world.idle();
  });

  test("gets a stream with thinking and a tool call", async () => {
    await using world = await startWorld({
      a: answer({ reply: { thinking: "hm", tool: { name: "look", args: '{"at":1}' } } }),
    });
    const message = await anthropicAt(world.url)
      .messages.stream({ ...ASKED, tools: TOOLS })
      .finalMessage();
    expect(message.content).toMatchObject([
      { type: "thinking", thinking: "hm" },
      { type: "text", text: PLAIN_TEXT },
      { type: "tool_use", input: { at: 1 } },
    ]);
    expect(message.usage.output_tokens).toBe(8);
    await world.idle();
  });

  test("gets a call of a tool without arguments from the first provider", async () => {
    await using world = await startWorld({ a: toolWithoutArguments, b: answer() });
    const message = await anthropicAt(world.url).messages.stream(ASKED).finalMessage();
    expect(message.content).toMatchObject([{ type: "tool_use", name: "list_files" }]);
    expect(world.upstream.b.arrived()).toBe(0);
  });

  test("counts tokens", async () => {
    await using world = await startWorld({ a: answer() });
    const client = anthropicAt(world.url);
    const counted = await client.messages.countTokens({ model: ASKED.model, messages: ASKED.messages });
    expect(counted.input_tokens).toBe(12);
    expect(await world.hedgerow.metric("hedgerow_sessions")).toBe(0);
  });

  test("lists models in Anthropic's shape", async () => {
    await using world = await startWorld({ a: answer() }, { each: { models: ["claude-x", "claude-y", "other-*"] } });
    const ids: string[] = [];
    for await (const model of anthropicAt(world.url).models.list()) ids.push(model.id);
    expect(ids.toSorted()).toEqual(["claude-x", "claude-y"]);
    expect((await anthropicAt(world.url).models.retrieve("claude-x")).id).toBe("claude-x");
  });

  const ERRORS = [
    { upstream: 400, error: BadRequestError, status: 400, type: "invalid_request_error" },
    { upstream: 429, error: RateLimitError, status: 429, type: "rate_limit_error" },
    { upstream: 529, error: InternalServerError, status: 529, type: "overloaded_error" },
    // The key is ours, so its refusal is none of the client's business.
    { upstream: 401, error: InternalServerError, status: 502, type: "api_error" },
    { upstream: 404, error: NotFoundError, status: 404, type: "not_found_error" },
  ];
  for (const stream of [false, true]) {
    test.each(ERRORS)(`upstream's $upstream is the right error class (stream: ${stream})`, async (row) => {
      await using world = await startWorld({ a: status(row.upstream) });
      const error = await thrownBy(async () => {
        const client = anthropicAt(world.url);
        if (stream) await client.messages.stream(ASKED).finalMessage();
        else await client.messages.create(ASKED);
      });
      expect(error).toBeInstanceOf(row.error);
      expect(error).toMatchObject({ status: row.status, error: { type: "error", error: { type: row.type } } });
      await world.idle();
    });
  }

  test("own errors are error classes too", async () => {
    await using world = await startWorld(
      { a: answer() },
      { config: { clients: [{ name: "c", key: "client-key-123456" }] }, each: { models: ["claude-*"] } },
    );
    const wrong = await thrownBy(() => anthropicAt(world.url, "wrong-key").messages.create(ASKED));
    expect(wrong).toBeInstanceOf(AuthenticationError);
    const right = anthropicAt(world.url, "client-key-123456");
    expect((await right.messages.create(ASKED)).type).toBe("message");
    const none = await thrownBy(() => right.messages.create({ ...ASKED, model: "gpt-x" }));
    expect(none).toBeInstanceOf(NotFoundError);
  });

  test("an error inside a stream, before content, with nobody else to ask", async () => {
    await using world = await startWorld({ a: errorInside(529) });
    const error = await thrownBy(() => anthropicAt(world.url).messages.stream(ASKED).finalMessage());
    expect(error).toBeInstanceOf(APIError);
  });

  test("a stream without its end is an error after the content", async () => {
    await using world = await startWorld({ a: noTerminal });
    const stream = anthropicAt(world.url).messages.stream(ASKED);
    let heard = "";
    stream.on("text", (text) => {
      heard += text;
    });
    expect(await thrownBy(() => stream.finalMessage())).toBeInstanceOf(APIError);
    expect(PLAIN_TEXT).toStartWith(heard);
    expect(heard).not.toBe("");
  });

  test("aborting a stream tells the upstream", async () => {
    await using world = await startWorld({ a: answer({ gapMs: 60_000 }) });
    const stream = anthropicAt(world.url).messages.stream(ASKED);
    stream.once("text", () => stream.abort());
    expect(await thrownBy(() => stream.finalMessage())).toBeInstanceOf(APIUserAbortError);
    expect((await world.upstream.a.exchanges()[0]?.ended)?.how).toBe("left");
    await world.idle();
  });

  test("aborting before headers tells the upstream", async () => {
    await using world = await startWorld({ a: noHeaders });
    const leaving = new AbortController();
    const asked = thrownBy(() => anthropicAt(world.url).messages.create(ASKED, { signal: leaving.signal }));
    await eventually("the request arrives", () => world.upstream.a.arrived() === 1);
    leaving.abort();
    expect(await asked).toBeInstanceOf(APIUserAbortError);
    expect((await world.upstream.a.exchanges()[0]?.ended)?.how).toBe("left");
    await world.idle();
  });
});
