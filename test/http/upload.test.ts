import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { connect, type Socket } from "node:net";
import { byteAccount } from "../../src/core/byte-account.ts";
import type { ProxyEvent } from "../../src/core/events.ts";
import { authenticator } from "../../src/http/auth.ts";
import { type Edge, proxyRequest } from "../../src/http/proxy-routes.ts";
import { type HandClock, handClock } from "../world/clock.ts";
import { eventually } from "../world/scripted-upstream.ts";

/** Real connections to a real server; the proxy's own clock is moved by hand. */
const BYTES_MAX = 100_000;
const BUFFERED_BYTES_MAX = 150_000;
/** What the proxy's 60 s of the runtime's own idle limit are here: the shortest that it knows. */
const IDLE_S = 4;
const BODY = JSON.stringify({ model: "m", messages: [{ role: "user", content: "x".repeat(40_000) }] });

let clock: HandClock;
let account: ReturnType<typeof byteAccount>;
let events: ProxyEvent[];
let arrived: number;
let server: Bun.Server<undefined>;

beforeEach(() => {
  clock = handClock();
  account = byteAccount(() => BUFFERED_BYTES_MAX);
  events = [];
  arrived = 0;
  const edge: Edge = {
    authenticate: authenticator([]),
    bodyBytesMax: BYTES_MAX,
    providers: () => [],
    async forward(inbound) {
      const text = new TextDecoder().decode(inbound.body);
      inbound.bodyDone();
      inbound.beforeEnd();
      return new Response(text);
    },
  };
  const deps = {
    clock,
    account,
    observe: (event: ProxyEvent) => void events.push(event),
    edge: () => edge,
    draining: () => false,
    readAlias: async () => null,
  };
  server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: IDLE_S,
    fetch(request, self) {
      const answer = proxyRequest(deps, request, {
        idleAfter: (seconds) => self.timeout(request, seconds === 0 ? 0 : IDLE_S),
      });
      arrived++;
      return answer;
    },
  });
});

afterEach(async () => {
  await server.stop(true);
  expect([account.used(), clock.sleepers()]).toEqual([0, 0]);
});

type Framing = Readonly<{ what: string; head: string; frame(part: string): string; end: string }>;

const DECLARED: Framing = {
  what: "its length known",
  head: `content-length: ${BODY.length}`,
  frame: (part) => part,
  end: "",
};
const CHUNKED: Framing = {
  what: "in chunks",
  head: "transfer-encoding: chunked",
  frame: (part) => `${part.length.toString(16)}\r\n${part}\r\n`,
  end: "0\r\n\r\n",
};
const SMALL: Framing = { ...DECLARED, what: "small", head: "content-length: 10000" };

async function opened() {
  const heard = { text: "", closed: false };
  const socket = await new Promise<Socket>((resolve) => {
    const opening = connect(server.port ?? 0, "127.0.0.1", () => resolve(opening));
  });
  socket.setNoDelay(true);
  socket.on("data", (bytes: Buffer) => {
    heard.text += bytes.toString("latin1");
  });
  socket.on("error", () => {});
  socket.on("close", () => {
    heard.closed = true;
  });
  return { socket, heard };
}

/** An upload that has begun, its request known to the proxy. */
async function upload(framing: Framing) {
  const before = arrived;
  const { socket, heard } = await opened();
  socket.write(`POST /v1/chat/completions HTTP/1.1\r\nhost: h\r\n${framing.head}\r\n\r\n`);
  await eventually("it has arrived", () => arrived === before + 1);
  return { socket, heard, send: (part: string) => socket.write(framing.frame(part)) };
}

/** Sends it, and waits until the proxy has it. */
async function sendSeen(to: Awaited<ReturnType<typeof upload>>, part: string) {
  const before = account.used();
  to.send(part);
  await eventually("it is here", () => account.used() === before + part.length);
}

async function uploads(count: number, part: string) {
  const all: Awaited<ReturnType<typeof upload>>[] = [];
  while (all.length < count) {
    const to = await upload(DECLARED);
    await sendSeen(to, part);
    all.push(to);
  }
  return all;
}

/** A kept connection that asks for nothing more, as its server closes it. */
async function idleConnectionCut() {
  const { socket, heard } = await opened();
  socket.write("GET /nowhere HTTP/1.1\r\nhost: h\r\n\r\n");
  await eventually("an idle connection is closed", () => heard.closed);
  socket.destroy();
}

