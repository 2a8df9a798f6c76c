import { afterAll, expect, test } from "bun:test";
import { adminAt, Refusal } from "../../../src/page/browser/admin.ts";
import { feedEvents } from "../../../src/page/browser/feed.ts";
import { secret } from "../../../src/core/secret.ts";
import { adminWorld, TOKEN } from "../../http/admin/world.ts";

/** The real routes on a real server, below a path as a reverse proxy may have it. */
const world = adminWorld({ access: () => ({ token: secret(TOKEN), trustsLoopback: false }) });
const server = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  async fetch({ url, method, headers }) {
    const { pathname, search } = new URL(url);
    if (pathname === "/below/readyz") return Response.json({ ready: false, reasons: ["draining"] }, { status: 503 });
    if (pathname === "/html/api/config") return new Response("<h1>Bad gateway</h1>", { status: 502 });
    if (pathname === "/empty/api/events") return new Response(null, { status: 204 });
    const own = pathname.replace("/below/", "/") + search;
    return (await world.send(own, { method, headers })) ?? new Response(null, { status: 404 });
  },
});
afterAll(() => server.stop(true));

const at = (path: string, token: string | null = TOKEN) => adminAt(`${server.url.origin}${path}`, token, fetch);

async function refusal(asked: Promise<unknown>): Promise<Refusal> {
  const error = await asked.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(Refusal);
  return error as Refusal;
}

test("asks beside the page, with the token", async () => {
  expect(await at("/below/admin/").get("providers")).toMatchObject({ providers: [{ name: "fast" }] });
  expect(await at("/below/admin/").act("POST", "providers/fast/disable")).toEqual({
    provider: "fast",
    override: "disabled",
  });
  expect(world.done).toContainEqual({ provider: "fast", override: "disabled" });
});

test("tells why it was refused, in the words of the API", async () => {
  expect(await refusal(at("/admin/", null).get("config"))).toMatchObject({ status: 401, code: "unauthorized" });
  const wrong = await refusal(at("/admin/", "wrong").act("DELETE", "sessions/x"));
  expect(wrong).toMatchObject({ status: 401, message: "this is not admin.token" });
  expect(await refusal(at("/admin/").get("nothing"))).toMatchObject({ status: 404, code: "not_found" });
});

test("tells the problems of a config that was refused", async () => {
  const problems = ["providers.yaml:2:3 sever: unknown key"];
  const refused = new Refusal(422, { error: { code: "config_refused", message: "mistakes" }, problems });
  expect(refused).toMatchObject({ code: "config_refused", message: "mistakes", problems });
});

test("an answer of somebody in between is told by its status", async () => {
  const error = await refusal(at("/html/").get("config"));
  expect(error).toMatchObject({ status: 502, code: "", problems: [], message: "the answer has status 502" });
});

test("not to be ready is an answer, too, beside the page as all others", async () => {
  expect(await at("/below/admin/").readiness()).toMatchObject({ ready: false, reasons: ["draining"] });
});

test("events are listened to until the signal ends it; without a body there are none", async () => {
  const over = new AbortController();
  for await (const event of feedEvents(await at("/below/admin/").events(over.signal))) expect(event).toBeNull();
  over.abort();
  expect(at("/below/admin/").events(over.signal)).rejects.toThrow("abort");
  expect(at("/empty/").events(new AbortController().signal)).rejects.toThrow("no body");
});

test("somebody who is not there is no refusal", async () => {
  const gone = adminAt("http://127.0.0.1:9/admin/", null, fetch);
  expect(await gone.get("config").catch((error: unknown) => error instanceof Refusal)).toBe(false);
});
