import { describe, expect, test } from "bun:test";
import { HedgerowError } from "../../../src/core/errors.ts";
import { sessionHash } from "../../../src/core/ids.ts";
import { adminWorld, providerView, sessionView, TOKEN } from "./world.ts";

describe("reading", () => {
  test("providers, sessions, requests", async () => {
    const { ask } = adminWorld();
    expect((await ask("/admin/api/providers")).body).toEqual({ providers: [providerView()] });
    expect((await ask("/admin/api/sessions")).body).toEqual({ sessions: [sessionView()], total: 1 });
    expect((await ask("/admin/api/requests")).body.requests[0]).toMatchObject({ request_id: "req_1", time_ms: 1 });
  });

  test("the config hides its secrets", async () => {
    const { body } = await adminWorld().ask("/admin/api/config");
    expect(body.config).toEqual({ key: "***" });
    expect(JSON.stringify(body)).not.toContain(TOKEN);
  });

  test("events are a stream, and refused when too many listen", async () => {
    const { headers, body } = await adminWorld().ask("/admin/api/events");
    expect(headers.get("content-type")).toBe("text/event-stream");
    expect(headers.get("x-accel-buffering")).toBe("no");
    expect(body).toBe(": listening\n\n");
    const full = await adminWorld({ events: () => null }).ask("/admin/api/events");
    expect([full.status, full.body.error.code]).toEqual([503, "too_many_listeners"]);
  });

  test("HEAD answers the headers alone and does not keep listening", async () => {
    let cancelled = 0;
    const stream = new ReadableStream({
      cancel() {
        cancelled++;
      },
    });
    const { ask } = adminWorld({ events: () => stream });
    expect(await ask("/admin/api/providers", { method: "HEAD" })).toMatchObject({ status: 200, body: "" });
    expect((await ask("/admin/api/events", { method: "HEAD" })).status).toBe(200);
    expect(cancelled).toBe(1);
  });

  test.each(["/admin/api/config", "/admin/api/providers", "/admin"])("HEAD %s says how long GET is", async (path) => {
    const { send } = adminWorld();
    const got = await (await send(path))?.bytes();
    const head = await send(path, { method: "HEAD" });
    expect(head?.headers.get("content-length")).toBe(String(got?.byteLength));
  });

  test("requests are filtered and limited", async () => {
    const { ask, done } = adminWorld();
    await ask("/admin/api/requests?limit=7&session=s&client=c&provider=p&id=r");
    await ask("/admin/api/requests");
    expect(done).toEqual([
      { requests: 7, session: "s", client: "c", provider: "p", requestId: "r" },
      { requests: 100 },
    ]);
  });

  test.each(["0", "1001", "-1", "1.5", "x", ""])("a limit of %j is refused", async (limit) => {
    const { ask } = adminWorld();
    for (const what of ["requests", "sessions"]) {
      const { status, body } = await ask(`/admin/api/${what}?limit=${limit}`);
      expect([status, body.error.code]).toEqual([400, "invalid_request"]);
    }
  });
});

