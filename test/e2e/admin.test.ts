import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { sessionHash } from "../../src/core/ids.ts";
import { PROTOCOL_NAMES } from "../../src/protocol/protocol.ts";
import { answer, inTurn, noHeaders, resetAtOnce, status } from "../../src/simulator/behaviour.ts";
import { runHedgerow } from "../world/binary.ts";
import { ask, begin, hear, hearUntil, PLAIN_TEXT } from "../world/http.ts";
import { admin, BEGUN, heldOpen, providerNow } from "../world/operate.ts";
import { eventually, startWorld } from "../world/scripted-upstream.ts";

setDefaultTimeout(60_000);

const POST = { method: "POST" };
const END = { method: "DELETE" };
const hash = (session: string) => sessionHash("anonymous", session);

describe("a session is ended", () => {
  test("by the client's own id: its streams end honestly, its slots are free at once, its home is forgotten", async () => {
    const held = heldOpen();
    await using world = await startWorld(
      { a: held.behave, b: answer() },
      { only: { a: { limits: { sessions: 1 } } }, config: { sessions: { idle: "hold" } } },
    );
    const begun = await Promise.all(PROTOCOL_NAMES.map((protocol) => begin(world.url, protocol, { session: "mine" })));
    await Promise.all(begun.map((response) => hearUntil(response, BEGUN)));
    expect(await admin(world.url, "sessions?id=mine")).toMatchObject({
      body: {
        total: 1,
        sessions: [
          {
            session: hash("mine"),
            client: "anonymous",
            running: 4,
            age_ms: expect.any(Number),
            providers: [{ provider: "a", running: 4, resides_ms: null }],
          },
        ],
      },
    });
    const ended = await admin(world.url, "sessions/mine", END);
    expect(ended).toMatchObject({ status: 200, body: { session: hash("mine"), leases: 4, cut_here: 4, to_be_cut: 0 } });
    for (const [at, response] of begun.entries())
      expect(await hear(response, PROTOCOL_NAMES[at] ?? "anthropic")).toMatchObject({ terminal: false, error: true });
    await world.idle();
    expect(await world.hedgerow.metric("hedgerow_sessions", { provider: "a" })).toBe(0);
    expect(await world.hedgerow.metric("hedgerow_lease_events_total", { provider: "a", event: "terminated" })).toBe(4);
    expect(await world.hedgerow.metric("hedgerow_streams_broken_total", { provider: "a", how: "ended" })).toBe(4);
    expect(await world.hedgerow.metric("hedgerow_breaker_state", { provider: "a" })).toBe(0);
    expect(await admin(world.url, "sessions?id=mine")).toMatchObject({ body: { total: 0 } });
    for (const { ended: end } of world.upstream.a.exchanges()) expect((await end).how).toBe("left");
    // A new request of it is a new session, which goes by rank.
    world.upstream.a.behave(answer());
    const next = await ask(world.url, "anthropic", { session: "mine" });
    expect(next).toMatchObject({ status: 200, said: PLAIN_TEXT });
    expect(next.headers.get("x-hedgerow-sticky")).toBe("miss");
  });

  test("by its hash, while it waits for an answer: it hears why, and is not tried elsewhere", async () => {
    await using world = await startWorld({ a: noHeaders, b: answer() });
    const waiting = ask(world.url, "openai-chat", { session: "mine", stream: false });
    await eventually("it runs", () => world.upstream.a.running() === 1);
    expect(await admin(world.url, `sessions/${hash("mine")}`, END)).toMatchObject({ status: 200 });
    const heard = await waiting;
    expect(heard).toMatchObject({ status: 502, error: true });
    expect(heard.body).toContain("ended by an operator");
    expect(heard.headers.get("x-should-retry")).toBe("false");
    expect(world.upstream.b.arrived()).toBe(0);
    await world.idle();
  });

  test("while it stands in line", async () => {
    await using world = await startWorld(
      { a: noHeaders },
      { each: { limits: { sessions: 1 } }, config: { sessions: { wait: "60s" } } },
    );
    const leaving = new AbortController();
    const first = ask(world.url, "openai-chat", { session: "one", signal: leaving.signal }).catch(() => "left");
    await eventually("it runs", () => world.upstream.a.running() === 1);
    const second = ask(world.url, "openai-chat", { session: "two" });
    await eventually("it waits", async () => (await world.hedgerow.metric("hedgerow_waiting")) === 1);
    expect(await admin(world.url, "sessions/two", END)).toMatchObject({
      status: 200,
      body: { leases: 0, cut_here: 1 },
    });
    expect(await second).toMatchObject({ status: 502, error: true });
    expect(await world.hedgerow.metric("hedgerow_waiting")).toBe(0);
    leaving.abort();
    expect(await first).toBe("left");
    await world.idle();
  });

  test("that nobody knows is not found", async () => {
    await using world = await startWorld({ a: answer() });
    const refused = await admin(world.url, "sessions/nobody", END);
    expect(refused).toMatchObject({ status: 404, body: { error: { code: "not_found" } } });
  });

  test("of one client alone, where several have the same id", async () => {
    const held = heldOpen();
    const clients = ["one", "two"].map((name) => ({ name, key: `key-of-client-${name}` }));
    const headersOf = (name: string) => ({ authorization: `Bearer key-of-client-${name}` });
    const token = { authorization: "Bearer token-0123456789" };
    await using world = await startWorld(
      { a: held.behave },
      { config: { clients, admin: { token: "token-0123456789" } } },
    );
    const stream = (name: string) => begin(world.url, "anthropic", { session: "same", headers: headersOf(name) });
    const [one, two] = await Promise.all([stream("one"), stream("two")]);
    await Promise.all([one, two].map((response) => hearUntil(response, BEGUN)));
    const verb = async (...args: string[]) => {
      const given = ["--url", world.url, "--token", "token-0123456789"];
      const { code, stdout, stderr } = await runHedgerow(["sessions", ...args, ...given]);
      return { code, shown: stdout + stderr };
    };
    // Neither has limits of its own: the instance knows by the requests whose sessions they are.
    const listed = (await verb()).shown;
    for (const name of ["one", "two"]) expect(listed).toContain(`${sessionHash(name, "same")}  ${name} `);
    // Whose is not said: nothing is ended.
    for (const [path, init] of [
      ["sessions/same", END],
      ["sessions?id=same", {}],
      ["explain?protocol=anthropic&model=m&session=same", {}],
    ] as const) {
      const refused = await admin(world.url, path, { ...init, headers: token });
      expect(refused).toMatchObject({ status: 400, body: { sessions: [{ client: "one" }, { client: "two" }] } });
    }
    const refused = await verb("end", "same");
    expect(refused.code).toBe(1);
    for (const words of ["one (", "two (", "--client NAME"]) expect(refused.shown).toContain(words);
    expect(await world.hedgerow.metric("hedgerow_leases")).toBe(2);
    expect(await verb("end", "same", "--client", "one")).toMatchObject({
      code: 0,
      shown: `ended ${sessionHash("one", "same")} of one: 1 lease (1 cut here, 0 by other instances at their next heartbeat)\n`,
    });
    expect(await hear(one, "anthropic")).toMatchObject({ terminal: false, error: true });
    held.release();
    expect(await hear(two, "anthropic")).toMatchObject({ terminal: true, error: false });
    await eventually("no lease is held", async () => (await world.hedgerow.metric("hedgerow_leases")) === 0);
  });
});

