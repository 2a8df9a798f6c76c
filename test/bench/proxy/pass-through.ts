import { argv } from "node:process";

/** What a proxy costs on this platform before it does anything: `Bun.serve` and `fetch`. Prints its URL. */
const upstream = argv[2] ?? "";

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  idleTimeout: 0,
  async fetch(request) {
    const { pathname, search } = new URL(request.url);
    const answer = await fetch(upstream + pathname + search, {
      method: request.method,
      headers: { "content-type": "application/json" },
      body: await request.arrayBuffer(),
      decompress: false,
      signal: request.signal,
    });
    return new Response(answer.body, {
      status: answer.status,
      headers: { "content-type": answer.headers.get("content-type") ?? "" },
    });
  },
});
console.log(JSON.stringify({ msg: "listening", url: server.url.origin }));
