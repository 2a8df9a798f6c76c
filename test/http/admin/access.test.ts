import { describe, expect, test } from "bun:test";
import { secret } from "../../../src/core/secret.ts";
import { AWAY, adminWorld, LOCAL, TOKEN } from "./world.ts";

const PATH = "/admin/api/providers";
const withToken = { access: () => ({ token: secret(TOKEN), trustsLoopback: false }) };
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

describe("without a token", () => {
  test.each([
    ["127.0.0.1", "127.0.0.1:8787", 200],
    ["127.9.9.9", "localhost", 200],
    ["::1", "[::1]:8787", 200],
    ["::ffff:127.0.0.1", "LOCALHOST:8787", 200],
    [AWAY, "localhost:8787", 403],
    ["::ffff:192.0.2.7", "localhost:8787", 403],
    ["1270.0.0.1", "localhost:8787", 403],
    ["", "localhost:8787", 403],
    [LOCAL, "rebound.example:8787", 403],
    [LOCAL, "localhost.rebound.example", 403],
    [LOCAL, "127.0.0.1.rebound.example", 403],
    [LOCAL, "127.0.0.1, rebound.example", 403],
    [LOCAL, "192.0.2.1:8787", 403],
  ])("peer %j with Host %j: %d", async (peer, host, status) => {
    const { ask } = adminWorld();
    expect((await ask(PATH, { peer, headers: { host } })).status).toBe(status);
  });

  test("loopback is not trusted where the config lets others in", async () => {
    const { ask } = adminWorld({ access: () => ({ token: null, trustsLoopback: false }) });
    const { status, body } = await ask(PATH);
    expect(status).toBe(403);
    expect(body.error.message).toContain("admin.token");
  });

  test.each(["forwarded", "x-forwarded-for", "x-real-ip", "via"])(
    "a proxy that says %s is not a local peer",
    async (name) => {
      const { ask } = adminWorld();
      expect((await ask(PATH, { headers: { [name]: "192.0.2.7" } })).status).toBe(403);
    },
  );
});

describe("with a token", () => {
  test.each([
    ["the token, from anywhere", { headers: { ...bearer(TOKEN), host: "gw.example" }, peer: AWAY }, 200],
    ["the scheme in any case", { headers: { authorization: `bEARER ${TOKEN}` } }, 200],
    ["nothing, from loopback", {}, 401],
    ["a wrong token", { headers: bearer(`${TOKEN}x`) }, 401],
    ["a prefix of it", { headers: bearer(TOKEN.slice(0, -1)) }, 401],
    ["another scheme", { headers: { authorization: `Basic ${btoa(`x:${TOKEN}`)}` } }, 401],
    ["it in the query", { query: `?token=${TOKEN}&key=${TOKEN}` }, 401],
  ])("%s", async (_, sent: { headers?: Record<string, string>; peer?: string; query?: string }, status) => {
    const { ask } = adminWorld(withToken);
    const { query = "", ...init } = sent;
    const answer = await ask(PATH + query, init);
    expect(answer.status).toBe(status);
    expect(answer.headers.has("www-authenticate")).toBe(status === 401);
    expect(JSON.stringify(answer.body)).not.toContain(TOKEN);
  });

  test("everything below /admin but the page asks for it, what does not exist included", async () => {
    const { ask, done } = adminWorld(withToken);
    for (const path of ["/admin//", "/admin/x", "/admin/api/config", "/admin/api/events"])
      expect((await ask(path)).status).toBe(401);
    expect((await ask("/admin/api/sessions/x", { method: "DELETE" })).status).toBe(401);
    expect(done).toEqual([]);
  });
});

describe("wrong tokens", () => {
  const wrong = { headers: bearer("wrong"), peer: AWAY };
  const right = { headers: bearer(TOKEN), peer: AWAY };

  test("are slowed down per peer, the right one among them included, and forgiven with time", async () => {
    const { ask, clock } = adminWorld(withToken);
    for (let index = 0; index < 5; index++) expect((await ask(PATH, wrong)).status).toBe(401);
    const slowed = await ask(PATH, wrong);
    expect(slowed.status).toBe(429);
    expect(slowed.headers.get("retry-after")).toBe("2");
    expect((await ask(PATH, right)).status).toBe(429);
    expect((await ask(PATH, { ...right, peer: LOCAL })).status).toBe(200);
    await clock.advance(2_000);
    expect((await ask(PATH, right)).status).toBe(200);
    expect((await ask(PATH, wrong)).status).toBe(401);
    expect((await ask(PATH, wrong)).status).toBe(429);
    await clock.advance(60_000);
    for (let index = 0; index < 5; index++) expect((await ask(PATH, wrong)).status).toBe(401);
  });

  test("right tokens and missing ones are not counted", async () => {
    const { ask } = adminWorld(withToken);
    for (let index = 0; index < 20; index++) {
      expect((await ask(PATH, right)).status).toBe(200);
      expect((await ask(PATH, { peer: AWAY })).status).toBe(401);
    }
  });
});

describe("pages of other origins", () => {
  const host = "localhost:8787";

  test.each([
    ["its own", { origin: "http://localhost:8787" }, 200],
    ["another port", { origin: "http://localhost:3000" }, 403],
    ["another name", { origin: "https://evil.example" }, 403],
    ["a sandbox", { origin: "null" }, 403],
    ["no URL", { origin: "evil" }, 403],
    ["none, but the browser says cross-site", { "sec-fetch-site": "cross-site" }, 403],
    ["none, but the browser says same-site", { "sec-fetch-site": "same-site" }, 403],
    ["none, from its own page", { "sec-fetch-site": "same-origin" }, 200],
    ["none, typed by a person", { "sec-fetch-site": "none" }, 200],
  ])("Origin: %s", async (_, headers: Record<string, string>, status) => {
    const { ask } = adminWorld();
    expect((await ask("/admin/api/reload", { method: "POST", headers: { host, ...headers } })).status).toBe(status);
    expect((await ask(PATH, { headers: { host, ...headers } })).status).toBe(status);
  });

  test("a rebound name is refused though page and Host agree on it", async () => {
    const { ask } = adminWorld();
    const headers = { host: "rebound.example", origin: "http://rebound.example" };
    expect((await ask("/admin/api/reload", { method: "POST", headers })).status).toBe(403);
  });

  test.each([
    ["text/plain", 415],
    ["application/x-www-form-urlencoded", 415],
    ["multipart/form-data; boundary=x", 415],
    ["Application/JSON; charset=utf-8", 200],
  ])("a change sent as %s: %d", async (type, status) => {
    const { ask, done } = adminWorld();
    const init = { method: "POST", headers: { "content-type": type }, body: "{}" };
    expect((await ask("/admin/api/providers/fast/disable", init)).status).toBe(status);
    expect(done).toHaveLength(status === 200 ? 1 : 0);
  });

  test("no answer invites other origins", async () => {
    const { ask } = adminWorld();
    const { headers } = await ask(PATH, { headers: { origin: "http://localhost:8787" } });
    expect([...headers.keys()].filter((name) => name.startsWith("access-control"))).toEqual([]);
    expect(headers.get("cache-control")).toBe("no-store");
    expect((await ask(PATH, { method: "OPTIONS" })).status).toBe(405);
  });
});
