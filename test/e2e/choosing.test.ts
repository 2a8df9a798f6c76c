import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { answer, inTurn, status } from "../../src/simulator/behaviour.ts";
import { runHedgerow } from "../world/binary.ts";
import { ask, bodyFor } from "../world/http.ts";
import { configText, providerEntry, startWorld } from "../world/scripted-upstream.ts";

setDefaultTimeout(60_000);

const providerOf = async (url: string, asking: Parameters<typeof ask>[2]) =>
  (await ask(url, "openai-chat", asking)).headers.get("x-hedgerow-provider");

describe("who is asked", () => {
  test("a client reaches the providers of its groups, by the models they serve", async () => {
    const keyed = (name: string) => ({ authorization: `Bearer key-of-${name}-0123456` });
    const client = (name: string, groups: readonly string[]) => ({ name, key: `key-of-${name}-0123456`, groups });
    await using world = await startWorld(
      { small: answer(), big: answer(), off: answer() },
      {
        config: { clients: [client("one", ["team"]), client("two", ["team", "vip"]), client("three", ["nobody"])] },
        only: {
          small: { groups: ["team"], models: ["gpt-small*"] },
          big: { groups: ["vip"], models: ["gpt-*"] },
          off: { groups: ["team", "vip"], enabled: false },
        },
      },
    );
    expect(await providerOf(world.url, { model: "gpt-small-2", headers: keyed("one") })).toBe("small");
    expect(await providerOf(world.url, { model: "gpt-large", headers: keyed("two") })).toBe("big");
    for (const [name, model] of [
      ["one", "gpt-large"],
      ["three", "gpt-small-2"],
      ["two", "claude"],
    ] as const) {
      const heard = await ask(world.url, "openai-chat", { model, headers: keyed(name) });
      expect([heard.status, heard.headers.get("x-hedgerow-error")]).toEqual([404, "no_provider"]);
    }
    expect(world.upstream.off.arrived()).toBe(0);
  });

  test("sessions spread over one priority by weight, each staying where it is", async () => {
    await using world = await startWorld(
      { light: answer(), heavy: answer() },
      { each: { priority: 0 }, only: { heavy: { weight: 9 } } },
    );
    const sessions = Array.from({ length: 60 }, (_, at) => ({ session: `s${at}` }));
    const first = await Promise.all(sessions.map((asking) => providerOf(world.url, asking)));
    const second = await Promise.all(sessions.map((asking) => providerOf(world.url, asking)));
    expect(second).toEqual(first);
    const heavy = first.filter((name) => name === "heavy").length;
    expect(heavy).toBeGreaterThan(40);
    expect(heavy).toBeLessThan(60);
  });

  test("outside its hours a provider is not asked", async () => {
    await using world = await startWorld(
      { closed: answer(), open: answer() },
      { only: { closed: { active: nowhereNearNow(), tz: "UTC" } } },
    );
    expect(await providerOf(world.url, {})).toBe("open");
    expect(world.upstream.closed.arrived()).toBe(0);
  });

  test("outside the hours of all, the client is told so and when the first is back", async () => {
    await using world = await startWorld({ a: answer() }, { each: { active: nowhereNearNow(), tz: "UTC" } });
    const heard = await ask(world.url, "openai-chat");
    expect([heard.status, heard.headers.get("x-hedgerow-error")]).toEqual([503, "providers_down"]);
    expect(heard.body).toContain("outside its active hours");
    const backInHours = Number(heard.headers.get("retry-after")) / 3_600;
    expect(backInHours).toBeGreaterThan(10.9);
    expect(backInHours).toBeLessThanOrEqual(12);
  });

  test("explain tells the same, from the file and from the running proxy", async () => {
    await using world = await startWorld(
      { a: answer(), b: answer() },
      { only: { a: { models: ["claude-*"] }, b: { models: ["gpt-*"] } } },
    );
    const asked = ["explain", "--protocol", "openai-chat", "--model", "gpt-x"];
    for (const where of [
      ["-c", world.hedgerow.configFile],
      ["--url", world.url],
    ]) {
      const { code, stdout } = await runHedgerow([...asked, ...where]);
      expect(code).toBe(0);
      expect(stdout).toMatch(/\bb\b/);
      expect(stdout).toMatch(/\ba\b.*model/);
    }
  });
});

