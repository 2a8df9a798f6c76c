import { serve, sleep } from "bun";

/** The upstream of the proxy benchmark: small JSON answers and paced streams, as cheap as they come. Prints its URL. */

const ANSWER = JSON.stringify({
  id: "chatcmpl-bench",
  object: "chat.completion",
  created: 1,
  model: "bench",
  choices: [{ index: 0, message: { role: "assistant", content: "forty-two" }, finish_reason: "stop" }],
  usage: { prompt_tokens: 9, completion_tokens: 2, total_tokens: 11 },
});

/** Between two events of a stream: apart enough that each is a read of its own, as tokens are. */
const PACE_MS = 4;

const chunk = (delta: object, finish: string | null) =>
  `data: ${JSON.stringify({
    id: "chatcmpl-bench",
    object: "chat.completion.chunk",
    created: 1,
    model: "bench",
    choices: [{ index: 0, delta, finish_reason: finish }],
  })}\n\n`;
const WORD = chunk({ content: "word " }, null);
const END = `${chunk({}, "stop")}data: [DONE]\n\n`;

function stream(events: number): ReadableStream {
  return new ReadableStream({
    type: "direct",
    async pull(controller) {
      for (let sent = 0; sent < events; sent++) {
        await controller.write(WORD);
        await controller.flush();
        await sleep(PACE_MS);
      }
      await controller.write(END);
      controller.close();
    },
  });
}

const server = serve({
  hostname: "127.0.0.1",
  port: 0,
  idleTimeout: 0,
  async fetch(request) {
    const asked = (await request.json()) as Readonly<{ stream?: boolean; max_tokens?: number }>;
    if (asked.stream !== true) return new Response(ANSWER, { headers: { "content-type": "application/json" } });
    return new Response(stream(asked.max_tokens ?? 1), { headers: { "content-type": "text/event-stream" } });
  },
});
console.log(JSON.stringify({ msg: "listening", url: server.url.origin }));
