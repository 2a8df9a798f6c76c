import { afterEach, describe, expect, test } from "bun:test";
import { createSend, type UpstreamRequest } from "../../src/forward/send.ts";
import { handClock } from "../world/clock.ts";
import { LOCALHOST_CERT, LOCALHOST_KEY } from "../world/localhost-tls.ts";

const owned: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of owned.splice(0)) await end();
});

const never = new AbortController().signal;
const idle = () => {};

function request(url: string, http2: UpstreamRequest["http2"] = "auto"): UpstreamRequest {
  return { url, headers: {}, body: new TextEncoder().encode(`{"model":"m"}`), proxy: null, http2 };
}

describe("HTTP/2", () => {
  function tlsServer(http2: boolean) {
    const server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      http2,
      tls: { key: LOCALHOST_KEY, cert: LOCALHOST_CERT },
      fetch: async (request) => new Response(await request.bytes()),
    });
    owned.push(() => server.stop(true));
    return `https://localhost:${server.port}`;
  }
  function watched() {
    const asked: (string | undefined)[] = [];
    const trusting = Object.assign(
      (url: string | URL | Request, init?: BunFetchRequestInit) => {
        asked.push(init?.protocol);
        return fetch(url, { ...init, tls: { ca: LOCALHOST_CERT } });
      },
      { preconnect: fetch.preconnect },
    );
    return { asked, send: createSend({ clock: handClock(), fetch: trusting }) };
  }
  const echoed = async (sending: Promise<Response>) => (await sending).text();

  test("is used where it is offered", async () => {
    const url = tlsServer(true);
    const { asked, send } = watched();
    for (let turn = 0; turn < 2; turn++) expect(await echoed(send(request(url), never, idle))).toBe(`{"model":"m"}`);
    expect(asked).toEqual(["http2", "http2"]);
  });

  test("is asked for once where it is not, and the request arrives all the same", async () => {
    const url = tlsServer(false);
    const { asked, send } = watched();
    for (let turn = 0; turn < 2; turn++) expect(await echoed(send(request(url), never, idle))).toBe(`{"model":"m"}`);
    expect(asked).toEqual(["http2", undefined, undefined]);
  });

  test("is not asked for when switched off", async () => {
    const { asked, send } = watched();
    expect(await echoed(send(request(tlsServer(true), "off"), never, idle))).toBe(`{"model":"m"}`);
    expect(asked).toEqual([undefined]);
  });

  test("a certificate that nobody vouches for is refused", async () => {
    const error = await createSend({ clock: handClock() })(request(tlsServer(true)), never, idle).catch(
      (error: unknown) => error,
    );
    expect(error).toMatchObject({ code: "tls" });
  });
});