test("what goes on from an upstream's object is asked where that object is, and nowhere else", async () => {
  await using world = await startWorld({ a: inTurn(status(500), answer()), b: answer() });
  const respond = (body: object) =>
    fetch(`${world.url}/v1/responses`, { method: "POST", body: JSON.stringify({ model: "m", input: "x", ...body }) });
  const first = await respond({});
  expect(first.headers.get("x-hedgerow-provider")).toBe("b");
  const { id } = (await first.json()) as { id: string };
  const next = await respond({ previous_response_id: id, input: "another" });
  expect(next.headers.get("x-hedgerow-provider")).toBe("b");
  expect(next.headers.get("x-hedgerow-session-source")).toBe("previous_response_id");
  world.upstream.b.behave(status(500));
  expect((await respond({ previous_response_id: id })).status).toBe(500);
  expect(world.upstream.a.arrived()).toBe(1);
});

test("what goes on from an object of an account that is out of service is told so, and not to try again", async () => {
  await using world = await startWorld(
    { a: answer(), b: answer() },
    { only: { b: { priority: 0 }, a: { priority: 1 } } },
  );
  const respond = (body: object) =>
    fetch(`${world.url}/v1/responses`, { method: "POST", body: JSON.stringify({ model: "m", input: "x", ...body }) });
  const first = await respond({});
  expect(first.headers.get("x-hedgerow-provider")).toBe("b");
  const { id } = (await first.json()) as { id: string };
  const told = async () => {
    const next = await respond({ previous_response_id: id, input: "another" });
    const { error } = (await next.json()) as { error: { message: string } };
    const headers = ["x-hedgerow-error", "retry-after", "x-should-retry"].map((name) => next.headers.get(name));
    return [next.status, ...headers, error.message];
  };
  const disable = await fetch(`${world.url}/admin/api/providers/b/disable`, { method: "POST" });
  expect(disable.status).toBe(200);
  expect(await told()).toEqual([503, "providers_down", null, "false", expect.stringContaining("disabled")]);
  writeFileSync(world.hedgerow.configFile, configText({ providers: [providerEntry("a", world.upstream.a.url)] }));
  const reload = await fetch(`${world.url}/admin/api/reload`, { method: "POST" });
  expect(reload.status).toBe(200);
  expect(await told()).toEqual([503, "providers_down", null, "false", expect.stringContaining("not configured")]);
  expect(world.upstream.a.arrived()).toBe(0);
});

test("lists of models are of those that speak the protocol asked in", async () => {
  await using world = await startWorld(
    { a: answer(), g: answer() },
    {
      only: {
        a: { protocols: ["anthropic"], models: ["claude-1"] },
        g: { protocols: ["gemini"], models: ["gemini-1"], model_map: { "gemini-1": "up" } },
      },
    },
  );
  const heard = async (path: string, headers: Record<string, string> = {}) =>
    (await fetch(world.url + path, { headers })).json();
  expect(await heard("/v1beta/models")).toMatchObject({ models: [{ name: "models/gemini-1" }] });
  expect(await heard("/v1/models", { "anthropic-version": "2023-06-01" })).toMatchObject({
    data: [{ id: "claude-1" }],
  });
  expect(await heard("/v1/models")).toEqual({ object: "list", data: [] });
  expect((await fetch(`${world.url}/v1beta/models/claude-1`)).status).toBe(404);
});