describe("sessions by the client's own id", () => {
  const own = sessionView({ session: sessionHash("bob", "my session"), client: "bob" });
  const other = sessionView({ session: sessionHash("alice", "other") });
  const sessions = () => [other, own];

  test.each([
    ["?id=my%20session", [own]],
    ["?id=my%20session&client=bob", [own]],
    ["?id=my%20session&client=alice", []],
    [`?id=${own.session}`, [own]],
    ["?id=unknown", []],
    ["", [other, own]],
  ])("list %s", async (query, found) => {
    const { body } = await adminWorld({ sessions }).ask(`/admin/api/sessions${query}`);
    expect(body).toEqual({ sessions: found, total: found.length });
  });

  test.each([
    ["my%20session", own.session, "bob"],
    ["my%20session?client=bob", own.session, "bob"],
    [own.session, own.session, "bob"],
    ["elsewhere?client=bob", sessionHash("bob", "elsewhere"), "bob"],
    ["0123456789abcdefghijkl", "0123456789abcdefghijkl", null],
  ])("end %s", async (path, hash, client) => {
    const { ask, done } = adminWorld({ sessions });
    const { status, body } = await ask(`/admin/api/sessions/${path}`, { method: "DELETE" });
    expect(status).toBe(200);
    expect(body).toEqual({ session: hash, client, leases: 2, cut_here: 1, to_be_cut: 1, freed: 1 });
    expect(done).toEqual([{ end: hash }]);
  });

  describe("that more than one client has", () => {
    const both = ["alice", "bob"].map((client) => sessionView({ client, session: sessionHash(client, "dup") }));
    const [alices, bobs] = both.map(({ session }) => session);

    test.each([
      ["DELETE", "/admin/api/sessions/dup"],
      ["GET", "/admin/api/sessions?id=dup"],
      ["GET", "/admin/api/explain?protocol=gemini&model=m&session=dup"],
    ])("%s %s is refused, with whose they are and how to say it", async (method, path) => {
      const { ask, done } = adminWorld({ sessions: () => both });
      const { status, body } = await ask(path, { method });
      expect([status, body.error.code]).toEqual([400, "invalid_request"]);
      for (const words of ["alice", "bob", "?client=NAME", "--client NAME"])
        expect(body.error.message).toContain(words);
      expect(body.sessions).toEqual([
        { session: alices, client: "alice" },
        { session: bobs, client: "bob" },
      ]);
      expect(done).toEqual([]);
    });

    test("is ended for the client that is named", async () => {
      const { ask, done } = adminWorld({ sessions: () => both });
      const { body } = await ask("/admin/api/sessions/dup?client=bob", { method: "DELETE" });
      expect(body).toMatchObject({ session: bobs, client: "bob" });
      expect(done).toEqual([{ end: bobs }]);
    });

    test("counts a client that a reload has taken out", async () => {
      const { ask } = adminWorld({ sessions: () => both, clients: () => ["alice"] });
      const { body } = await ask("/admin/api/sessions/dup", { method: "DELETE" });
      expect(body.error.message).toContain("bob");
    });
  });

  test("where there is one client, an id that another instance knows can only be its", async () => {
    const { ask } = adminWorld({ sessions, clients: () => ["bob"] });
    const { body } = await ask("/admin/api/sessions/elsewhere", { method: "DELETE" });
    expect(body.session).toBe(sessionHash("bob", "elsewhere"));
  });

  test("an unknown one is 404 with what to do, and ends nothing", async () => {
    const { ask, done } = adminWorld({ sessions });
    const { status, body } = await ask("/admin/api/sessions/elsewhere", { method: "DELETE" });
    expect([status, body.error.code]).toEqual([404, "not_found"]);
    expect(body.error.message).toContain("the client's name");
    expect(done).toEqual([]);
  });

  test("one that nobody holds is 404", async () => {
    const nothing = { leases: 0, cutHere: 0, toBeCut: 0, freed: 0 };
    const { ask } = adminWorld({ endSession: async () => nothing });
    expect((await ask("/admin/api/sessions/x?client=bob", { method: "DELETE" })).status).toBe(404);
  });
});

describe("changing", () => {
  test.each([
    ["enable", "enabled"],
    ["disable", "disabled"],
    ["reset", null],
  ])("%s a provider", async (verb, override) => {
    const { ask, done } = adminWorld();
    const { status, body } = await ask(`/admin/api/providers/fast/${verb}`, { method: "POST" });
    expect([status, body]).toEqual([200, { provider: "fast", override }]);
    expect(done).toEqual([{ provider: "fast", override: override ?? "reset" }]);
  });

  test("an unknown provider is 404", async () => {
    const { status, body } = await adminWorld().ask("/admin/api/providers/none/enable", { method: "POST" });
    expect([status, body.error.code]).toEqual([404, "not_found"]);
  });

  test("a reload says what it did, and a refused one why", async () => {
    const applied = await adminWorld().ask("/admin/api/reload", { method: "POST" });
    expect([applied.status, applied.body.result, applied.body.notes.length]).toEqual([200, "applied", 1]);
    const problems = ["providers.yaml:3:1 server.prot: unknown key, did you mean port?"];
    const reload = async () => ({ result: "refused", problems, notes: [] }) as const;
    const refused = await adminWorld({ reload }).ask("/admin/api/reload", { method: "POST" });
    expect([refused.status, refused.body.error.code]).toEqual([422, "config_refused"]);
    expect(refused.body).toMatchObject({ result: "refused", problems });
  });
});

