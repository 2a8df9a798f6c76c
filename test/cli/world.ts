import type { World } from "../../src/cli/remote.ts";
import type { Terminal } from "../../src/cli/terminal.ts";
import type { AdminSources } from "../../src/http/admin/sources.ts";
import { adminWorld } from "../http/admin/world.ts";
import { handClock } from "../world/clock.ts";

/** A terminal that keeps what is written to it; `press` is its keyboard. */
export function scriptedTerminal(own: Partial<Terminal> = {}) {
  let out = "";
  let err = "";
  const listeners = new Set<(key: string) => void>();
  const terminal: Terminal = {
    isInteractive: false,
    colour: false,
    rows: () => 24,
    write: (text) => void (out += text),
    writeError: (text) => void (err += text),
    onKey(callback) {
      listeners.add(callback);
      return () => listeners.delete(callback);
    },
    ...own,
  };
  return {
    terminal,
    out: () => out,
    err: () => err,
    press: (key: string) => listeners.forEach((listener) => listener(key)),
    listeners: () => listeners.size,
  };
}

/** A verb's world, and a real admin API on a port of loopback. */
export function cliWorld(own: { sources?: Partial<AdminSources>; terminal?: Partial<Terminal> } = {}) {
  const admin = adminWorld(own.sources);
  const scripted = scriptedTerminal(own.terminal);
  const clock = handClock();
  const quit = new AbortController();
  const world: World = { terminal: scripted.terminal, clock, signal: quit.signal };
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: async (request, server) => {
      const answer = await admin.send(new URL(request.url).pathname + new URL(request.url).search, {
        method: request.method,
        headers: request.headers,
        peer: server.requestIP(request)?.address ?? "",
      });
      return answer ?? new Response("not found", { status: 404 });
    },
  });
  const verb = { url: server.url.origin, token: null, json: false };
  return { ...scripted, world, verb, clock, quit, server, done: admin.done };
}
