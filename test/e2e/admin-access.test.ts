import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { answer } from "../../src/simulator/behaviour.ts";
import { ask } from "../world/http.ts";
import { admin } from "../world/operate.ts";
import { startWorld } from "../world/scripted-upstream.ts";

setDefaultTimeout(60_000);

const TOKEN = "token-of-the-admin-0123";
const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });
const clients = [{ name: "team", key: "key-of-the-team-0123" }];
const code = async (asked: ReturnType<typeof admin>) => {
  const { status, body } = await asked;
  return [status, (body as { error?: { code: string } }).error?.code ?? "let in"];
};

describe("without a token", () => {
  test("a local peer is let in, by every name of this machine, and no other Host", async () => {
    await using world = await startWorld({ a: answer() });
    const { port } = new URL(world.url);
    const as = (host: string) => code(admin(world.url, "providers", { headers: { host } }));
    expect(await as(`127.0.0.1:${port}`)).toEqual([200, "let in"]);
    expect(await as(`localhost:${port}`)).toEqual([200, "let in"]);
    expect(await as("[::1]")).toEqual([200, "let in"]);
    expect(await as(`rebound.example:${port}`)).toEqual([403, "forbidden"]);
    expect(await as("127.0.0.1.example")).toEqual([403, "forbidden"]);
  });

  test("a page of another origin, a form, and what a reverse proxy brings are refused", async () => {
    await using world = await startWorld({ a: answer() });
    const send = (headers: Record<string, string>, method = "POST") =>
      code(admin(world.url, "providers/a/disable", { method, headers }));
    expect(await send({ origin: "https://evil.example" })).toEqual([403, "forbidden"]);
    expect(await send({ origin: "null" })).toEqual([403, "forbidden"]);
    expect(await send({ "sec-fetch-site": "cross-site" })).toEqual([403, "forbidden"]);
    expect(await send({ "content-type": "application/x-www-form-urlencoded" })).toEqual([
      415,
      "unsupported_content_type",
    ]);
    expect(await send({ "content-type": "text/plain" })).toEqual([415, "unsupported_content_type"]);
    for (const name of ["x-forwarded-for", "forwarded", "via", "x-real-ip"])
      expect(await send({ [name]: "for=192.0.2.1" })).toEqual([403, "forbidden"]);
    expect(await send({ origin: world.url })).toEqual([200, "let in"]);
    expect((await ask(world.url, "anthropic")).headers.get("x-hedgerow-error")).toBe("no_provider");
  });

  test.each([
    { who: "clients", config: { clients } },
    { who: "server.open", config: { server: { port: 0, open: true } } },
    { who: "another host", config: { server: { port: 0, host: "0.0.0.0" }, clients } },
  ])("nobody is let in where $who let others reach the port", async ({ config }) => {
    await using world = await startWorld({ a: answer() }, { config });
    expect(await code(admin(world.url, "providers"))).toEqual([403, "forbidden"]);
    expect(await code(admin(world.url, "config"))).toEqual([403, "forbidden"]);
    expect((await fetch(`${world.url}/readyz`)).status).toBe(200);
  });
});

describe("with a token", () => {
  const guarded = { config: { admin: { token: TOKEN }, clients } };

  test("it is asked for everywhere below /admin but for the page, and a client's key is none", async () => {
    await using world = await startWorld({ a: answer() }, guarded);
    expect(await code(admin(world.url, "providers"))).toEqual([401, "unauthorized"]);
    expect(await code(admin(world.url, "providers", bearer("key-of-the-team-0123")))).toEqual([401, "unauthorized"]);
    expect((await fetch(`${world.url}/admin`)).status).toBe(200);
    expect((await fetch(`${world.url}/admin/no-such-thing`)).status).toBe(401);
    expect(await code(admin(world.url, "providers", bearer(TOKEN)))).toEqual([200, "let in"]);
    expect(await code(admin(world.url, "no-such-thing", bearer(TOKEN)))).toEqual([404, "not_found"]);
    const headers = { "x-api-key": TOKEN };
    expect((await ask(world.url, "anthropic", { headers })).status).toBe(401);
  });

  test("guessing is slowed down, for the right token too, and says for how long", async () => {
    await using world = await startWorld({ a: answer() }, guarded);
    for (let guess = 0; guess < 5; guess++)
      expect(await code(admin(world.url, "providers", bearer(`guess-${guess}`)))).toEqual([401, "unauthorized"]);
    const slowed = await admin(world.url, "providers", bearer(TOKEN));
    expect(slowed.status).toBe(429);
    expect(Number(slowed.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(world.hedgerow.printed()).not.toContain(TOKEN);
  });

  test("a token does not open the door to a page of another origin", async () => {
    await using world = await startWorld({ a: answer() }, guarded);
    const headers = { ...bearer(TOKEN).headers, origin: "https://evil.example" };
    expect(await code(admin(world.url, "reload", { method: "POST", headers }))).toEqual([403, "forbidden"]);
  });
});

test("every admin answer keeps out of caches and of other origins", async () => {
  await using world = await startWorld({ a: answer() });
  for (const path of ["providers", "sessions", "requests", "config", "no-such-thing"]) {
    const { headers } = await admin(world.url, path);
    expect(headers.get("cache-control")).toBe("no-store");
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(headers.get("access-control-allow-origin")).toBeNull();
  }
});

test("HEAD answers as GET does, without the body", async () => {
  await using world = await startWorld({ a: answer() });
  for (const path of ["/livez", "/readyz", "/health", "/metrics", "/admin", "/admin/api/providers", "/v1/models"]) {
    const [got, head] = [await fetch(world.url + path), await fetch(world.url + path, { method: "HEAD" })];
    expect(head.status).toBe(got.status);
    expect(head.headers.get("content-type")).toBe(got.headers.get("content-type"));
    expect(await head.text()).toBe("");
  }
});

test("the health routes say what they are for", async () => {
  await using world = await startWorld({ a: answer() });
  const at = async (path: string) => {
    const response = await fetch(world.url + path);
    return [response.status, await response.json(), response.headers.get("cache-control")];
  };
  expect(await at("/livez")).toEqual([200, { live: true }, "no-store"]);
  const ready = { ready: true, reasons: [], store: "up" };
  expect(await at("/readyz")).toEqual([200, ready, "no-store"]);
  expect(await at("/health")).toEqual([200, ready, "no-store"]);
});
