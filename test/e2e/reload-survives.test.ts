import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { PROTOCOL_NAMES } from "../../src/protocol/protocol.ts";
import { answer, inTurn, status } from "../../src/simulator/behaviour.ts";
import { runHedgerow } from "../world/binary.ts";
import { ask, begin, hear, hearUntil, PLAIN_TEXT } from "../world/http.ts";
import { streamingLoad } from "../world/load.ts";
import { admin, BEGUN, type FileConfig, heldOpen, providerNow, reloadBy, rewrite } from "../world/operate.ts";
import { eventually, startWorld } from "../world/scripted-upstream.ts";

setDefaultTimeout(120_000);

const without = (name: string) => (config: FileConfig) => ({
  ...config,
  providers: config.providers.filter((provider) => provider["name"] !== name),
});
const each = (more: Readonly<Record<string, unknown>>) => (config: FileConfig) => ({
  ...config,
  providers: config.providers.map((provider) => ({ ...provider, ...more })),
});
const top = (more: Readonly<Record<string, unknown>>) => (config: FileConfig) => ({ ...config, ...more });

describe("what runs", () => {
  test("a provider that is removed gets nothing new, and its streams finish", async () => {
    const held = heldOpen();
    await using world = await startWorld({ a: held.behave, b: answer() });
    const begun = await Promise.all(
      PROTOCOL_NAMES.map((protocol) => begin(world.url, protocol, { session: protocol })),
    );
    await Promise.all(begun.map((response) => hearUntil(response, BEGUN)));
    await reloadBy(world.hedgerow, () => rewrite(world.hedgerow, without("a")));
    expect(await providerNow(world.url, "a")).toMatchObject({ removed: true, enabled: false, leases: 4 });
    expect((await runHedgerow(["status", "--url", world.url])).stdout).toMatch(/^a +removed .* 4 /m);
    expect(await world.hedgerow.metric("hedgerow_leases", { provider: "other" })).toBe(4);
    expect(await world.hedgerow.metric("hedgerow_leases", { provider: "a" })).toBe(0);
    for (const protocol of PROTOCOL_NAMES) {
      const next = await ask(world.url, protocol, { session: protocol });
      expect(next.headers.get("x-hedgerow-provider")).toBe("b");
      expect(next.headers.get("x-hedgerow-sticky")).toBe("moved");
    }
    held.release();
    for (const [at, response] of begun.entries())
      expect(await hear(response, PROTOCOL_NAMES[at] ?? "anthropic")).toMatchObject({ clean: true, terminal: true });
    expect(world.upstream.a.arrived()).toBe(4);
    await world.idle();
    expect(await providerNow(world.url, "a")).toBeUndefined();
    // What is told of it by then goes under no name that the configuration does not have.
    expect(await world.hedgerow.metric("hedgerow_attempts_total", { provider: "other", outcome: "answered" })).toBe(4);
    expect(await world.hedgerow.metric("hedgerow_attempts_total", { provider: "a" })).toBe(0);
  });

  test("a running request ends under the timeouts it began with, the next has the new ones", async () => {
    const held = heldOpen();
    await using world = await startWorld({ a: inTurn(held.behave, heldOpen().behave) });
    const first = await begin(world.url, "anthropic");
    await hearUntil(first, BEGUN);
    await reloadBy(world.hedgerow, () => rewrite(world.hedgerow, each({ timeouts: { idle: "50ms" } })));
    expect(await ask(world.url, "anthropic")).toMatchObject({ terminal: false, error: true });
    held.release();
    expect(await hear(first, "anthropic")).toMatchObject({ clean: true, terminal: true });
  });
});

