import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { answer, status } from "../../src/simulator/behaviour.ts";
import type { Behave } from "../../src/simulator/simulator.ts";
import { ask, PLAIN_TEXT } from "../world/http.ts";
import { eventually, startWorld, type World, type WorldOptions } from "../world/scripted-upstream.ts";

setDefaultTimeout(60_000);

/** An upstream whose answers wait for the test, each session by itself. */
function gated(): Readonly<{ behave: Behave; open(session: string, then?: Behave): void }> {
  const gates = new Map<string, PromiseWithResolvers<Behave>>();
  const gate = (session: string) => {
    const known = gates.get(session) ?? Promise.withResolvers<Behave>();
    gates.set(session, known);
    return known;
  };
  return {
    async behave(request) {
      // The prompt names the session: the proxy's own session header does not go upstream.
      const session = /prompt-of-(\w+)/.exec(request.text())?.[1] ?? "";
      return (await gate(session).promise)(request);
    },
    open: (session, then = answer()) => gate(session).resolve(then),
  };
}

const asSession = (session: string) => ({ session, prompt: `prompt-of-${session}` });
const limited = (more: Readonly<Record<string, unknown>> = {}): WorldOptions => ({
  each: { limits: { sessions: 2 } },
  config: { sessions: { ...more }, defaults: { hedge: { after: "off" } } },
});
const sessions = (world: World<"a">) => world.hedgerow.metric("hedgerow_sessions", { provider: "a" });

/** Two sessions that run, at a provider of two. */
async function fullHouse(world: World<"a">) {
  const one = ask(world.url, "anthropic", asSession("one"));
  const two = ask(world.url, "anthropic", asSession("two"));
  await eventually("both run", () => world.upstream.a.running() === 2);
  return { one, two };
}

describe("sessions", () => {
  test("20 parallel requests of one session count as one", async () => {
    const house = gated();
    await using world = await startWorld({ a: house.behave }, limited());
    const asked = Array.from({ length: 20 }, () => ask(world.url, "anthropic", asSession("one")));
    await eventually("all run", () => world.upstream.a.running() === 20);
    expect(await sessions(world)).toBe(1);
    expect(await world.hedgerow.metric("hedgerow_leases", { provider: "a" })).toBe(20);
    house.open("one");
    for (const heard of await Promise.all(asked)) expect(heard).toMatchObject({ status: 200, said: PLAIN_TEXT });
    await world.idle();
    expect(await sessions(world)).toBe(1);
  });

  test("a third session is refused while two are running, and served at once when one of them failed", async () => {
    const house = gated();
    await using world = await startWorld({ a: house.behave }, limited({ idle: "hold" }));
    const { one, two } = await fullHouse(world);
    house.open("three");
    const refused = await ask(world.url, "anthropic", asSession("three"));
    expect(refused.status).toBe(429);
    expect(refused.headers.get("x-hedgerow-error")).toBe("providers_full");
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
    house.open("one", status(500));
    expect((await one).status).toBe(500);
    expect(await ask(world.url, "anthropic", asSession("three"))).toMatchObject({ status: 200, said: PLAIN_TEXT });
    house.open("two");
    expect(await two).toMatchObject({ status: 200 });
    await world.idle();
    expect(await sessions(world)).toBe(2);
  });

  test("with idle: yield a third session takes the place of an idle one, which may come back like any other", async () => {
    const house = gated();
    await using world = await startWorld({ a: house.behave }, limited({ idle: "yield" }));
    const { one, two } = await fullHouse(world);
    house.open("three");
    expect((await ask(world.url, "anthropic", asSession("three"))).status).toBe(429);
    house.open("one");
    expect((await one).status).toBe(200);
    await eventually("the lease is back", async () => (await world.hedgerow.metric("hedgerow_leases")) === 1);
    expect((await ask(world.url, "anthropic", asSession("three"))).status).toBe(200);
    expect(await sessions(world)).toBe(2);
    await eventually("the lease is back", async () => (await world.hedgerow.metric("hedgerow_leases")) === 1);
    // Now the third is the idle one.
    expect((await ask(world.url, "anthropic", asSession("one"))).status).toBe(200);
    expect(await sessions(world)).toBe(2);
    house.open("two");
    expect((await two).status).toBe(200);
    await world.idle();
  });

  test("with idle: hold an idle session keeps its place", async () => {
    const house = gated();
    await using world = await startWorld({ a: house.behave }, limited({ idle: "hold" }));
    for (const session of ["one", "two", "three"]) house.open(session);
    expect((await ask(world.url, "anthropic", asSession("one"))).status).toBe(200);
    expect((await ask(world.url, "anthropic", asSession("two"))).status).toBe(200);
    await world.idle();
    const refused = await ask(world.url, "anthropic", asSession("three"));
    expect(refused.headers.get("x-hedgerow-error")).toBe("providers_full");
    expect((await ask(world.url, "anthropic", asSession("one"))).status).toBe(200);
  });

  test("with hold, a slot ends with the session's ttl", async () => {
    await using world = await startWorld({ a: answer() }, limited({ idle: "hold", ttl: "1s" }));
    for (const session of ["one", "two"]) await ask(world.url, "anthropic", asSession(session));
    await eventually(
      "a slot is free",
      async () => (await ask(world.url, "anthropic", asSession("three"))).status === 200,
    );
  });

  test("with wait, a full house serves the next in line when a slot is freed", async () => {
    const house = gated();
    await using world = await startWorld({ a: house.behave }, limited({ idle: "hold", wait: "30s" }));
    const { one, two } = await fullHouse(world);
    house.open("three");
    const three = ask(world.url, "anthropic", asSession("three"));
    await eventually("one waits", async () => (await world.hedgerow.metric("hedgerow_waiting")) === 1);
    house.open("one", status(500));
    expect((await one).status).toBe(500);
    expect(await three).toMatchObject({ status: 200, said: PLAIN_TEXT });
    expect(await world.hedgerow.metric("hedgerow_waiting")).toBe(0);
    house.open("two");
    await two;
    await world.idle();
  });

  test("who leaves the line is out of it at once", async () => {
    const house = gated();
    await using world = await startWorld({ a: house.behave }, limited({ wait: "30s" }));
    const { one, two } = await fullHouse(world);
    const leaving = new AbortController();
    const three = ask(world.url, "anthropic", { ...asSession("three"), signal: leaving.signal }).catch(() => "left");
    await eventually("one waits", async () => (await world.hedgerow.metric("hedgerow_waiting")) === 1);
    leaving.abort();
    expect(await three).toBe("left");
    await eventually("nobody waits", async () => (await world.hedgerow.metric("hedgerow_waiting")) === 0);
    house.open("one");
    house.open("two");
    await Promise.all([one, two]);
    await world.idle();
    expect(world.upstream.a.arrived()).toBe(2);
  });

  test("a full provider sends a new session to the next one", async () => {
    const house = gated();
    await using world = await startWorld(
      { a: house.behave, b: answer() },
      {
        ...limited(),
        only: { b: { limits: {} } },
      },
    );
    const asked = [ask(world.url, "anthropic", asSession("one")), ask(world.url, "anthropic", asSession("two"))];
    await eventually("both run", () => world.upstream.a.running() === 2);
    const heard = await ask(world.url, "anthropic", asSession("three"));
    expect(heard.headers.get("x-hedgerow-provider")).toBe("b");
    house.open("one");
    house.open("two");
    await Promise.all(asked);
    await world.idle();
  });

  test("failures do not free a session that another request still uses", async () => {
    let turn = 0;
    const house = gated();
    await using world = await startWorld(
      { a: (request) => (turn++ === 0 ? house.behave(request) : status(500)(request)) },
      limited({ idle: "hold" }),
    );
    const running = ask(world.url, "anthropic", asSession("one"));
    await eventually("it runs", () => world.upstream.a.running() === 1);
    expect((await ask(world.url, "anthropic", asSession("one"))).status).toBe(500);
    expect(await sessions(world)).toBe(1);
    house.open("one");
    expect((await running).status).toBe(200);
    await world.idle();
    expect(await sessions(world)).toBe(1);
  });

  test("answers are sticky: a session stays where it was served", async () => {
    await using world = await startWorld({ a: answer(), b: answer() }, { each: { priority: 0 } });
    const first = (await ask(world.url, "anthropic", asSession("one"))).headers.get("x-hedgerow-provider");
    for (let turn = 0; turn < 5; turn++) {
      const heard = await ask(world.url, "anthropic", asSession("one"));
      expect(heard.headers.get("x-hedgerow-provider")).toBe(first);
      expect(heard.headers.get("x-hedgerow-sticky")).toBe("hit");
    }
  });
});

