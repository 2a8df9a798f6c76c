import { describe, expect, test } from "bun:test";
import { secret } from "../../../src/core/secret.ts";
import { AWAY, adminWorld, TOKEN } from "./world.ts";

const withToken = { access: () => ({ token: secret(TOKEN), trustsLoopback: false }) };
const withoutToken = { access: () => ({ token: null, trustsLoopback: false }) };
/** As a browser says it of a link on another site that was followed. */
const FOLLOWED = { "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document" };

describe.each(["/admin", "/admin/"])("%s", (path) => {
  test("is one document, kept in no cache and shown in no frame", async () => {
    const { status, headers, body } = await adminWorld().ask(path);
    expect(status).toBe(200);
    expect(body).toStartWith("<!doctype html>");
    expect(headers.get("content-type")).toBe("text/html; charset=utf-8");
    expect(headers.get("cache-control")).toBe("no-store");
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(headers.get("referrer-policy")).toBe("no-referrer");
    expect(headers.get("content-security-policy")).toContain("frame-ancestors 'none'");
  });

  test("answers HEAD without the body", async () => {
    const [head, got] = await Promise.all([adminWorld().ask(path, { method: "HEAD" }), adminWorld().ask(path)]);
    expect([head.status, head.body]).toEqual([200, ""]);
    expect(head.headers.get("content-security-policy")).toBe(got.headers.get("content-security-policy"));
  });

  test("is given to anybody where the API wants a token, and holds none", async () => {
    const { ask } = adminWorld(withToken);
    const { status, body } = await ask(path, { peer: AWAY, headers: { host: "gw.example" } });
    expect(status).toBe(200);
    expect(body).not.toContain(TOKEN);
  });

  test.each([
    ["away", {}, { peer: AWAY }],
    ["here under a rebound name", {}, { headers: { host: "rebound.example" } }],
    ["behind a proxy on this machine", {}, { headers: { "x-forwarded-for": "192.0.2.7" } }],
    ["anywhere, where the config lets others reach the port", withoutToken, {}],
  ])("without a token is refused to somebody %s", async (_, own, sent) => {
    const { status, body } = await adminWorld(own).ask(path, sent);
    expect([status, body.error.code]).toEqual([403, "forbidden"]);
  });

  test("may be come to from another site, as the API may not", async () => {
    for (const { ask } of [adminWorld(), adminWorld(withToken)]) {
      expect((await ask(path, { headers: FOLLOWED })).status).toBe(200);
      expect((await ask("/admin/api/providers", { headers: FOLLOWED })).status).toBe(403);
    }
  });
});