describe("what applies at once", () => {
  test("a limit of sessions, up and down", async () => {
    const held = heldOpen();
    await using world = await startWorld({ a: held.behave }, { each: { limits: { sessions: 1 } } });
    const one = await begin(world.url, "anthropic", { session: "one" });
    const refusedFor = async (session: string) =>
      (await ask(world.url, "anthropic", { session })).headers.get("x-hedgerow-error");
    expect(await refusedFor("two")).toBe("providers_full");
    await reloadBy(world.hedgerow, () => rewrite(world.hedgerow, each({ limits: { sessions: 2 } })));
    const two = await begin(world.url, "anthropic", { session: "two" });
    expect(two.status).toBe(200);
    await reloadBy(world.hedgerow, () => rewrite(world.hedgerow, each({ limits: { sessions: 1 } })));
    expect(await refusedFor("three")).toBe("providers_full");
    expect(await world.hedgerow.metric("hedgerow_sessions", { provider: "a" })).toBe(2);
    expect(await world.hedgerow.metric("hedgerow_limit_sessions", { provider: "a" })).toBe(1);
    held.release();
    for (const response of [one, two]) expect(await hear(response, "anthropic")).toMatchObject({ terminal: true });
    await world.idle();
  });

  test("a limit that is raised, to those who wait already", async () => {
    const held = heldOpen();
    await using world = await startWorld(
      { a: held.behave },
      { each: { limits: { sessions: 1 } }, config: { sessions: { wait: "10m" } } },
    );
    const one = await begin(world.url, "anthropic", { session: "one" });
    const two = begin(world.url, "anthropic", { session: "two" });
    await eventually("it waits", async () => (await world.hedgerow.metric("hedgerow_waiting")) === 1);
    await reloadBy(world.hedgerow, () => rewrite(world.hedgerow, each({ limits: { sessions: 3 } })));
    expect((await two).status).toBe(200);
    const three = await begin(world.url, "anthropic", { session: "three" });
    held.release();
    for (const response of [one, await two, three])
      expect(await hear(response, "anthropic")).toMatchObject({ terminal: true });
    await world.idle();
  });

  test("a cool-down ends, whether or not anything has changed", async () => {
    const limited = status(429, { headers: { "retry-after": "600" } });
    await using world = await startWorld({ a: inTurn(limited, answer(), limited, answer()) });
    const reloads = [() => rewrite(world.hedgerow, each({ weight: 2 })), () => world.hedgerow.signal("SIGHUP")];
    for (const reload of reloads) {
      expect((await ask(world.url, "anthropic")).status).toBe(429);
      expect((await ask(world.url, "anthropic")).headers.get("x-hedgerow-error")).toBe("providers_full");
      expect((await providerNow(world.url, "a"))?.["cooldowns"]).toMatchObject([{ key: "0123", limited: true }]);
      await reloadBy(world.hedgerow, reload);
      expect((await providerNow(world.url, "a"))?.["cooldowns"]).toEqual([]);
      expect(await ask(world.url, "anthropic")).toMatchObject({ status: 200, said: PLAIN_TEXT });
    }
  });

  test("clients and their keys", async () => {
    await using world = await startWorld({ a: answer() });
    const clients = [{ name: "team", key: "key-of-the-team-01" }];
    await reloadBy(world.hedgerow, () =>
      rewrite(world.hedgerow, top({ clients, admin: { token: "token-0123456789" } })),
    );
    expect((await ask(world.url, "anthropic")).status).toBe(401);
    const headers = { "x-api-key": "key-of-the-team-01" };
    expect((await ask(world.url, "anthropic", { headers })).status).toBe(200);
    expect((await fetch(`${world.url}/admin/api/providers`)).status).toBe(401);
  });

  test("the log's level", async () => {
    await using world = await startWorld({ a: answer() });
    await reloadBy(world.hedgerow, () => rewrite(world.hedgerow, top({ log: { format: "json", level: "debug" } })));
    await ask(world.url, "anthropic");
    await eventually("a step is told", () => world.hedgerow.log().some(({ msg }) => msg === "attempt ended"));
  });
});

