import { afterEach, beforeEach, expect, test } from "bun:test";
import { background } from "../../src/core/background.ts";
import { byteAccount } from "../../src/core/byte-account.ts";
import type { ProxyEvent } from "../../src/core/events.ts";
import { lastCall } from "../../src/core/last-call.ts";
import { type FlightDeps, takeOff } from "../../src/forward/flight.ts";
import { respondInTime } from "../../src/forward/keep-alive.ts";
import type { Reply, RespondDeps } from "../../src/forward/respond.ts";
import { authenticator } from "../../src/http/auth.ts";
import { type Edge, proxyRequest } from "../../src/http/proxy-routes.ts";
import { type HandClock, handClock } from "../world/clock.ts";

const BODY = JSON.stringify({ model: "m", max_tokens: 9, stream: true, messages: [{ role: "user", content: "hi" }] });
const UPLOAD_MS = 20_000;
const REFUSED: Reply = {
  kind: "failure",
  failure: { kind: "own", error: { code: "no_provider", message: "Nobody serves this." } },
};

let clock: HandClock;
let events: ProxyEvent[];
let asked: Promise<Response>;
beforeEach(() => {
  clock = handClock();
  events = [];
});
afterEach(() => expect(clock.sleepers()).toBe(0));

/** From the edge on: a request whose body takes 20 s to arrive, and is refused `ms` after that. */
async function upload(refusedAfterMs: number) {
  const jobs = background((_, error) => {
    throw error;
  });
  const observe = (event: ProxyEvent) => void events.push(event);
  const slots = { watch: () => () => {} };
  const deps = { clock, background: jobs, observe, slots, lastCall: lastCall() } as unknown as FlightDeps & RespondDeps;
  const edge: Edge = {
    authenticate: authenticator([]),
    bodyBytesMax: 1_000,
    providers: () => [],
    forward: (inbound) =>
      respondInTime(
        deps,
        takeOff(deps, inbound),
        clock.sleep(refusedAfterMs).then(() => REFUSED),
      ),
  };
  const at = {
    clock,
    account: byteAccount(() => 1_000),
    observe,
    edge: () => edge,
    draining: () => false,
    readAlias: async () => null,
  };
  const body = new ReadableStream({
    async start(piece) {
      for (const half of [BODY.slice(0, 30), BODY.slice(30)]) {
        await clock.sleep(UPLOAD_MS / 2);
        piece.enqueue(new TextEncoder().encode(half));
      }
      piece.close();
    },
  });
  asked = proxyRequest(at, new Request("http://proxy/v1/messages", { method: "POST", body }), { idleAfter() {} });
  await clock.advance(UPLOAD_MS);
}
const ended = () => events.flatMap((event) => (event.kind === "request_finished" ? [event.record] : []));

test("a body that takes 20 s to arrive costs no status: the silence is counted from then on", async () => {
  await upload(14_999);
  await clock.advance(14_999);
  const response = await asked;
  expect([response.status, response.headers.get("x-hedgerow-error")]).toEqual([404, "no_provider"]);
  await clock.advance(0);
  // What is measured for people is measured from the arrival all the same.
  expect(ended()).toMatchObject([{ status: 404, ms: UPLOAD_MS + 14_999 }]);
});

test("15 s after the body's last byte the client has its first sign of life", async () => {
  await upload(40_000);
  let begun = false;
  void asked.then(() => (begun = true));
  await clock.advance(14_999);
  expect(begun).toBe(false);
  await clock.advance(1);
  expect(begun).toBe(true);
  const response = await asked;
  const text = response.text();
  await clock.advance(25_000);
  expect(response.status).toBe(200);
  expect(await text).toStartWith("event: ping\n");
  expect(await text).toContain("Nobody serves this.");
});
