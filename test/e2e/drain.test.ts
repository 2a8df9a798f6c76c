import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { connect, type Socket } from "node:net";
import { PROTOCOL_NAMES } from "../../src/protocol/protocol.ts";
import { answer, noHeaders } from "../../src/simulator/behaviour.ts";
import { ask, begin, bodyFor, hear, hearUntil, pathFor } from "../world/http.ts";
import { BEGUN, heldOpen } from "../world/operate.ts";
import { parseAnswer } from "../world/raw.ts";
import { eventually, startWorld, type World } from "../world/scripted-upstream.ts";

setDefaultTimeout(60_000);

const server = (more: Readonly<Record<string, unknown>>) => ({ config: { server: { port: 0, ...more } } });
const isDraining = (world: World<"a">) => world.hedgerow.log().some(({ msg }) => msg === "draining");
const lastLine = (world: World<"a">) => world.hedgerow.log().at(-1);

/** A connection by hand, all that came back on it, and whether it was closed. */
async function connection(url: string) {
  const { hostname, port } = new URL(url);
  const heard = { text: "", closed: false };
  const socket = await new Promise<Socket>((resolve) => {
    const opening = connect(Number(port), hostname, () => resolve(opening));
  });
  socket.on("data", (bytes: Buffer) => {
    heard.text += bytes.toString("latin1");
  });
  socket.on("error", () => {});
  socket.on("close", () => {
    heard.closed = true;
  });
  return { socket, heard };
}