describe("a provider", () => {
  test("is disabled and enabled by an operator, and `reset` gives it back to the configuration, in health", async () => {
    await using world = await startWorld(
      { a: inTurn(status(500), answer()), b: answer() },
      {
        only: { a: { models: ["m*"] }, b: { enabled: false, models: ["m*", "only-b"] } },
        config: { defaults: { breaker: { failures: 1, open: "10m" } } },
      },
    );
    const listed = async () => await (await fetch(`${world.url}/v1/models`)).json();
    expect(await listed()).toMatchObject({ data: [] });
    const order = async () => (await admin(world.url, "explain?protocol=anthropic&model=m")).body;
    expect(await order()).toMatchObject({ order: [{ provider: "a" }], out: [{ provider: "b", reason: "disabled" }] });
    expect((await ask(world.url, "anthropic")).status).toBe(500);
    expect(await order()).toMatchObject({ order: [], out: [{ provider: "a", reason: "open" }, { provider: "b" }] });
    expect(await admin(world.url, "providers/b/enable", POST)).toMatchObject({
      status: 200,
      body: { provider: "b", override: "enabled" },
    });
    expect(await listed()).toMatchObject({ data: [{ id: "only-b" }] });
    expect((await ask(world.url, "anthropic")).headers.get("x-hedgerow-provider")).toBe("b");
    expect((await admin(world.url, "providers/a/reset", POST)).body).toEqual({ provider: "a", override: null });
    expect(await providerNow(world.url, "a")).toMatchObject({
      enabled: true,
      override: null,
      breaker: { state: "closed" },
    });
    await admin(world.url, "providers/b/disable", POST);
    expect(await providerNow(world.url, "b")).toMatchObject({ enabled: false, override: "disabled" });
    expect(await order()).toMatchObject({ out: [{ provider: "b", reason: "disabled_by_operator" }] });
    expect((await ask(world.url, "anthropic")).headers.get("x-hedgerow-provider")).toBe("a");
    await admin(world.url, "providers/b/reset", POST);
    expect(await providerNow(world.url, "b")).toMatchObject({ enabled: false, override: null });
    const told = () => world.hedgerow.log().flatMap(({ msg }) => (msg.includes("operator") ? [msg] : []));
    await eventually("all is logged", () => told().length >= 4);
    const words = ["enabled", "reset", "disabled", "reset"];
    expect(told()).toEqual(words.map((word) => `provider ${word} by an operator`));
  });

  test("whose last one is disabled makes the instance unready", async () => {
    await using world = await startWorld({ a: answer() });
    await admin(world.url, "providers/a/disable", POST);
    const ready = await fetch(`${world.url}/readyz`);
    expect(ready.status).toBe(503);
    expect(await ready.json()).toEqual({ ready: false, reasons: ["no_providers"], store: "up" });
    expect((await ask(world.url, "anthropic")).headers.get("x-hedgerow-error")).toBe("no_provider");
  });

  test.each(["enable", "disable", "reset"])("of an unknown name cannot be told to %s", async (what) => {
    await using world = await startWorld({ a: answer() });
    expect(await admin(world.url, `providers/nobody/${what}`, POST)).toMatchObject({
      status: 404,
      body: { error: { code: "not_found" } },
    });
    expect((await admin(world.url, `providers/a/${what}`)).status).toBe(405);
    expect((await admin(world.url, `providers/%ff/${what}`, POST)).status).toBe(400);
  });
});