describe("an upload", () => {
  test.each([DECLARED, CHUNKED])("lives as long as bytes keep coming, $what", async (framing) => {
    const to = await upload(framing);
    for (let at = 0; at < 9; at++) {
      await sendSeen(to, BODY.slice(at * 4_000, (at + 1) * 4_000));
      await clock.advance(59_000);
    }
    to.send(BODY.slice(36_000));
    to.socket.write(framing.end);
    await eventually("it is answered", () => to.heard.text.endsWith(BODY));
    expect(to.heard.text).toStartWith("HTTP/1.1 200");
    to.socket.destroy();
  });

  test("is not cut by the runtime, to which a body's bytes are silence", async () => {
    const to = await upload(DECLARED);
    await sendSeen(to, BODY.slice(0, 20_000));
    // The runtime's idle limit has passed by when a younger connection has met it.
    await idleConnectionCut();
    await sendSeen(to, BODY.slice(20_000, 30_000));
    await idleConnectionCut();
    to.send(BODY.slice(30_000));
    await eventually("it is answered", () => to.heard.text.endsWith(BODY) || to.heard.closed);
    expect(to.heard.text).toStartWith("HTTP/1.1 200");
    to.socket.destroy();
  }, 60_000);

  test.each([DECLARED, CHUNKED, SMALL])(
    "that goes silent is told so, and let go, $what",
    async (framing) => {
      const to = await upload(framing);
      to.send('{"model":');
      await clock.advance(59_999);
      expect(to.heard).toEqual({ text: "", closed: false });
      // The wait that counts begins with the last bytes: on a clock moved by hand, at the same moment as the upload.
      await clock.advance(1);
      await eventually("it is told", () => to.heard.text !== "");
      expect(to.heard.text).toMatch(/^HTTP\/1.1 400 [^]*x-hedgerow-error: invalid_request[^]*within 60 s/i);
      expect(events).toMatchObject([{ kind: "request_finished", record: { status: 400, error: "invalid_request" } }]);
      await eventually("the connection is closed", () => to.heard.closed);
    },
    60_000,
  );

  test.each([DECLARED, CHUNKED])("of single bytes does not hold on for ever, $what", async (framing) => {
    const to = await upload(framing);
    for (let minute = 0; minute < 20 && to.heard.text === ""; minute++) {
      await sendSeen(to, " ");
      await clock.advance(30_000);
      if (minute < 19) expect(to.heard.text).toBe("");
      else await eventually("it is told", () => to.heard.text !== "");
    }
    expect(to.heard.text).toMatch(/^HTTP\/1.1 400 [^]*x-hedgerow-error: invalid_request[^]*within 600 s/i);
    to.socket.destroy();
  });
});

describe("room for bodies", () => {
  test("is taken by what has come, not by what is declared: idle uploads turn nobody away", async () => {
    const idle = await uploads(8, "{");
    expect(account.used()).toBe(idle.length);
    const to = await upload(DECLARED);
    to.send(BODY);
    await eventually("it is answered", () => to.heard.text.endsWith(BODY));
    for (const { socket } of [...idle, to]) socket.destroy();
    await eventually("all have left", () => account.used() === 0);
  });

  test("is bounded all the same: who comes when it is full is refused", async () => {
    const held = await uploads(3, BODY.slice(0, 39_000));
    const to = await upload(DECLARED);
    to.send(BODY);
    await eventually("it is refused", () => to.heard.text !== "");
    expect(to.heard.text).toMatch(/^HTTP\/1.1 503 [^]*x-hedgerow-error: overloaded/i);
    for (const { socket } of [...held, to]) socket.destroy();
    await eventually("all have left", () => account.used() === 0);
  });
});

test("a body that comes in a thousand pieces is whole", async () => {
  const to = await upload(CHUNKED);
  for (let at = 0; at < BODY.length; at += 37) to.send(BODY.slice(at, at + 37));
  to.socket.write(CHUNKED.end);
  await eventually("it is answered", () => to.heard.text.endsWith(BODY));
  expect(to.heard.text).toStartWith("HTTP/1.1 200");
  to.socket.destroy();
});
