import { expect, setDefaultTimeout, test } from "bun:test";
import { answer, forWish, streamHead } from "../../src/simulator/behaviour.ts";
import { cut, pause, send, type Step, waitFor } from "../../src/simulator/script.ts";
import { ask, begin, hear, hearUntil, PLAIN_TEXT } from "../world/http.ts";
import { startWorld } from "../world/scripted-upstream.ts";

setDefaultTimeout(60_000);

const KIB = 1024;
const content = 'data: {"choices":[{"index":0,"delta":{"content":"begun"},"finish_reason":null}]}\n\n';
const end = '","choices":[]}\n\ndata: [DONE]\n\n';

/** Says `before`, then an event of so many bytes, of which the end waits for `open`. */
function hesitating(before: string, eventBytes: number, then: readonly Step[] = [send(end)]) {
  const { promise, resolve } = Promise.withResolvers<void>();
  const parts = Array.from({ length: Math.ceil(eventBytes / (64 * KIB)) }, () => send("x".repeat(64 * KIB)));
  const behave = forWish((wish) => [
    streamHead(wish),
    ...(before === "" ? [] : [send(before)]),
    send('data: {"object":"'),
    ...parts,
    waitFor(promise),
    ...then,
  ]);
  return { behave, open: resolve };
}

/** `a` is the one that hesitates; `b` answers another model. */
const apart = { a: { models: ["model-1"] }, b: { models: ["model-b"] } };

test("an event that goes on for more than 1 MiB before content is committed to, and passed on as it comes", async () => {
  const large = hesitating("", 1_200 * KIB);
  await using world = await startWorld({ a: large.behave, b: answer() });
  const response = await begin(world.url, "openai-chat");
  expect(response.headers.get("x-hedgerow-provider")).toBe("a");
  const heard = await hearUntil(response, "x".repeat(1_100 * KIB));
  large.open();
  const rest = await hear(response, "openai-chat");
  expect(rest).toMatchObject({ clean: true, terminal: true, error: false });
  expect(heard + rest.body).toBe(`data: {"object":"${"x".repeat(19 * 64 * KIB)}${end}`);
  expect(world.upstream.b.arrived()).toBe(0);
  await world.idle();
});

test("a stream that breaks within an event of which a part was passed on is ended by a reset", async () => {
  const large = hesitating("", 1_200 * KIB, [pause(30), cut]);
  await using world = await startWorld({ a: large.behave });
  const response = await begin(world.url, "openai-chat");
  await hearUntil(response, "x".repeat(1_100 * KIB));
  large.open();
  expect(await hear(response, "openai-chat")).toMatchObject({ clean: false, error: false });
  await world.idle();
});

test("what is held of unfinished events counts in server.max_buffered together, and is given back with them", async () => {
  const large = hesitating(content, 700 * KIB);
  const config = { server: { port: 0, max_body: "1MiB", max_buffered: "1MiB" } };
  await using world = await startWorld({ a: large.behave, b: answer() }, { config, only: apart });
  const leaver = new AbortController();
  const streams = await Promise.all(
    ["one", "two"].map((session) => begin(world.url, "openai-chat", { session, signal: leaver.signal })),
  );
  // One of them finds no room.
  const heard = streams.map((response) => hearUntil(response, "x".repeat(300 * KIB)).catch(() => ""));
  expect(await Promise.race(heard)).toContain("xxx");
  leaver.abort();
  await Promise.all(heard);
  await world.idle();
  const whole = await ask(world.url, "openai-chat", { model: "model-b", session: "b", prompt: "y".repeat(900 * KIB) });
  expect(whole).toMatchObject({ status: 200, said: PLAIN_TEXT });
  await world.idle();
});

test("an event for which no room is left is passed on as it comes", async () => {
  const large = hesitating(content, 3_000 * KIB);
  const config = { server: { port: 0, max_body: "1MiB", max_buffered: "1MiB" } };
  await using world = await startWorld({ a: large.behave }, { config });
  const response = await begin(world.url, "openai-chat");
  const heard = await hearUntil(response, "x".repeat(2_000 * KIB));
  large.open();
  const rest = await hear(response, "openai-chat");
  expect(heard + rest.body).toBe(`${content}data: {"object":"${"x".repeat(47 * 64 * KIB)}${end}`);
  expect(rest).toMatchObject({ clean: true, error: false });
  await world.idle();
});
