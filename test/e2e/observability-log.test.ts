import { expect, setDefaultTimeout, test } from "bun:test";
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { answer } from "../../src/simulator/behaviour.ts";
import { startSimulator } from "../../src/simulator/simulator.ts";
import { binary } from "../world/binary.ts";
import { ask } from "../world/http.ts";
import { metricsPage } from "../world/metrics-page.ts";
import { freePort } from "../world/free-port.ts";
import { configText, eventually, providerEntry } from "../world/scripted-upstream.ts";

setDefaultTimeout(60_000);

const REQUESTS = 400;
const LOST = "hedgerow_log_lines_dropped";

/** A proxy whose standard output is whatever the test says; found by its port, because nothing may be heard of it. */
async function startWith(stdout: "pipe" | number, level = "info") {
  await using owned = new AsyncDisposableStack();
  const folder = mkdtempSync(join(tmpdir(), "hedgerow-log-"));
  owned.defer(() => rmSync(folder, { recursive: true, force: true }));
  const upstream = startSimulator({ behave: answer() });
  owned.defer(() => upstream.close());
  const config = join(folder, "providers.yaml");
  const providers = [providerEntry("a", upstream.url)];
  writeFileSync(config, configText({ providers, log: { format: "json", level } }));
  const port = await freePort();
  const child = Bun.spawn([await binary(), "-c", config, "--port", String(port)], {
    env: {},
    stdout,
    stderr: "ignore",
  });
  owned.defer(async () => {
    child.kill("SIGKILL");
    await child.exited;
  });
  const url = `http://127.0.0.1:${port}`;
  await eventually("it is ready", async () => (await fetch(`${url}/readyz`).catch(() => null))?.ok === true);
  const held = owned.move();
  return {
    url,
    child,
    lost: async () => (await metricsPage(url)).sum(LOST),
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

async function allAnswered(url: string, count = REQUESTS) {
  const one = async () => {
    for (let turn = 0; turn < count / 8; turn++)
      expect(await ask(url, "anthropic")).toMatchObject({ status: 200, terminal: true, clean: true });
  };
  await Promise.all(Array.from({ length: 8 }, one));
}

test("a log pipe that closes ends no request and no process, and what is lost is counted", async () => {
  await using proxy = await startWith("pipe");
  await (proxy.child.stdout as ReadableStream<Uint8Array>).cancel();
  await allAnswered(proxy.url);
  await eventually("all is counted", async () => (await proxy.lost()) >= REQUESTS);
  expect(proxy.child.exitCode).toBeNull();
  proxy.child.kill("SIGTERM");
  expect(await proxy.child.exited).toBe(0);
});

test("a full disk behind standard output stalls no request, and what is lost is counted", async () => {
  const full = openSync("/dev/full", "w");
  try {
    await using proxy = await startWith(full);
    await allAnswered(proxy.url);
    await eventually("all is counted", async () => (await proxy.lost()) >= REQUESTS);
    proxy.child.kill("SIGTERM");
    expect(await proxy.child.exited).toBe(0);
  } finally {
    closeSync(full);
  }
});

test("a log that nobody reads stalls no request; once somebody reads, it goes on", async () => {
  const folder = mkdtempSync(join(tmpdir(), "hedgerow-fifo-"));
  const fifo = join(folder, "log");
  expect(Bun.spawnSync(["mkfifo", fifo]).exitCode).toBe(0);
  const reader = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK);
  const writer = openSync(fifo, "w");
  try {
    // At `debug` a request is some dozen lines: many times what a pipe holds.
    await using proxy = await startWith(writer, "debug");
    await allAnswered(proxy.url);
    const taken = { text: "" };
    const last = (await ask(proxy.url, "anthropic")).headers.get("x-hedgerow-request-id") ?? "";
    await eventually("the last line is read", () => {
      taken.text += readAll(reader);
      return taken.text.includes(`request_id":"${last}`) && taken.text.includes("request answered");
    });
    const lines = taken.text.split("\n").slice(0, -1);
    for (const line of lines) expect(line).toMatch(/^\{"level":.*\}$/);
    expect(lines.filter((line) => line.includes('"request answered"')).length).toBeGreaterThanOrEqual(REQUESTS);
    expect(await proxy.lost()).toBe(0);
  } finally {
    closeSync(writer);
    closeSync(reader);
    rmSync(folder, { recursive: true, force: true });
  }
});

/** What is there now, without waiting for more. */
function readAll(descriptor: number): string {
  const buffer = new Uint8Array(64 * 1024);
  let text = "";
  for (;;) {
    try {
      const count = readSync(descriptor, buffer);
      if (count === 0) return text;
      text += new TextDecoder().decode(buffer.subarray(0, count));
    } catch {
      return text; // EAGAIN: there is nothing at this moment
    }
  }
}