describe("who is the session", () => {
  const UUID = "0f8fad5b-d9cb-469f-a165-70867728950e";
  const anthropic = (metadata: unknown) => ({
    model: "m",
    max_tokens: 1,
    messages: [{ role: "user", content: "x" }],
    metadata,
  });

  const ROWS: readonly Readonly<{ source: string; path: string; body: unknown; headers?: Record<string, string> }>[] = [
    { source: "x-hedgerow-session", path: "/v1/messages", body: anthropic({}), headers: { "x-hedgerow-session": "i" } },
    {
      source: "x-claude-code-session-id",
      path: "/v1/messages",
      body: anthropic({}),
      headers: { "x-claude-code-session-id": "i" },
    },
    {
      source: "metadata.user_id",
      path: "/v1/messages",
      body: anthropic({ user_id: `user_a_account__session_${UUID}` }),
    },
    {
      source: "metadata.user_id",
      path: "/v1/messages",
      body: anthropic({ user_id: JSON.stringify({ session_id: UUID }) }),
    },
    { source: "session_id", path: "/v1/responses", body: { model: "m", input: "x" }, headers: { session_id: "i" } },
    { source: "prompt_cache_key", path: "/v1/responses", body: { model: "m", input: "x", prompt_cache_key: "i" } },
    {
      source: "metadata.session_id",
      path: "/v1/responses",
      body: { model: "m", input: "x", metadata: { session_id: "i" } },
    },
    { source: "content", path: "/v1/chat/completions", body: JSON.parse(bodyFor("openai-chat")) },
  ];
  test.each(ROWS)("$source ($path)", async ({ source, path, body, headers }) => {
    await using world = await startWorld({ a: answer() });
    const answered = await fetch(world.url + path, {
      method: "POST",
      body: JSON.stringify(body),
      headers: headers ?? {},
    });
    await answered.text();
    expect(answered.headers.get("x-hedgerow-session-source")).toBe(source);
    await world.idle();
    expect(await world.hedgerow.metric("hedgerow_sessions")).toBe(1);
    // Known and told by its hash alone.
    expect(world.hedgerow.printed()).not.toContain(UUID);
    expect(world.hedgerow.log().find((record) => record["session"] !== undefined)?.["session"]).toMatch(/^[\w-]{22}$/);
  });

  test("the ids of two clients never meet", async () => {
    const clients = ["one", "two"].map((name) => ({ name, key: `key-of-${name}-0123456` }));
    await using world = await startWorld({ a: answer() }, { config: { clients } });
    for (const { key } of clients)
      await ask(world.url, "anthropic", { session: "same", headers: { "x-api-key": key } });
    await world.idle();
    expect(await world.hedgerow.metric("hedgerow_sessions", { provider: "a" })).toBe(2);
  });

  test.each([
    ["authorization", "Bearer "],
    ["x-api-key", ""],
    ["x-goog-api-key", ""],
  ])("a client's key is taken from %s", async (name, prefix) => {
    await using world = await startWorld(
      { a: answer() },
      { config: { clients: [{ name: "c", key: "key-of-c-0123456" }] } },
    );
    expect((await ask(world.url, "anthropic", { headers: { [name]: `${prefix}key-of-c-0123456` } })).status).toBe(200);
    expect((await ask(world.url, "anthropic", { headers: { [name]: `${prefix}key-of-c-012345` } })).status).toBe(401);
  });

  test("and from ?key=, which does not go upstream", async () => {
    await using world = await startWorld(
      { a: answer() },
      { config: { clients: [{ name: "c", key: "key-of-c-0123456" }] } },
    );
    const path = "/v1beta/models/g:generateContent";
    const answered = await fetch(`${world.url}${path}?key=key-of-c-0123456`, {
      method: "POST",
      body: bodyFor("gemini"),
    });
    expect(answered.status).toBe(200);
    expect(world.upstream.a.exchanges()[0]?.request.target).toBe(path);
  });
});

/** An hour of the day that is not now, whenever this runs. */
function nowhereNearNow(): string {
  const hour = (new Date().getUTCHours() + 12) % 24;
  const padded = (value: number) => String(value % 24).padStart(2, "0");
  return `${padded(hour)}:00-${padded(hour + 1)}:00`;
}