describe("requests and clients", () => {
  test("limits.requests refuses one more request of the same session", async () => {
    const house = gated();
    await using world = await startWorld({ a: house.behave }, { each: { limits: { requests: 2 } } });
    const asked = [ask(world.url, "anthropic", asSession("one")), ask(world.url, "anthropic", asSession("one"))];
    await eventually("both run", () => world.upstream.a.running() === 2);
    const refused = await ask(world.url, "anthropic", asSession("one"));
    expect(refused.headers.get("x-hedgerow-error")).toBe("providers_full");
    house.open("one");
    await Promise.all(asked);
    await world.idle();
  });

  test("a client's own limit is client_limit", async () => {
    const house = gated();
    const clients = [{ name: "c", key: "client-key-123456", limits: { requests: 1 } }];
    const headers = { authorization: "Bearer client-key-123456" };
    await using world = await startWorld({ a: house.behave }, { config: { clients } });
    const running = ask(world.url, "openai-chat", { ...asSession("one"), headers });
    await eventually("it runs", () => world.upstream.a.running() === 1);
    const refused = await ask(world.url, "openai-chat", { ...asSession("two"), headers });
    expect(refused.status).toBe(429);
    expect(refused.headers.get("x-hedgerow-error")).toBe("client_limit");
    house.open("one");
    expect((await running).status).toBe(200);
    await world.idle();
  });

  test("rpm is a rate, with a truthful retry-after", async () => {
    const clients = [{ name: "c", key: "client-key-123456", limits: { rpm: 1 } }];
    const headers = { authorization: "Bearer client-key-123456" };
    await using world = await startWorld({ a: answer() }, { config: { clients } });
    expect((await ask(world.url, "openai-chat", { headers })).status).toBe(200);
    const refused = await ask(world.url, "openai-chat", { headers });
    expect(refused.headers.get("x-hedgerow-error")).toBe("client_limit");
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(Number(refused.headers.get("retry-after"))).toBeLessThanOrEqual(60);
  });
});
