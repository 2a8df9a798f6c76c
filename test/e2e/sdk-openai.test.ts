import { describe, expect, setDefaultTimeout, test } from "bun:test";
import {
  APIError,
  APIUserAbortError,
  AuthenticationError,
  BadRequestError,
  InternalServerError,
  NotFoundError,
  RateLimitError,
} from "openai";
import { answer, errorInside, noTerminal, status, toolWithoutArguments } from "../../src/simulator/behaviour.ts";
import { PLAIN_TEXT } from "../world/http.ts";
import { startWorld } from "../world/scripted-upstream.ts";
import { openaiAt, thrownBy } from "../world/sdk.ts";

setDefaultTimeout(60_000);

const CHAT = { model: "gpt-x", messages: [{ role: "user" as const, content: "hi" }] };
const RESPONSE = { model: "gpt-x", input: "hi" };
const TOOL = { type: "function" as const, function: { name: "look", parameters: { type: "object", properties: {} } } };

const ERRORS = [
  { upstream: 400, error: BadRequestError, status: 400 },
  { upstream: 429, error: RateLimitError, status: 429 },
  { upstream: 500, error: InternalServerError, status: 500 },
  // The key is ours, so its refusal is none of the client's business.
  { upstream: 401, error: InternalServerError, status: 502 },
  { upstream: 404, error: NotFoundError, status: 404 },
];

describe("the OpenAI SDK through the binary: chat", () => {
  test("gets a whole completion with a tool call", async () => {
    await using world = await startWorld({ a: answer({ reply: { tool: { name: "look", args: '{"at":1}' } } }) });
    const done = await openaiAt(world.url).chat.completions.create({ ...CHAT, tools: [TOOL] });
    expect(done.choices[0]?.message.content).toBe(PLAIN_TEXT);
    expect(done.choices[0]?.message.tool_calls).toMatchObject([{ function: { name: "look", arguments: '{"at":1}' } }]);
    await world.idle();
  });

  test("gets a stream with its usage chunk", async () => {
    await using world = await startWorld({ a: answer({ reply: { thinking: "hm" } }) });
    const stream = openaiAt(world.url).chat.completions.stream({ ...CHAT, stream_options: { include_usage: true } });
    expect(await stream.finalContent()).toBe(PLAIN_TEXT);
    expect((await stream.totalUsage()).total_tokens).toBe(20);
    await world.idle();
  });

  test("gets a call of a tool without arguments from the first provider", async () => {
    await using world = await startWorld({ a: toolWithoutArguments, b: answer() });
    const done = await openaiAt(world.url).chat.completions.stream(CHAT).finalChatCompletion();
    expect(done.choices[0]?.message.tool_calls).toMatchObject([{ function: { name: "list_files" } }]);
    expect(world.upstream.b.arrived()).toBe(0);
  });

  test.each(ERRORS)("upstream's $upstream is the right error class", async (row) => {
    await using world = await startWorld({ a: status(row.upstream) });
    const client = openaiAt(world.url);
    const whole = await thrownBy(() => client.chat.completions.create(CHAT));
    expect(whole).toBeInstanceOf(row.error);
    expect(whole).toMatchObject({ status: row.status });
    await world.idle();
  });

  test("an error inside a stream, before content, with nobody else to ask", async () => {
    await using world = await startWorld({ a: errorInside(500) });
    expect(await thrownBy(() => openaiAt(world.url).chat.completions.stream(CHAT).finalContent())).toBeInstanceOf(
      APIError,
    );
  });

  test("a stream without its end is an error after the content", async () => {
    await using world = await startWorld({ a: noTerminal });
    let heard = "";
    const error = await thrownBy(async () => {
      const stream = await openaiAt(world.url).chat.completions.create({ ...CHAT, stream: true });
      for await (const chunk of stream) heard += chunk.choices[0]?.delta.content ?? "";
    });
    expect(error).toBeInstanceOf(APIError);
    expect(heard).not.toBe("");
    expect(PLAIN_TEXT).toStartWith(heard);
  });

  test("aborting a stream tells the upstream", async () => {
    await using world = await startWorld({ a: answer({ gapMs: 60_000 }) });
    const stream = openaiAt(world.url).chat.completions.stream(CHAT);
    stream.once("content", () => stream.abort());
    expect(await thrownBy(() => stream.finalContent())).toBeInstanceOf(APIUserAbortError);
    expect((await world.upstream.a.exchanges()[0]?.ended)?.how).toBe("left");
    await world.idle();
  });

  test("wrong client keys are authentication errors, models are listed in OpenAI's shape", async () => {
    await using world = await startWorld(
      { a: answer() },
      { config: { clients: [{ name: "c", key: "client-key-123456" }] }, each: { models: ["gpt-x", "gpt-*"] } },
    );
    expect(await thrownBy(() => openaiAt(world.url, "wrong").chat.completions.create(CHAT))).toBeInstanceOf(
      AuthenticationError,
    );
    const listed = await openaiAt(world.url, "client-key-123456").models.list();
    expect(listed.data.map((model) => model.id)).toEqual(["gpt-x"]);
  });
});

