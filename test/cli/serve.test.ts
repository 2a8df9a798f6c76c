import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../src/core/clock.ts";
import { systemRandom } from "../../src/core/random.ts";
import { type Signals, serve } from "../../src/cli/serve.ts";
import { configText } from "../world/scripted-upstream.ts";
import { scriptedTerminal } from "./world.ts";

/** `serve` in this process, on a configuration in memory, told to stop before it has begun. */
async function served(server: Readonly<Record<string, unknown>>, signals: Signals = (on) => on.stop()) {
  const providers = [{ name: "a", protocols: ["anthropic"], base_url: "http://127.0.0.1:1", api_key: "key-0123456" }];
  const bytes = new TextEncoder().encode(configText({ server, providers, log: { level: "error", format: "json" } }));
  const folder = mkdtempSync(join(tmpdir(), "hedgerow-serve-"));
  const { terminal, err } = scriptedTerminal();
  let reads = 0;
  const readFile = () => {
    reads++;
    return { kind: "bytes", bytes } as const;
  };
  try {
    const doors = { terminal, env: {}, readFile, clock: systemClock, random: systemRandom, signals };
    const code = await serve({ path: join(folder, "providers.yaml"), overrides: {} }, doors);
    return { code, err: err(), reads };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test("a port that is taken is named", async () => {
  const other = Bun.serve({ hostname: "127.0.0.1", port: 0, reusePort: false, fetch: () => new Response() });
  const { port } = other;
  const { code, err } = await served({ host: "127.0.0.1", port });
  await other.stop(true);
  expect([code, err]).toEqual([1, `hedgerow: the port is taken: ${port} at 127.0.0.1 (server.port, or --port N)\n`]);
});

// One of documentation (RFC 5737), one without its interface, and a name that there cannot be (RFC 2606).
test.each(["203.0.113.9", "fe80::1", "nowhere.invalid"])("an address that is not ours is named: %s", async (host) => {
  const { code, err } = await served({ host, port: 0, open: true });
  expect([code, err]).toEqual([
    1,
    `hedgerow: cannot listen at ${host}: no address of this machine (server.host, or --host H)\n`,
  ]);
});

test("a reload that is asked for during the start is done after it", async () => {
  const without = await served({ port: 0 });
  const asked = await served({ port: 0 }, (on) => {
    on.reload();
    on.stop();
  });
  expect([without.code, asked.code]).toEqual([0, 0]);
  expect(asked.reads).toBe(without.reads + 1);
});
