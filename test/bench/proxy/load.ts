import { argv } from "node:process";

/**
 * `load.ts URL json|stream REQUESTS EVENTS CONCURRENCY`: so many requests, so many at once, each answer read to its end.
 * Exits 1 on the first answer that is not whole.
 */
const [url = "", kind = "json", requests = "1", events = "1", concurrency = "1"] = argv.slice(2);

const body = JSON.stringify({
  model: "bench",
  stream: kind === "stream",
  max_tokens: Number(events),
  messages: [{ role: "user", content: "What is six times seven?" }],
});
const end = kind === "stream" ? "data: [DONE]\n\n" : "}";

let left = Number(requests);

async function worker(): Promise<void> {
  while (left-- > 0) {
    const answer = await fetch(`${url}/v1/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body,
    });
    const text = await answer.text();
    if (answer.status !== 200 || !text.endsWith(end)) throw new Error(`${answer.status} ${text.slice(-200)}`);
  }
}

await Promise.all(Array.from({ length: Number(concurrency) }, worker));
