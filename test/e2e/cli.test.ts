import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import packageJson from "../../package.json" with { type: "json" };
import { sessionHash } from "../../src/core/ids.ts";
import { answer, status } from "../../src/simulator/behaviour.ts";
import { runHedgerow } from "../world/binary.ts";
import { ask, begin, hear, hearUntil } from "../world/http.ts";
import { BEGUN, heldOpen } from "../world/operate.ts";
import { freePort } from "../world/free-port.ts";
import { configText, providerEntry, startWorld } from "../world/scripted-upstream.ts";

setDefaultTimeout(60_000);

const TOKEN = "token-of-the-admin-0123";
const json = (stdout: string): unknown => JSON.parse(stdout);

describe("status", () => {
  test("shows each provider's state, once in a pipe, and as JSON", async () => {
    await using world = await startWorld(
      { a: status(500), b: answer() },
      { each: { limits: { sessions: 7 } }, config: { defaults: { breaker: { failures: 1, open: "10m" } } } },
    );
    await ask(world.url, "anthropic");
    await world.idle();
    const shown = await runHedgerow(["status", "--url", world.url]);
    expect(shown).toMatchObject({ code: 0, stderr: "" });
    expect(shown.stdout).not.toContain("\u001b");
    const [head, a, b] = shown.stdout.split("\n");
    expect(head).toMatch(/^PROVIDER +STATE +SESSIONS +REQUESTS/);
    expect(a).toMatch(/^a +open, probe in .* 0\/7 +0\/- +0 /);
    expect(b).toMatch(/^b +up +1\/7 +0\/- +0 /);
    const { stdout } = await runHedgerow(["status", "--url", world.url, "--json"]);
    expect(json(stdout)).toMatchObject({ providers: [{ name: "a", breaker: { state: "open" } }, { name: "b" }] });
  });
});

describe("sessions", () => {
  test("lists them, and ends one by the client's own id", async () => {
    await using world = await startWorld({ a: heldOpen().behave });
    expect(await runHedgerow(["sessions", "--url", world.url])).toMatchObject({ code: 0, stdout: "no sessions\n" });
    const running = await begin(world.url, "openai-chat", { session: "mine" });
    await hearUntil(running, BEGUN);
    const hash = sessionHash("anonymous", "mine");
    const listed = await runHedgerow(["sessions", "--url", world.url]);
    expect(listed.stdout).toMatch(/^SESSION +CLIENT +AGE +IDLE +RUNNING +PROVIDERS\n/);
    expect(listed.stdout).toContain(`${hash}  anonymous `);
    expect(listed.stdout).toContain("a (1 running)");
    expect(json((await runHedgerow(["sessions", "--json", "--url", world.url])).stdout)).toMatchObject({
      total: 1,
      sessions: [{ session: hash, running: 1 }],
    });
    const ended = await runHedgerow(["sessions", "end", "mine", "--url", world.url]);
    expect(ended).toMatchObject({
      code: 0,
      stdout: `ended ${hash} of anonymous: 1 lease (1 cut here, 0 by other instances at their next heartbeat)\n`,
    });
    expect(await hear(running, "openai-chat")).toMatchObject({ terminal: false, error: true });
    const unknown = await runHedgerow(["sessions", "end", "mine-not", "--url", world.url]);
    expect(unknown).toMatchObject({ code: 1, stdout: "" });
    expect(unknown.stderr).toContain("no such session");
  });
});

