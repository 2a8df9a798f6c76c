import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { secret } from "../../src/core/secret.ts";
import { provider } from "../provider/world.ts";
import { closing, type Hand, hand, opening, said, sse, start, words } from "./upstream.ts";
import { type ForwardWorld, forwardWorld } from "./world.ts";

const MIB = 1024 * 1024;
const ROOM = 4 * MIB;

let it: ForwardWorld;
let upstream: Hand;
beforeEach(() => {
  const keys = [secret("a-key-of-the-proxy")];
  it = forwardWorld([provider("a", { keys }), provider("b", { keys, priority: 1 })], { buffered: ROOM });
  upstream = hand();
  it.script("a", upstream.act);
});
afterEach(() => it.over());

const filler = (bytes: number) => "x".repeat(bytes);
const heard = async (response: Promise<Response>) =>
  (await response).text().catch((error: unknown) => `reset: ${String(error)}`);
const attempts = () => it.records()[0]?.attempts.map(({ provider, outcome, reason }) => [provider, outcome, reason]);

async function say(text: string) {
  upstream.say(text);
  await it.clock.advance(0);
}

describe("an event that is not whole yet", () => {
  test("counts in what may be held, before content and after it", async () => {
    const text = heard(it.ask());
    await it.clock.advance(0);
    await say(`${start}data: {"x":"${filler(1_000)}`);
    expect(it.buffered()).toBe(start.length + 12 + 1_000);
    await say(`"}\n\n${opening}${words("hello")}`);
    expect(it.buffered()).toBe(0);
    await say(`data: {"x":"${filler(2 * MIB)}`);
    expect(it.buffered()).toBe(2 * MIB + 12);
    await say(`"}\n\n${closing}`);
    expect(it.buffered()).toBe(0);
    upstream.end();
    expect((await text).endsWith(closing)).toBe(true);
    expect(attempts()).toEqual([["a", "answered", ""]]);
  });

  test("is dropped where its stream breaks after content, and its room is free", async () => {
    const text = heard(it.ask());
    await it.clock.advance(0);
    await say(`${start}${opening}${words("hello")}data: ${filler(2 * MIB)}`);
    expect(it.buffered()).toBe(2 * MIB + 6);
    upstream.cut();
    await it.clock.advance(0);
    expect((await text).startsWith(`${start}${opening}${words("hello")}event: error\n`)).toBe(true);
    expect([it.buffered(), attempts()]).toEqual([0, [["a", "broken", "cut"]]]);
  });

  test("of up to 1 MiB before content is failed over where its stream breaks", async () => {
    it.script("b", sse(said("b")));
    const text = heard(it.ask());
    await it.clock.advance(0);
    await say(`data: ${filler(MIB - 6)}`);
    expect(it.buffered()).toBe(MIB);
    upstream.cut();
    await it.clock.advance(0);
    expect(await text).toBe(said("b"));
    expect(attempts()?.map(([name]) => name)).toEqual(["a", "b"]);
  });

  test("of more than that is passed on as it comes; a break within it is a reset, for nothing can follow", async () => {
    const text = heard(it.ask());
    await it.clock.advance(0);
    await say(`data: ${filler(2 * MIB)}`);
    upstream.cut();
    await it.clock.advance(0);
    expect(await text).toStartWith("reset: ");
    expect(attempts()).toEqual([["a", "broken", "cut"]]);
  });

  test("is read when it is whole, though it was passed on by then", async () => {
    const text = heard(it.ask());
    await it.clock.advance(0);
    const stop = `event: message_stop\ndata: {"type":"message_stop","x":"${filler(2 * MIB)}"}\n\n`;
    await say(stop.slice(0, -100));
    expect(it.buffered()).toBe(stop.length - 100);
    await say(stop.slice(-100));
    upstream.end();
    await it.clock.advance(0);
    expect((await text) === stop).toBe(true);
    expect(attempts()).toEqual([["a", "answered", ""]]);
  });

  test("is passed on unread where there is no room for it", async () => {
    const text = heard(it.ask());
    await it.clock.advance(0);
    const event = `data: {"x":"${filler(ROOM)}"}\n\n`;
    await say(`${start}${opening}${words("hello")}`);
    await say(event.slice(0, MIB));
    expect(it.buffered()).toBe(MIB);
    await say(event.slice(MIB, -3));
    expect(it.buffered()).toBe(0);
    await say(`${event.slice(-3)}${closing}`);
    upstream.end();
    expect((await text) === `${start}${opening}${words("hello")}${event}${closing}`).toBe(true);
    expect(attempts()).toEqual([["a", "answered", ""]]);
  });
});