describe("a drain", () => {
  test("with a delay: readiness goes first, while connections, old and new, are still served", async () => {
    await using world = await startWorld({ a: answer() }, server({ drain_delay: "3s" }));
    const kept = await connection(world.url);
    kept.socket.write("GET /livez HTTP/1.1\r\nhost: h\r\n\r\n");
    await eventually("it is answered", () => kept.heard.text.includes('{"live":true}'));
    const exited = world.hedgerow.stop();
    await eventually("readiness is gone", async () => (await fetch(`${world.url}/readyz`)).status === 503);
    const ready = await fetch(`${world.url}/readyz`);
    expect(await ready.json()).toEqual({ ready: false, reasons: ["draining"], store: "up" });
    expect((await fetch(`${world.url}/livez`)).status).toBe(200);
    expect(await ask(world.url, "anthropic")).toMatchObject({ status: 200, terminal: true });
    // A kept connection is served once more, and told to go elsewhere: none is left to be cut when the delay is over.
    kept.socket.write("GET /readyz HTTP/1.1\r\nhost: h\r\n\r\n");
    await eventually("it is answered and closed", () => kept.heard.closed);
    expect(kept.heard.text).toMatch(/HTTP\/1.1 503 [^]*connection: close/i);
    expect((await fetch(`${world.url}/livez`)).status).toBe(200);
    await eventually("nobody listens", () =>
      fetch(world.url)
        .then(() => false)
        .catch(() => true),
    );
    expect(await exited).toBe(0);
  });

  test("lets running streams finish, and exits with 0", async () => {
    const held = heldOpen();
    await using world = await startWorld({ a: held.behave });
    const begun = await Promise.all(PROTOCOL_NAMES.map((protocol) => begin(world.url, protocol)));
    await Promise.all(begun.map((response) => hearUntil(response, BEGUN)));
    const exited = world.hedgerow.stop();
    await eventually("nobody listens", () =>
      fetch(world.url)
        .then(() => false)
        .catch(() => true),
    );
    held.release();
    for (const [at, response] of begun.entries())
      expect(await hear(response, PROTOCOL_NAMES[at] ?? "anthropic")).toMatchObject({ clean: true, terminal: true });
    expect(await exited).toBe(0);
    expect(lastLine(world)).toMatchObject({ msg: "drained", leases: 0 });
  });

  test("ends what takes too long with the protocol's own error event, and gives its leases back", async () => {
    const held = heldOpen();
    await using world = await startWorld({ a: held.behave }, server({ drain: "300ms" }));
    const begun = await Promise.all(PROTOCOL_NAMES.map((protocol) => begin(world.url, protocol)));
    await Promise.all(begun.map((response) => hearUntil(response, BEGUN)));
    const exited = world.hedgerow.stop();
    const heard = await Promise.all(begun.map((response, at) => hear(response, PROTOCOL_NAMES[at] ?? "anthropic")));
    for (const one of heard) expect(one).toMatchObject({ clean: true, terminal: false, error: true });
    const [anthropic, chat, responses, gemini] = heard.map(({ body }) => body);
    expect(anthropic).toMatch(
      /event: error\ndata: \{"type":"error","error":\{"type":"api_error","message":".*shutting down/,
    );
    expect(chat).toMatch(/data: \{"error":\{"message":".*shutting down.*","type":"server_error"/);
    expect(chat).not.toContain("[DONE]");
    expect(responses).toContain(`"type":"error"`);
    expect(gemini).toContain(`{"error":{"code":`);
    expect(await exited).toBe(0);
    expect(lastLine(world)).toMatchObject({ msg: "drained", leases: 0 });
    const lines = world.hedgerow.log().filter(({ msg }) => msg === "request ended");
    expect(lines.length).toBe(4);
    for (const line of lines) expect(line["attempts"]).toMatchObject([{ outcome: "ended", reason: "drain" }]);
    for (const { ended } of world.upstream.a.exchanges()) expect((await ended).how).toBe("left");
  });

  test.each(["before an answer", "in line"])("answers `draining` to what waits %s at the deadline", async (where) => {
    await using world = await startWorld(
      { a: noHeaders },
      {
        config: { server: { port: 0, drain: "200ms" }, sessions: { wait: "60s" } },
        each: { limits: { sessions: 1 } },
      },
    );
    const first = ask(world.url, "openai-chat", { session: "one" });
    await eventually("it runs", () => world.upstream.a.running() === 1);
    const waiting = where === "in line" ? ask(world.url, "openai-chat", { session: "two" }) : first;
    if (where === "in line")
      await eventually("it waits", async () => (await world.hedgerow.metric("hedgerow_waiting")) === 1);
    const exited = world.hedgerow.stop();
    const heard = await waiting;
    expect(heard).toMatchObject({ status: 503, clean: true, error: true });
    expect(heard.headers.get("x-hedgerow-error")).toBe("draining");
    await first;
    expect(await exited).toBe(0);
    expect(lastLine(world)).toMatchObject({ msg: "drained", leases: 0 });
  });

  test("refuses a new request on a connection that was still in the middle of asking", async () => {
    const held = heldOpen();
    await using world = await startWorld({ a: held.behave });
    const running = await begin(world.url, "anthropic");
    await hearUntil(running, BEGUN);
    const { socket, heard } = await connection(world.url);
    const body = bodyFor("openai-chat");
    socket.write(`POST ${pathFor("openai-chat")} HTTP/1.1\r\nhost: `);
    // Once this later connection has been answered, the half-sent head has been read too.
    await fetch(`${world.url}/livez`);
    const exited = world.hedgerow.stop();
    await eventually("nobody listens", () =>
      fetch(world.url)
        .then(() => false)
        .catch(() => true),
    );
    socket.write(`h\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
    await eventually("the connection is closed", () => heard.closed);
    const answered = parseAnswer(heard.text);
    expect(answered.status).toBe(503);
    expect(answered.headers.get("x-hedgerow-error")).toBe("draining");
    expect(answered.body).toContain("shutting down");
    held.release();
    expect(await hear(running, "anthropic")).toMatchObject({ clean: true, terminal: true });
    expect(await exited).toBe(0);
  });

  test.each(["SIGTERM", "SIGINT"] as const)("is over at once with a second signal (%s)", async (name) => {
    await using world = await startWorld({ a: heldOpen().behave }, server({ drain: "10m", drain_delay: "10m" }));
    const running = await begin(world.url, "anthropic");
    await hearUntil(running, BEGUN);
    const exited = world.hedgerow.stop();
    await eventually("it drains", () => isDraining(world));
    world.hedgerow.signal(name);
    expect(await exited).toBe(1);
    expect((await hear(running, "anthropic")).terminal).toBe(false);
  });

  test("does not wait for a dashboard that listens", async () => {
    await using world = await startWorld({ a: answer() });
    const events = await fetch(`${world.url}/admin/api/events`);
    await hearUntil(events, ": listening");
    const exited = world.hedgerow.stop();
    expect(await hear(events, "anthropic")).toMatchObject({ clean: true });
    expect(await exited).toBe(0);
  });

  test("reads no configuration any more", async () => {
    const held = heldOpen();
    await using world = await startWorld({ a: held.behave });
    const running = await begin(world.url, "anthropic");
    await hearUntil(running, BEGUN);
    const exited = world.hedgerow.stop();
    await eventually("it drains", () => isDraining(world));
    world.hedgerow.signal("SIGHUP");
    held.release();
    expect(await hear(running, "anthropic")).toMatchObject({ terminal: true });
    expect(await exited).toBe(0);
  });
});