describe("explain", () => {
  const question = ["--protocol", "anthropic", "--model", "claude-x"];

  test("by a running instance, with what it knows now", async () => {
    await using world = await startWorld(
      { a: status(500), b: answer(), c: answer() },
      { only: { c: { models: ["other"] } }, config: { defaults: { breaker: { failures: 1, open: "10m" } } } },
    );
    await ask(world.url, "anthropic", { model: "claude-x", session: "mine" });
    await world.idle();
    const told = await runHedgerow(["explain", "--url", world.url, ...question, "--session", "mine"]);
    expect(told).toMatchObject({ code: 0, stderr: "" });
    expect(told.stdout).toMatch(/1 +b +the session's home +no hedge/);
    expect(told.stdout).toMatch(/- +a +its breaker is open, back in /);
    expect(told.stdout).toMatch(/- +c +does not serve this model/);
    const { stdout } = await runHedgerow(["explain", "--url", world.url, ...question, "--json"]);
    expect(json(stdout)).toMatchObject({
      order: [{ provider: "b", hedge_after_ms: null }],
      out: expect.arrayContaining([{ provider: "c", reason: "model", back_in_ms: 0 }]),
    });
  });

  test("by the file alone", async () => {
    await using world = await startWorld(
      { a: answer(), b: answer(), c: answer() },
      { only: { b: { enabled: false } } },
    );
    const told = await runHedgerow(["explain", "-c", world.hedgerow.configFile, ...question, "--json"]);
    expect(told.code).toBe(0);
    expect(json(told.stdout)).toMatchObject({
      order: [
        { provider: "a", why: "rank", hedge_after_ms: 8_000 },
        { provider: "c", why: "rank", hedge_after_ms: 8_000 },
      ],
      out: [{ provider: "b", reason: "disabled" }],
    });
    const nobody = await runHedgerow(["explain", "-c", world.hedgerow.configFile, ...question, "--client", "nobody"]);
    expect(nobody.code).toBe(2);
    expect(nobody.stderr).toContain("there is no client nobody");
  });
});

describe("a guarded instance", () => {
  test("lets in who has the token, from the command line or the environment", async () => {
    await using world = await startWorld({ a: answer() }, { config: { admin: { token: TOKEN } } });
    const without = await runHedgerow(["status", "--url", world.url]);
    expect(without).toMatchObject({ code: 1, stdout: "" });
    expect(without.stderr).toMatch(/refuses: .*HEDGEROW_ADMIN_TOKEN/);
    expect((await runHedgerow(["status", "--url", world.url, "--token", TOKEN])).code).toBe(0);
    expect((await runHedgerow(["status", "--url", world.url], { env: { HEDGEROW_ADMIN_TOKEN: TOKEN } })).code).toBe(0);
    const wrong = await runHedgerow(["sessions", "--url", world.url, "--token", "wrong-token"]);
    expect(wrong).toMatchObject({ code: 1, stdout: "" });
    expect(wrong.stderr).not.toContain("wrong-token");
  });
});

describe("exit codes", () => {
  const folder = mkdtempSync(join(tmpdir(), "hedgerow-cli-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  const written = (config: Readonly<Record<string, unknown>>) => {
    const file = join(folder, `${crypto.randomUUID()}.yaml`);
    writeFileSync(file, configText({ providers: [providerEntry("a", "http://127.0.0.1:1")], ...config }));
    return file;
  };

  test("1 where nothing listens, with a word about it", async () => {
    for (const verb of [["status"], ["sessions"], ["sessions", "end", "x"]]) {
      const told = await runHedgerow([...verb, "--url", `http://127.0.0.1:${await freePort()}`]);
      expect(told).toMatchObject({ code: 1, stdout: "" });
      expect(told.stderr).toContain("nothing listens at");
    }
  });

  test("1 where the store cannot be reached and the configuration says to refuse", async () => {
    const redis = { url: `redis://127.0.0.1:${await freePort()}`, when_down: "refuse" };
    const told = await runHedgerow(["-c", written({ sessions: { store: "redis", redis } })]);
    expect(told.code).toBe(1);
    expect(told.stderr).toMatch(/^hedgerow: .*(reach|redis)/i);
  });

  test("2 for a configuration with mistakes, each on its line, with nothing on standard output", async () => {
    const file = written({ servre: {}, log: { level: "loud" } });
    for (const verb of [["serve"], []]) {
      const told = await runHedgerow([...verb, "-c", file]);
      expect(told).toMatchObject({ code: 2, stdout: "" });
      expect(told.stderr.trimEnd().split("\n").length).toBe(2);
      for (const line of told.stderr.trimEnd().split("\n"))
        expect(line).toMatch(/\.yaml:\d+:\d+ (servre|log\.level): /);
    }
  });

  test("2 for a configuration that is not there, with a word on how to come by one", async () => {
    const told = "providers.yaml:1:1 the configuration cannot be read: no such file\n";
    const hint = "try: hedgerow init -o providers.yaml\n";
    for (const verb of [[], ["serve"], ["explain", "--protocol", "gemini", "--model", "m", "-c", "providers.yaml"]])
      expect(await runHedgerow(verb, { cwd: folder })).toMatchObject({ code: 2, stderr: told + hint });
    const { code, stdout, stderr } = await runHedgerow(["check"], { cwd: folder });
    expect([code, stdout]).toEqual([2, told]);
    expect(stderr).toEndWith(hint);
    const named = await runHedgerow([], { cwd: folder, env: { HEDGEROW_CONFIG: "other.yaml" } });
    expect(named.stderr).toStartWith("other.yaml:1:1 ");
  });

  test.each([
    { args: ["statsu"] },
    { args: ["status", "--jsno"] },
    { args: ["sessions", "stop"] },
    { args: ["explain"] },
    { args: ["serve", "--port", "x"] },
  ])("2 for wrong usage: $args", async ({ args }) => {
    const told = await runHedgerow(args);
    expect(told).toMatchObject({ code: 2, stdout: "" });
    expect(told.stderr).toMatch(/^hedgerow: .*\ntry: hedgerow /);
  });

  test("0 for what only tells", async () => {
    expect(await runHedgerow(["--version"])).toEqual({
      code: 0,
      stdout: `hedgerow ${packageJson.version}\n`,
      stderr: "",
    });
    const help = await runHedgerow(["--help"]);
    expect(help).toMatchObject({ code: 0, stderr: "" });
    for (const verb of ["serve", "check", "init", "schema", "demo", "status", "sessions", "explain"]) {
      expect(help.stdout).toContain(verb);
      const own = await runHedgerow([verb, "--help"]);
      expect(own).toMatchObject({ code: 0, stderr: "" });
      expect(own.stdout).toStartWith(`usage: hedgerow ${verb === "serve" ? "[serve]" : verb}`);
    }
    expect(await runHedgerow(["check", "-c", written({})])).toMatchObject({ code: 0 });
  });
});
