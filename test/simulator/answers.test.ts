import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import Anthropic, { APIError } from "@anthropic-ai/sdk";
import { GoogleGenAI } from "@google/genai";
import OpenAI from "openai";
import { answer, errorInside, toolWithoutArguments } from "../../src/simulator/behaviour.ts";
import { startSimulator } from "../../src/simulator/simulator.ts";

/** The official SDKs are the judges of the shapes: what they read here they read from the vendors. */
const simulator = startSimulator({ behave: answer() });
afterAll(() => simulator.close());
beforeEach(() => simulator.behave(answer()));

const TEXT = "The hedge grows along the row.";
const anthropic = new Anthropic({ baseURL: simulator.url, apiKey: "k", maxRetries: 0 });
const openai = new OpenAI({ baseURL: `${simulator.url}/v1`, apiKey: "k", maxRetries: 0 });
const gemini = new GoogleGenAI({ apiKey: "k", httpOptions: { baseUrl: simulator.url } });

const asked = { model: "claude-x", max_tokens: 64, messages: [{ role: "user" as const, content: "hi" }] };

describe("Anthropic", () => {
  test("whole, with thinking and a tool", async () => {
    simulator.behave(answer({ reply: { thinking: "hm", tool: { name: "look", args: '{"at":1}' } } }));
    const message = await anthropic.messages.create(asked);
    expect(message.content.map((block) => block.type)).toEqual(["thinking", "text", "tool_use"]);
    expect(message.stop_reason).toBe("tool_use");
    expect(message.usage.output_tokens).toBe(8);
  });

  test("streamed, with thinking and a tool", async () => {
    simulator.behave(answer({ reply: { thinking: "hm", tool: { name: "look", args: '{"at":1}' } } }));
    const message = await anthropic.messages.stream(asked).finalMessage();
    expect(message.content).toMatchObject([
      { type: "thinking", thinking: "hm" },
      { type: "text", text: TEXT },
      { type: "tool_use", name: "look", input: { at: 1 } },
    ]);
  });

  test("a tool without arguments", async () => {
    simulator.behave(toolWithoutArguments);
    const message = await anthropic.messages.stream(asked).finalMessage();
    expect(message.content).toMatchObject([{ type: "tool_use", name: "list_files", input: {} }]);
  });

  test("counts tokens", async () => {
    const counted = await anthropic.messages.countTokens({ model: asked.model, messages: asked.messages });
    expect(counted.input_tokens).toBe(12);
  });

  test("an error inside a stream is an API error", async () => {
    simulator.behave(errorInside(529));
    const heard = await anthropic.messages
      .stream(asked)
      .finalMessage()
      .catch((error: unknown) => error);
    expect(heard).toBeInstanceOf(APIError);
  });
});

describe("OpenAI", () => {
  const messages = [{ role: "user" as const, content: "hi" }];

  test("chat, whole", async () => {
    simulator.behave(answer({ reply: { tool: { name: "look", args: '{"at":1}' } } }));
    const done = await openai.chat.completions.create({ model: "gpt-x", messages });
    expect(done.choices[0]?.message.content).toBe(TEXT);
    expect(done.choices[0]?.message.tool_calls?.[0]).toMatchObject({ function: { name: "look" } });
    expect(done.usage?.total_tokens).toBe(20);
  });

  test("chat, streamed with the usage chunk", async () => {
    const runner = openai.chat.completions.stream({
      model: "gpt-x",
      messages,
      stream_options: { include_usage: true },
    });
    expect(await runner.finalContent()).toBe(TEXT);
    expect((await runner.totalUsage()).completion_tokens).toBe(8);
  });

  test("embeddings", async () => {
    const made = await openai.embeddings.create({ model: "e", input: ["a", "b"], encoding_format: "float" });
    expect(made.data.map((entry) => entry.embedding.at(-1))).toEqual([0, 1]);
  });

  test("responses, whole", async () => {
    simulator.behave(answer({ reply: { thinking: "hm" } }));
    const done = await openai.responses.create({ model: "gpt-x", input: "hi" });
    expect(done.output_text).toBe(TEXT);
    expect(done.output.map((item) => item.type)).toEqual(["reasoning", "message"]);
  });

  test("responses, streamed with every event in sequence", async () => {
    simulator.behave(answer({ reply: { thinking: "hm", tool: { name: "look", args: "{}" } } }));
    const stream = openai.responses.stream({ model: "gpt-x", input: "hi" });
    const sequence: number[] = [];
    for await (const event of stream) sequence.push(event.sequence_number);
    expect(sequence).toEqual(sequence.map((_, at) => at));
    const done = await stream.finalResponse();
    expect(done.output_text).toBe(TEXT);
    expect(done.output.at(-1)).toMatchObject({ type: "function_call", name: "look", arguments: "{}" });
  });

  test("responses, compacted", async () => {
    const done = await openai.responses.compact({ model: "gpt-x", input: "hi" });
    expect(done.output[0]?.type).toBe("compaction");
  });
});

describe("Gemini", () => {
  const ask = { model: "gemini-x", contents: "hi" };

  test("whole", async () => {
    simulator.behave(answer({ reply: { tool: { name: "look", args: '{"at":1}' } } }));
    const done = await gemini.models.generateContent(ask);
    expect(done.candidates?.[0]?.content?.parts?.[0]?.text).toBe(TEXT);
    expect(done.functionCalls).toMatchObject([{ name: "look", args: { at: 1 } }]);
  });

  test("streamed", async () => {
    let text = "";
    for await (const chunk of await gemini.models.generateContentStream(ask)) text += chunk.text ?? "";
    expect(text).toBe(TEXT);
  });

  test("streamed as a JSON array, which is one valid document", async () => {
    const answered = await fetch(`${simulator.url}/v1beta/models/gemini-x:streamGenerateContent`, {
      method: "POST",
      body: "{}",
    });
    const chunks = (await answered.json()) as readonly { candidates: { finishReason?: string }[] }[];
    expect(chunks.at(-1)?.candidates[0]?.finishReason).toBe("STOP");
  });

  test("counts tokens and embeds", async () => {
    expect((await gemini.models.countTokens(ask)).totalTokens).toBe(12);
    const made = await gemini.models.embedContent({ model: "e", contents: ["a", "b"] });
    expect(made.embeddings?.length).toBe(2);
  });
});