describe("what survives", () => {
  test("a session's home and its slot", async () => {
    await using world = await startWorld({ a: answer(), b: answer() }, { each: { limits: { sessions: 5 } } });
    expect((await ask(world.url, "anthropic", { session: "mine" })).headers.get("x-hedgerow-provider")).toBe("a");
    await world.idle();
    // By rank alone it would go to the other one now.
    await reloadBy(world.hedgerow, () =>
      rewrite(world.hedgerow, (config) => ({
        ...config,
        providers: config.providers.map((provider) => ({ ...provider, priority: provider["name"] === "a" ? 9 : 0 })),
      })),
    );
    expect(await world.hedgerow.metric("hedgerow_sessions", { provider: "a" })).toBe(1);
    const heard = await ask(world.url, "anthropic", { session: "mine" });
    expect(heard.headers.get("x-hedgerow-provider")).toBe("a");
    expect(heard.headers.get("x-hedgerow-sticky")).toBe("hit");
  });

  test("an open breaker and an operator's override", async () => {
    await using world = await startWorld(
      { a: status(500), b: answer() },
      { config: { defaults: { breaker: { failures: 1, open: "10m" } } } },
    );
    await ask(world.url, "anthropic");
    await fetch(`${world.url}/admin/api/providers/b/disable`, { method: "POST" });
    await reloadBy(world.hedgerow, () => rewrite(world.hedgerow, each({ weight: 3 })));
    expect(await providerNow(world.url, "a")).toMatchObject({ breaker: { state: "open" }, weight: 3 });
    expect(await providerNow(world.url, "b")).toMatchObject({ enabled: false, override: "disabled" });
    expect((await ask(world.url, "anthropic")).headers.get("x-hedgerow-error")).toBe("providers_down");
  });

  test("a learned delay", async () => {
    await using world = await startWorld({ a: answer(), b: answer() });
    // A few more than are asked for: what was learned fades with time.
    for (let turn = 0; turn < 33; turn++) await ask(world.url, "anthropic", { session: "mine" });
    const learned = async () => (await providerNow(world.url, "a"))?.["hedge"];
    expect(await learned()).toMatchObject([{ model: "model-1", after_ms: 1_500 }]);
    await reloadBy(world.hedgerow, () => rewrite(world.hedgerow, each({ weight: 3 })));
    expect(await learned()).toMatchObject([{ model: "model-1", after_ms: 1_500 }]);
    // Bounds are rules and apply at once; what they bound is still known.
    await reloadBy(world.hedgerow, () => rewrite(world.hedgerow, each({ hedge: { min: "700ms" } })));
    expect(await learned()).toMatchObject([{ model: "model-1", after_ms: 700 }]);
    const explained = await admin(world.url, "explain?protocol=anthropic&model=model-1");
    expect(explained.body).toMatchObject({ order: [{ provider: "a", hedge_after_ms: 700 }, { provider: "b" }] });
  });
});

/** Enough to have every stream cross some of them. */
const RELOADS = 100;
const STREAMS_AT_ONCE = 24;

test("a hundred reloads under streaming load drop nothing and leak nothing", async () => {
  const paced = answer({ gapMs: 15 });
  await using world = await startWorld({ a: paced, b: paced, c: paced }, { each: { limits: { sessions: 40 } } });
  const load = streamingLoad(world.url, STREAMS_AT_ONCE);
  for (let turn = 0; turn < RELOADS; turn++) {
    // One is there and not there, another has ever new limits and a new rank.
    rewrite(world.hedgerow, (config) => ({
      ...config,
      providers: [
        { ...config.providers[0], name: "a", limits: { sessions: 41 + (turn % 5) }, priority: turn % 2 },
        { ...config.providers[1], name: turn % 2 === 0 ? "b" : "b2" },
        ...config.providers.slice(2),
      ],
    }));
    await reloadBy(world.hedgerow, () => world.hedgerow.signal("SIGHUP"));
  }
  await load.stop();
  // The watch reads along, so one or the other may have been read twice, and another not at all.
  expect(await world.hedgerow.metric("hedgerow_config_reloads_total", { result: "applied" })).toBeGreaterThan(
    RELOADS / 2,
  );
  expect(load.wrong).toEqual([]);
  expect(load.streams()).toBeGreaterThan(STREAMS_AT_ONCE);
  await world.idle();
  for (const upstream of Object.values(world.upstream))
    await eventually("nothing runs upstream", () => upstream.running() === 0);
  expect(world.hedgerow.log().filter(({ level }) => level === "error" || level === "warn")).toEqual([]);
  expect(await world.hedgerow.stop()).toBe(0);
  expect(world.hedgerow.log().at(-1)).toMatchObject({ msg: "drained", leases: 0 });
});