describe("the OpenAI SDK through the binary: responses", () => {
  test("gets a whole response", async () => {
    await using world = await startWorld({ a: answer({ reply: { thinking: "hm" } }) });
    expect((await openaiAt(world.url).responses.create(RESPONSE)).output_text).toBe(PLAIN_TEXT);
    await world.idle();
  });

  test("gets a stream, every event in sequence", async () => {
    await using world = await startWorld({
      a: answer({ reply: { thinking: "hm", tool: { name: "look", args: "{}" } } }),
    });
    const stream = openaiAt(world.url).responses.stream(RESPONSE);
    const sequence: number[] = [];
    for await (const event of stream) sequence.push(event.sequence_number);
    expect(sequence).toEqual(sequence.map((_, at) => at));
    expect((await stream.finalResponse()).output_text).toBe(PLAIN_TEXT);
    await world.idle();
  });

  test("a conversation goes on where its stored response lives", async () => {
    await using world = await startWorld({ a: answer(), b: answer() }, { each: { priority: 0 } });
    const client = openaiAt(world.url);
    const first = await client.responses.create(RESPONSE).withResponse();
    const provider = first.response.headers.get("x-hedgerow-provider");
    for (let turn = 0; turn < 5; turn++) {
      const next = await client.responses
        .create({ ...RESPONSE, input: `turn ${turn}`, previous_response_id: first.data.id })
        .withResponse();
      expect(next.response.headers.get("x-hedgerow-provider")).toBe(provider);
    }
  });

  test("is compacted", async () => {
    await using world = await startWorld({ a: answer() });
    expect((await openaiAt(world.url).responses.compact(RESPONSE)).output[0]?.type).toBe("compaction");
  });

  test.each(ERRORS)("upstream's $upstream is the right error class", async (row) => {
    await using world = await startWorld({ a: status(row.upstream) });
    const error = await thrownBy(() => openaiAt(world.url).responses.create(RESPONSE));
    expect(error).toBeInstanceOf(row.error);
    expect(error).toMatchObject({ status: row.status });
  });

  test("a stream without its end is an error after the content", async () => {
    await using world = await startWorld({ a: noTerminal });
    let heard = "";
    const error = await thrownBy(async () => {
      const stream = await openaiAt(world.url).responses.create({ ...RESPONSE, stream: true });
      for await (const event of stream) {
        if (event.type === "response.output_text.delta") heard += event.delta;
        if (event.type === "error") throw new Error(event.message);
      }
    });
    expect(error).toBeInstanceOf(Error);
    expect(heard).not.toBe("");
    expect(PLAIN_TEXT).toStartWith(heard);
  });

  test("aborting a stream tells the upstream", async () => {
    await using world = await startWorld({ a: answer({ gapMs: 60_000 }) });
    const leaving = new AbortController();
    const client = openaiAt(world.url);
    const stream = await client.responses.create({ ...RESPONSE, stream: true }, { signal: leaving.signal });
    // The SDK ends an aborted iteration quietly.
    for await (const event of stream) if (event.type === "response.output_text.delta") leaving.abort();
    expect((await world.upstream.a.exchanges()[0]?.ended)?.how).toBe("left");
    await world.idle();
  });
});

describe("the OpenAI SDK through the binary: embeddings", () => {
  test("gets vectors, and leaves no session behind", async () => {
    await using world = await startWorld({ a: status(503), b: answer() });
    const made = await openaiAt(world.url).embeddings.create({
      model: "e",
      input: ["a", "b"],
      encoding_format: "float",
    });
    expect(made.data.length).toBe(2);
    await world.idle();
    expect(await world.hedgerow.metric("hedgerow_sessions")).toBe(0);
  });
});
