import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { gates } from "../world/gates.ts";
import { ask, begin } from "../world/http.ts";
import { eventually, startWorld } from "../world/scripted-upstream.ts";

setDefaultTimeout(60_000);

const full = { limits: { sessions: 1 } };

describe("sessions.wait", () => {
  test("the oldest waiter gets the slot that becomes free, one after the other", async () => {
    const house = gates();
    await using world = await startWorld({ a: house.silent }, { config: { sessions: { wait: "1m" } }, each: full });
    const order: string[] = [];
    const served = (session: string) =>
      ask(world.url, "anthropic", { session, prompt: `prompt-of-${session}` }).then((heard) => {
        order.push(session);
        return heard;
      });
    const first = served("one");
    await eventually("one runs", () => world.upstream.a.running() === 1);
    const second = served("two");
    await eventually("two waits", async () => (await world.hedgerow.metric("hedgerow_waiting")) === 1);
    const third = served("three");
    await eventually("three waits", async () => (await world.hedgerow.metric("hedgerow_waiting")) === 2);
    expect(world.upstream.a.arrived()).toBe(1);
    for (const session of ["one", "two", "three"]) {
      await eventually(`${session} runs`, () => world.upstream.a.running() === 1);
      house.open(session);
      await eventually(`${session} is served`, () => order.includes(session));
    }
    const heard = await Promise.all([first, second, third]);
    expect(heard.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(order).toEqual(["one", "two", "three"]);
    await world.idle();
  });

  test("a wait that is over is answered with providers_full and a retry-after", async () => {
    const house = gates();
    await using world = await startWorld({ a: house.silent }, { config: { sessions: { wait: "200ms" } }, each: full });
    const first = ask(world.url, "anthropic", { session: "one", prompt: "prompt-of-one" });
    await eventually("one runs", () => world.upstream.a.running() === 1);
    const heard = await ask(world.url, "anthropic", { session: "two", prompt: "prompt-of-two" });
    expect([heard.status, heard.headers.get("x-hedgerow-error")]).toEqual([429, "providers_full"]);
    expect(Number(heard.headers.get("retry-after"))).toBeGreaterThan(0);
    house.open("one");
    expect((await first).status).toBe(200);
    await world.idle();
  });

  test("a client that leaves the line leaves nothing in it", async () => {
    const house = gates();
    await using world = await startWorld({ a: house.silent }, { config: { sessions: { wait: "1m" } }, each: full });
    const first = ask(world.url, "anthropic", { session: "one", prompt: "prompt-of-one" });
    await eventually("one runs", () => world.upstream.a.running() === 1);
    const leaver = new AbortController();
    const gone = begin(world.url, "anthropic", { session: "two", prompt: "x", signal: leaver.signal }).catch(
      () => "gone",
    );
    await eventually("two waits", async () => (await world.hedgerow.metric("hedgerow_waiting")) === 1);
    leaver.abort();
    expect(await gone).toBe("gone");
    await eventually("nobody waits", async () => (await world.hedgerow.metric("hedgerow_waiting")) === 0);
    house.open("one");
    expect((await first).status).toBe(200);
    await world.idle();
    expect(world.upstream.a.arrived()).toBe(1);
  });
});

describe("server.max_buffered", () => {
  test("bodies beyond it are refused at once as overloaded, and their room comes back", async () => {
    const house = gates();
    const config = { server: { port: 0, max_body: "1MiB", max_buffered: "1MiB" } };
    await using world = await startWorld({ a: house.silent }, { config });
    const large = "x".repeat(700 * 1024);
    const first = ask(world.url, "anthropic", { session: "one", prompt: `prompt-of-one ${large}` });
    await eventually("one runs", () => world.upstream.a.running() === 1);
    const heard = await ask(world.url, "anthropic", { session: "two", prompt: `prompt-of-two ${large}` });
    expect([heard.status, heard.headers.get("x-hedgerow-error"), heard.headers.get("retry-after")]).toEqual([
      503,
      "overloaded",
      "1",
    ]);
    house.open("one");
    expect((await first).status).toBe(200);
    house.open("two");
    expect((await ask(world.url, "anthropic", { session: "two", prompt: `prompt-of-two ${large}` })).status).toBe(200);
    await world.idle();
  });
});
