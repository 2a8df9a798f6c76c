import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { PROTOCOL_NAMES } from "../../src/protocol/protocol.ts";
import {
  answer,
  cutMidStream,
  forWish,
  huge,
  noTerminal,
  PLAIN_REPLY,
  stallMidStream,
  streamHead,
} from "../../src/simulator/behaviour.ts";
import { cut, head, pause, send, waitFor } from "../../src/simulator/script.ts";
import type { Behave } from "../../src/simulator/simulator.ts";
import { ask, begin, bodyFor, hear, hearUntil, PLAIN_TEXT } from "../world/http.ts";
import { eventually, startWorld, steady } from "../world/scripted-upstream.ts";

setDefaultTimeout(60_000);

describe("other shapes of a broken answer", () => {
  const IDLE = { config: { defaults: { timeouts: { idle: "300ms" } } } };

  test.each([
    { what: "a cut", behave: cutMidStream },
    { what: "a stall", behave: stallMidStream },
    { what: "a missing end", behave: noTerminal },
  ])("Gemini's JSON array stays one document after $what", async ({ behave }) => {
    await using world = await startWorld({ a: behave }, IDLE);
    const path = "/v1beta/models/gemini-x:streamGenerateContent";
    const answered = await fetch(world.url + path, { method: "POST", body: bodyFor("gemini") });
    const elements = (await answered.json()) as readonly { candidates?: unknown; error?: { status: string } }[];
    expect(elements.slice(0, -1).every((element) => element.candidates !== undefined)).toBe(true);
    expect(elements.at(-1)?.error?.status).toBe("UNAVAILABLE");
    await world.idle();
  });

  test("a whole answer that breaks after its first bytes is reset, never ended cleanly", async () => {
    const half = `{"type":"message","content":[{"type":"text","text":"${"x".repeat(4 * 1024 * 1024)}`;
    const broken: Behave = () => [
      head(200, "application/json", { "content-length": String(2 * half.length) }),
      send(half),
      pause(30),
      cut,
    ];
    await using world = await startWorld({ a: broken });
    expect(await ask(world.url, "anthropic", { stream: false })).toMatchObject({ status: 200, clean: false });
    await world.idle();
  });
});

describe("the end of the process", () => {
  test("a running stream finishes before it", async () => {
    const gate = Promise.withResolvers<void>();
    await using world = await startWorld({
      a: async (request) => [waitFor(gate.promise), ...(await answer()(request))],
    });
    const asked = ask(world.url, "anthropic");
    await eventually("it runs", () => world.upstream.a.running() === 1);
    const stopped = world.hedgerow.stop();
    await eventually(
      "new requests are refused",
      async () => !(await fetch(`${world.url}/readyz`).catch(() => null))?.ok,
    );
    gate.resolve();
    expect(await asked).toMatchObject({ status: 200, said: PLAIN_TEXT, terminal: true, clean: true });
    expect(await stopped).toBe(0);
  });

  test.each(PROTOCOL_NAMES)("%s: one that takes longer than server.drain ends honestly", async (protocol) => {
    await using world = await startWorld(
      { a: answer({ gapMs: 60_000 }) },
      { config: { server: { port: 0, drain: "300ms" } } },
    );
    // Its head comes with its first content.
    const answered = await begin(world.url, protocol);
    const heard = hear(answered, protocol);
    expect(await world.hedgerow.stop()).toBe(0);
    expect(await heard).toMatchObject({ status: 200, said: "The hedge ", terminal: false, error: true });
    expect((await world.upstream.a.exchanges()[0]?.ended)?.how).toBe("left");
  });
});

describe("a slow reader", () => {
  test("holds the upstream back instead of filling memory, and its leaving ends it", async () => {
    const PIECE = "x".repeat(64 * 1024);
    const PIECES = 4_096; // 256 MiB
    let taken = 0;
    const flood = forWish(function* (wish, dialect) {
      const reply = { ...PLAIN_REPLY, pieces: [PIECE] };
      const events = dialect.stream(wish, reply);
      const content = events.find((event) => event.part === "content");
      yield streamHead(wish);
      for (const event of events.filter(({ part }) => part === "prelude")) yield send(event.text);
      for (; taken < PIECES; taken++) yield send(content?.text ?? "");
    });
    await using world = await startWorld({ a: flood });
    const leaving = new AbortController();
    await hearUntil(await begin(world.url, "anthropic", { signal: leaving.signal }), "xxx");
    await steady("what the upstream gets rid of", () => taken);
    expect(taken).toBeLessThan(PIECES / 4);
    leaving.abort();
    expect((await world.upstream.a.exchanges()[0]?.ended)?.how).toBe("left");
    await world.idle();
  });

  test("that stays and reads no more counts as gone after the idle time: its slot is another's, its answer is broken off", async () => {
    await using world = await startWorld(
      { a: huge(48 * 1024 * 1024) },
      { each: { limits: { sessions: 1 }, timeouts: { idle: "1s" } } },
    );
    const stuck = await begin(world.url, "openai-chat", { session: "stuck" });
    await hearUntil(stuck, "xxx");
    await world.idle();
    expect((await world.upstream.a.exchanges()[0]?.ended)?.how).toBe("left");
    expect(world.hedgerow.log().findLast(({ msg }) => msg.startsWith("request"))).toMatchObject({
      attempts: [{ provider: "a", outcome: "client_left" }],
    });
    world.upstream.a.behave(answer());
    expect(await ask(world.url, "openai-chat", { session: "next" })).toMatchObject({ status: 200, said: PLAIN_TEXT });
    expect(await hear(stuck, "openai-chat")).toMatchObject({ clean: false, terminal: false });
  });
});
