import { afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import { answer, huge } from "../../src/simulator/behaviour.ts";
import { type Hedgerow, startHedgerow } from "../world/binary.ts";
import { begin, bodyFor, hear, hearUntil, pathFor } from "../world/http.ts";
import { LOCALHOST_CERT, LOCALHOST_KEY } from "../world/localhost-tls.ts";
import { BEGUN, heldOpen } from "../world/operate.ts";
import { parseAnswer } from "../world/raw.ts";
import { configText, eventually, providerEntry, startWorld } from "../world/scripted-upstream.ts";

setDefaultTimeout(60_000);

/** Nobody waits for that. */
const FOR_EVER = { port: 0, drain: "10m" };

const open: Socket[] = [];
afterEach(() => {
  for (const socket of open.splice(0)) socket.destroy();
});

/** A client by hand, what it has heard, and whether its connection was closed. */
function watched(socket: Socket) {
  open.push(socket);
  const heard = { parts: [] as Buffer[], closed: false };
  socket.on("data", (bytes: Buffer) => heard.parts.push(bytes));
  socket.on("error", () => {});
  socket.on("close", () => (heard.closed = true));
  return { socket, heard, text: () => Buffer.concat(heard.parts).toString("latin1") };
}

async function plain(url: string) {
  const { hostname, port } = new URL(url);
  const { promise, resolve } = Promise.withResolvers<void>();
  const client = watched(connect(Number(port), hostname, resolve));
  await promise;
  return client;
}

async function tls(url: string) {
  const { port } = new URL(url);
  const { promise, resolve } = Promise.withResolvers<void>();
  const client = watched(connectTls({ port: Number(port), host: "localhost", ca: LOCALHOST_CERT }, resolve));
  await promise;
  return client;
}

/** A connection that has reached the process: the system keeps one that says nothing to itself for about a second. */
async function accepted({ pid, url }: Hedgerow, sent: string) {
  const count = () => readdirSync(`/proc/${pid}/fd`).length;
  const before = count();
  const client = await plain(url);
  client.socket.write(sent);
  await eventually("it is accepted", () => count() > before);
  return client;
}

/**
 * The runtime closes a connection that asks for nothing by itself, after 12 s, and a drain that waited for it would end
 * then. So another server's idle connection is watched beside it, which the runtime closes sooner.
 */
async function idleElsewhere() {
  const server = Bun.serve({ hostname: "127.0.0.1", port: 0, idleTimeout: 8, fetch: () => new Response("") });
  const { socket, heard } = await plain(server.url.href);
  socket.write("GET / HTTP/1.1\r\nhost: h\r\n\r\n");
  await eventually("it is answered", () => heard.parts.length > 0);
  return { closed: () => heard.closed, [Symbol.dispose]: () => void server.stop(true) };
}

describe("a drain when nothing runs is over at once", () => {
  test.each([
    ["nothing", ""],
    ["half a head", "GET /liv"],
    ["a request that was answered", "GET /livez HTTP/1.1\r\nhost: h\r\n\r\n"],
  ])("while a connection is open that has sent %s", async (_, sent) => {
    await using world = await startWorld({ a: answer() }, { config: { server: FOR_EVER } });
    const { heard } = await accepted(world.hedgerow, sent);
    if (sent.endsWith("\r\n\r\n")) await eventually("it is answered", () => heard.parts.length > 0);
    using elsewhere = await idleElsewhere();
    expect(await world.hedgerow.stop()).toBe(0);
    expect(elsewhere.closed()).toBe(false);
    await eventually("it is closed", () => heard.closed);
  });

  test.each([
    ["nothing", ""],
    ["half a head", "GET /liv"],
  ])("while a TLS connection is open that has sent %s", async (_, sent) => {
    const folder = mkdtempSync(join(tmpdir(), "hedgerow-tls-"));
    const files = { cert: join(folder, "cert.pem"), key: join(folder, "key.pem") };
    writeFileSync(files.cert, LOCALHOST_CERT);
    writeFileSync(files.key, LOCALHOST_KEY);
    const providers = [providerEntry("a", "http://127.0.0.1:1")];
    const config = configText({ server: { ...FOR_EVER, tls: files }, providers });
    try {
      await using hedgerow = await startHedgerow({ config, ready: "listening" });
      const { socket, heard } = await tls(hedgerow.url);
      socket.write(sent);
      using elsewhere = await idleElsewhere();
      expect(await hedgerow.stop()).toBe(0);
      expect(elsewhere.closed()).toBe(false);
      await eventually("it is closed", () => heard.closed);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test("but not before the last request has been answered, whatever else is open", async () => {
    const held = heldOpen();
    await using world = await startWorld({ a: held.behave }, { config: { server: FOR_EVER } });
    const running = await begin(world.url, "anthropic");
    await hearUntil(running, BEGUN);
    const silent = await accepted(world.hedgerow, "");
    const half = await accepted(world.hedgerow, "POST /v1/mess");
    const kept = await plain(world.url);
    kept.socket.write("GET /livez HTTP/1.1\r\nhost: h\r\n\r\n");
    await eventually("it is answered", () => kept.heard.parts.length > 0);
    using elsewhere = await idleElsewhere();
    const exited = world.hedgerow.stop();
    await eventually("an idle connection is let go", () => kept.heard.closed);
    expect(half.heard.closed).toBe(false);
    held.release();
    expect(await hear(running, "anthropic")).toMatchObject({ clean: true, terminal: true });
    expect(await exited).toBe(0);
    expect(elsewhere.closed()).toBe(false);
    for (const { heard } of [silent, half]) await eventually("it is closed", () => heard.closed);
  });
});

describe("a drain waits until answers are out", () => {
  const BYTES = 16 * 1024 * 1024;

  test.each([true, false])("to a client that does not read for a while (stream: %p)", async (stream) => {
    await using world = await startWorld({ a: huge(BYTES) }, { config: { server: FOR_EVER } });
    const { socket, heard, text } = await plain(world.url);
    socket.pause();
    const body = bodyFor("anthropic", { stream });
    socket.write(
      `POST ${pathFor("anthropic")} HTTP/1.1\r\nhost: h\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    );
    await eventually("the upstream is asked", () => world.upstream.a.arrived() === 1);
    const exited = world.hedgerow.stop();
    // Idle connections are let go first; from then on it waits for this one alone.
    await eventually("nobody listens", () =>
      fetch(world.url)
        .then(() => false)
        .catch(() => true),
    );
    expect(heard.parts).toEqual([]);
    socket.resume();
    expect(await exited).toBe(0);
    await eventually("it is closed", () => heard.closed);
    const answered = parseAnswer(text());
    expect([answered.status, answered.clean]).toEqual([200, true]);
    expect(answered.body.split("x".repeat(1_024)).length - 1).toBe(BYTES / 1_024);
    expect(answered.body).toContain(stream ? "message_stop" : "end_turn");
    expect(world.hedgerow.log().at(-1)).toMatchObject({ msg: "drained", leases: 0 });
  });

  test("to clients that keep their connections and go on asking: each answer is whole, or there is none", async () => {
    await using world = await startWorld({ a: answer({ headMs: 5 }) }, { config: { server: FOR_EVER } });
    const wrong: string[] = [];
    let answers = 0;
    const body = bodyFor("openai-chat", { stream: false });
    const request = `POST ${pathFor("openai-chat")} HTTP/1.1\r\nhost: h\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
    const client = async () => {
      const { socket, heard, text } = await plain(world.url);
      while (!heard.closed) {
        heard.parts.length = 0;
        socket.write(request);
        await eventually("it is answered, or closed", () => heard.closed || parseAnswer(text()).clean);
        const answered = parseAnswer(text());
        if (answered.clean && answered.status === 200) answers++;
        else if (answered.status !== 0 && !(answered.clean && answered.status === 503)) wrong.push(text());
      }
    };
    const clients = Promise.all(Array.from({ length: 16 }, client));
    await eventually("they are served", () => answers > 64);
    expect(await world.hedgerow.stop()).toBe(0);
    await clients;
    expect(wrong).toEqual([]);
    const asked = world.hedgerow.log().filter(({ msg }) => msg === "request answered").length;
    expect(asked).toBe(answers);
  });
});
