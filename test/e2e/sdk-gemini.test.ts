import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { ApiError } from "@google/genai";
import { answer, errorInside, noHeaders, noTerminal, stallMidStream, status } from "../../src/simulator/behaviour.ts";
import { PLAIN_TEXT } from "../world/http.ts";
import { eventually, startWorld } from "../world/scripted-upstream.ts";
import { geminiAt, thrownBy } from "../world/sdk.ts";

setDefaultTimeout(60_000);

const ASKED = { model: "gemini-x", contents: "hi" };

async function streamed(url: string, heard: (text: string) => void): Promise<void> {
  for await (const chunk of await geminiAt(url).models.generateContentStream(ASKED)) heard(chunk.text ?? "");
}

describe("the Google SDK through the binary", () => {
  test("gets a whole answer with a function call", async () => {
    await using world = await startWorld({ a: answer({ reply: { tool: { name: "look", args: '{"at":1}' } } }) });
    const done = await geminiAt(world.url).models.generateContent(ASKED);
    expect(done.candidates?.[0]?.content?.parts?.[0]?.text).toBe(PLAIN_TEXT);
    expect(done.functionCalls).toMatchObject([{ name: "look", args: { at: 1 } }]);
    await world.idle();
  });

  test("gets a stream", async () => {
    await using world = await startWorld({ a: answer() });
    let text = "";
    await streamed(world.url, (part) => {
      text += part;
    });
    expect(text).toBe(PLAIN_TEXT);
    await world.idle();
  });

  test("gets a stream as one JSON array where alt=sse is not asked", async () => {
    await using world = await startWorld({ a: errorInside(503), b: answer() });
    const answered = await fetch(`${world.url}/v1beta/models/gemini-x:streamGenerateContent`, {
      method: "POST",
      body: JSON.stringify({ contents: [{ parts: [{ text: "hi" }] }] }),
    });
    const chunks = (await answered.json()) as readonly { candidates: { finishReason?: string }[] }[];
    expect(chunks.at(-1)?.candidates[0]?.finishReason).toBe("STOP");
    expect(answered.headers.get("x-hedgerow-provider")).toBe("b");
  });

  test("counts tokens and embeds, and leaves no session behind", async () => {
    await using world = await startWorld({ a: answer() });
    expect((await geminiAt(world.url).models.countTokens(ASKED)).totalTokens).toBe(12);
    const made = await geminiAt(world.url).models.embedContent({ model: "e", contents: ["a", "b"] });
    expect(made.embeddings?.length).toBe(2);
    await world.idle();
    expect(await world.hedgerow.metric("hedgerow_sessions")).toBe(0);
  });

  const ERRORS = [
    { upstream: 400, status: 400 },
    { upstream: 429, status: 429 },
    { upstream: 500, status: 500 },
    // The key is ours, so its refusal is none of the client's business.
    { upstream: 403, status: 502 },
    { upstream: 404, status: 404 },
  ];
  test.each(ERRORS)("upstream's $upstream reaches the caller as $status", async (row) => {
    await using world = await startWorld({ a: status(row.upstream) });
    const error = await thrownBy(() => geminiAt(world.url).models.generateContent(ASKED));
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({ status: row.status });
    await world.idle();
  });

  test("an error inside a stream, before content, with nobody else to ask", async () => {
    await using world = await startWorld({ a: errorInside(503) });
    expect(await thrownBy(() => streamed(world.url, () => {}))).toBeInstanceOf(ApiError);
  });

  const BREAKS = [
    { what: "without its end", behave: noTerminal, error: Error },
    // The error comes by itself then, and the SDK reads what it says.
    { what: "that stalls", behave: stallMidStream, error: ApiError },
  ];
  test.each(BREAKS)("a stream $what is an error after the content", async ({ behave, error }) => {
    await using world = await startWorld({ a: behave }, { config: { defaults: { timeouts: { idle: "300ms" } } } });
    let heard = "";
    const thrown = await thrownBy(() =>
      streamed(world.url, (part) => {
        heard += part;
      }),
    );
    expect(thrown).toBeInstanceOf(error);
    expect(heard).not.toBe("");
    expect(PLAIN_TEXT).toStartWith(heard);
  });

  test("aborting tells the upstream", async () => {
    await using world = await startWorld({ a: noHeaders });
    const leaving = new AbortController();
    const asked = thrownBy(() =>
      geminiAt(world.url).models.generateContent({ ...ASKED, config: { abortSignal: leaving.signal } }),
    );
    await eventually("the request arrives", () => world.upstream.a.arrived() === 1);
    leaving.abort();
    expect(await asked).toBeInstanceOf(Error);
    expect((await world.upstream.a.exchanges()[0]?.ended)?.how).toBe("left");
    await world.idle();
  });

  test("lists models in Gemini's shape", async () => {
    await using world = await startWorld({ a: answer() }, { each: { models: ["gemini-x", "gemini-*"] } });
    const names: string[] = [];
    for await (const model of await geminiAt(world.url).models.list()) names.push(model.name ?? "");
    expect(names).toEqual(["models/gemini-x"]);
  });
});