test("a request's whole trail: who, why, when, why not the others", async () => {
  await using world = await startWorld(
    { a: status(529), b: resetAtOnce, c: answer(), d: answer() },
    { only: { d: { models: ["other-*"] } }, each: { retry: { same: 0 } } },
  );
  const heard = await ask(world.url, "anthropic", { session: "mine" });
  const id = heard.headers.get("x-hedgerow-request-id");
  await eventually("it is told", async () => JSON.stringify(await admin(world.url, "requests")).includes(`"${id}"`));
  const { body } = await admin(world.url, `requests?id=${id}`);
  expect(body).toMatchObject({
    requests: [
      {
        request_id: id,
        client: "anonymous",
        session: hash("mine"),
        session_source: "x-hedgerow-session",
        provider: "c",
        status: 200,
        error: "",
        ranked: ["a", "b", "c"],
        left_out: [{ provider: "d", reason: "model" }],
        hedge: "idle",
        hedge_after_ms: 8_000,
        wait_ms: 0,
        attempts: [
          { provider: "a", kind: "first", outcome: "failed", status: 529, reason: "status_529", ttft_ms: null },
          { provider: "b", kind: "failover", outcome: "failed", status: null, reason: "reset" },
          { provider: "c", kind: "failover", outcome: "answered", status: 200, reason: "", tokens: { output: 8 } },
        ],
      },
    ],
  });
  expect((await admin(world.url, "requests?provider=d")).body).toEqual({ requests: [] });
  expect((await admin(world.url, "requests?limit=0")).status).toBe(400);
});