describe("explain", () => {
  const path = "/admin/api/explain";

  test("asks with the session's hash", async () => {
    const { ask, done } = adminWorld();
    expect((await ask(`${path}?protocol=gemini&model=g%2F1&client=bob&session=s`)).status).toBe(200);
    expect((await ask(`${path}?protocol=gemini&model=g`)).status).toBe(200);
    expect(done).toEqual([
      { protocol: "gemini", model: "g/1", client: "bob", session: sessionHash("bob", "s") },
      { protocol: "gemini", model: "g", client: null, session: null },
    ]);
  });

  test.each([
    ["", 400],
    ["?model=m", 400],
    ["?protocol=smtp&model=m", 400],
    ["?protocol=gemini", 400],
    ["?protocol=gemini&model=m&client=carol", 404],
    ["?protocol=gemini&model=m&session=whose", 400],
  ])("%s is refused with %d", async (query, status) => {
    const { ask, done } = adminWorld();
    expect((await ask(path + query)).status).toBe(status);
    expect(done).toEqual([]);
  });
});

describe("what is not there", () => {
  test("paths outside are left to others", () => {
    const { send } = adminWorld();
    for (const path of ["/", "/administrator", "/v1/messages", "/adm"]) expect(send(path)).toBeNull();
  });

  test.each([
    "/admin//",
    "/admin/page",
    "/admin/api",
    "/admin/api/providers/",
    "/admin/api/sessions/a/b",
    "/admin/api/x",
  ])("%s is 404 in JSON", async (path) => {
    const { status, body } = await adminWorld().ask(path);
    expect(status).toBe(404);
    expect(body).toEqual({ error: { code: "not_found", message: `there is nothing at ${path}` } });
  });

  test.each([
    ["POST", "/admin", "GET"],
    ["DELETE", "/admin/", "GET"],
    ["POST", "/admin/api/providers", "GET"],
    ["GET", "/admin/api/reload", "POST"],
    ["POST", "/admin/api/sessions/x", "DELETE"],
    ["GET", "/admin/api/providers/fast/enable", "POST"],
  ])("%s %s is 405", async (method, path, allow) => {
    const { status, headers } = await adminWorld().ask(path, { method });
    expect([status, headers.get("allow")]).toEqual([405, allow]);
  });

  test("a name that is not UTF-8 is refused", async () => {
    expect((await adminWorld().ask("/admin/api/sessions/%ff", { method: "DELETE" })).status).toBe(400);
  });
});

describe("what breaks inside", () => {
  test("is told to the log, and to the caller without details", async () => {
    const broken = new Error(`secret ${TOKEN}`);
    const { ask, errors } = adminWorld({ providers: () => Promise.reject(broken) });
    const { status, body } = await ask("/admin/api/providers");
    expect([status, body.error.code]).toEqual([500, "internal"]);
    expect(JSON.stringify(body)).not.toContain(TOKEN);
    expect(errors).toEqual([broken]);
  });

  test("a store that is away is 503", async () => {
    const away = new HedgerowError("store_timeout", "no answer in 100 ms");
    const { ask } = adminWorld({ endSession: () => Promise.reject(away) });
    const { status, body } = await ask("/admin/api/sessions/x?client=bob", { method: "DELETE" });
    expect([status, body.error.code]).toEqual([503, "store_down"]);
  });
});
