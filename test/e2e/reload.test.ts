import { describe, expect, setDefaultTimeout, test } from "bun:test";
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { answer } from "../../src/simulator/behaviour.ts";
import { ask } from "../world/http.ts";
import { LOCALHOST_CERT, LOCALHOST_KEY } from "../world/localhost-tls.ts";
import { admin, providerNow, type FileConfig, reloadBy, reloads, replaceFile, rewrite } from "../world/operate.ts";
import { eventually, startWorld, type World } from "../world/scripted-upstream.ts";

setDefaultTimeout(60_000);

const reloadsCounted = (world: World<"a">, result: string) =>
  world.hedgerow.metric("hedgerow_config_reloads_total", { result });
const limited = (sessions: number) => (config: FileConfig) => ({
  ...config,
  providers: config.providers.map((provider) => ({ ...provider, limits: { sessions } })),
});
const limitNow = async (world: World<"a">) => (await providerNow(world.url, "a"))?.["sessions_limit"];

describe("a change of the file is read by itself", () => {
  test("by an atomic rename", async () => {
    await using world = await startWorld({ a: answer() });
    expect(await reloadBy(world.hedgerow, () => rewrite(world.hedgerow, limited(3)))).toMatchObject({
      level: "info",
      msg: "config applied",
      result: "applied",
      problems: [],
      notes: [],
    });
    expect(await limitNow(world)).toBe(3);
    expect(await reloadsCounted(world, "applied")).toBe(1);
  });

  test("by a write in place", async () => {
    await using world = await startWorld({ a: answer() });
    const config = JSON.parse(readFileSync(world.hedgerow.configFile, "utf8")) as FileConfig;
    await reloadBy(world.hedgerow, () => writeFileSync(world.hedgerow.configFile, JSON.stringify(limited(4)(config))));
    expect(await limitNow(world)).toBe(4);
  });

  test("by a link swapped from one directory to another, as a mounted config map does it", async () => {
    await using world = await startWorld({ a: answer() });
    const { configFile } = world.hedgerow;
    const folder = dirname(configFile);
    const config = JSON.parse(readFileSync(configFile, "utf8")) as FileConfig;
    const turnTo = (name: string, sessions: number) => {
      mkdirSync(join(folder, name));
      writeFileSync(join(folder, name, "providers.yaml"), JSON.stringify(limited(sessions)(config)));
      symlinkSync(name, join(folder, "..tmp"));
      renameSync(join(folder, "..tmp"), join(folder, "..data"));
    };
    turnTo("..1", 1);
    await reloadBy(world.hedgerow, () => {
      symlinkSync(join("..data", "providers.yaml"), `${configFile}.link`);
      renameSync(`${configFile}.link`, configFile);
    });
    expect(await limitNow(world)).toBe(1);
    await reloadBy(world.hedgerow, () => turnTo("..2", 2));
    expect(await limitNow(world)).toBe(2);
    await reloadBy(world.hedgerow, () => turnTo("..3", 3));
    expect(await limitNow(world)).toBe(3);
  });

  test("by a new key in a secret's file; the key itself is told nowhere", async () => {
    await using world = await startWorld({ a: answer() });
    const folder = dirname(world.hedgerow.configFile);
    replaceFile(join(folder, "key"), "first-secret-key-0001\n");
    await reloadBy(world.hedgerow, () =>
      rewrite(world.hedgerow, (config) => ({
        ...config,
        providers: config.providers.map((provider) => ({ ...provider, api_key: undefined, api_key_file: "key" })),
      })),
    );
    await ask(world.url, "anthropic");
    await reloadBy(world.hedgerow, () => replaceFile(join(folder, "key"), "second-secret-key-0002\n"));
    await ask(world.url, "anthropic");
    const sent = world.upstream.a.exchanges().map(({ request }) => request.header("x-api-key"));
    expect(sent).toEqual(["first-secret-key-0001", "second-secret-key-0002"]);
    expect(world.hedgerow.printed()).not.toContain("secret-key");
    expect(JSON.stringify((await admin(world.url, "config")).body)).not.toContain("secret-key");
  });
});

test("a change that falls between the first reading and the watch is read as well", async () => {
  const folder = mkdtempSync(join(tmpdir(), "hedgerow-reload-"));
  const key = join(folder, "key");
  writeFileSync(key, "first-secret-key-0001");
  // The store is looked for when the configuration has been read and nothing is watched yet.
  using store = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      open(socket) {
        if (readFileSync(key, "utf8").startsWith("first")) replaceFile(key, "second-secret-key-0002");
        socket.terminate();
      },
      data() {},
    },
  });
  const sessions = { store: "redis", redis: { url: `redis://127.0.0.1:${store.port}` } };
  await using world = await startWorld(
    { a: answer() },
    { config: { sessions }, each: { api_key: undefined, api_key_file: key } },
  );
  await eventually("it is read", () => reloads(world.hedgerow).some(({ msg }) => msg === "config applied"));
  await ask(world.url, "anthropic");
  expect(world.upstream.a.exchanges().at(-1)?.request.header("x-api-key")).toBe("second-secret-key-0002");
  rmSync(folder, { recursive: true });
});

describe("a reload is asked for", () => {
  test("by SIGHUP", async () => {
    await using world = await startWorld({ a: answer() });
    expect(await reloadBy(world.hedgerow, () => world.hedgerow.signal("SIGHUP"))).toMatchObject({
      msg: "config unchanged",
    });
    expect(await reloadsCounted(world, "unchanged")).toBe(1);
  });

  test("by the API, which answers what came of it", async () => {
    await using world = await startWorld({ a: answer() });
    rewrite(world.hedgerow, limited(5));
    const applied = await admin(world.url, "reload", { method: "POST" });
    expect(applied).toMatchObject({ status: 200, body: { result: "applied", problems: [], notes: [] } });
    expect(await limitNow(world)).toBe(5);
    const again = await admin(world.url, "reload", { method: "POST" });
    expect(again.body).toMatchObject({ result: "unchanged" });
  });
});

describe("what is wrong changes nothing", () => {
  test("a mistake is logged with its line, counted and shown, until it is mended", async () => {
    await using world = await startWorld({ a: answer() });
    const good = readFileSync(world.hedgerow.configFile, "utf8");
    const refused = await reloadBy(world.hedgerow, () =>
      replaceFile(world.hedgerow.configFile, "providers:\n  - name: a\n    protocols: [anthropic]\n    weigth: 2\n"),
    );
    const { configFile } = world.hedgerow;
    const problems = [
      `${configFile}:2:5 providers[0].base_url: missing; expected http:// or https:// URL`,
      `${configFile}:4:5 providers[0].weigth: unknown key; did you mean "weight"?`,
    ];
    expect(refused).toMatchObject({ level: "error", result: "refused" });
    expect(refused["problems"]).toEqual(problems);
    expect(await reloadsCounted(world, "refused")).toBe(1);
    const shown = await admin(world.url, "config");
    expect(shown.body).toMatchObject({
      file: configFile,
      reload: { result: "refused", problems: refused["problems"], time_ms: expect.any(Number) },
      config: { providers: [{ name: "a", weight: 1 }] },
    });
    expect(await admin(world.url, "reload", { method: "POST" })).toMatchObject({
      status: 422,
      body: { error: { code: "config_refused" }, result: "refused", problems: refused["problems"] },
    });
    expect((await ask(world.url, "anthropic")).status).toBe(200);
    const mended = await reloadBy(world.hedgerow, () => replaceFile(world.hedgerow.configFile, good));
    expect(mended).toMatchObject({ msg: "config unchanged" });
    expect((await admin(world.url, "config")).body).toMatchObject({ reload: { result: "unchanged", problems: [] } });
  });

  type Loss = Readonly<{ what: string; lose(file: string): void; why: string }>;
  const LOSSES: readonly Loss[] = [
    { what: "vanishes", lose: unlinkSync, why: "no such file" },
    {
      what: "becomes a directory",
      lose(file) {
        unlinkSync(file);
        mkdirSync(file);
      },
      why: "it is a directory",
    },
    {
      what: "becomes unreadable",
      lose(file) {
        // The superuser may read anything, so a link that leads to itself stands for a denied permission.
        unlinkSync(file);
        symlinkSync(file, file);
      },
      why: "too many symbolic links",
    },
  ];
  test.each(LOSSES)("a configuration that $what: the last good one stays, until it is back", async ({ lose, why }) => {
    await using world = await startWorld({ a: answer() });
    const { configFile } = world.hedgerow;
    const good = readFileSync(configFile, "utf8");
    const refused = await reloadBy(world.hedgerow, () => lose(configFile));
    expect(refused).toMatchObject({ level: "error", result: "refused" });
    expect(refused["problems"]).toEqual([`${configFile}:1:1 the configuration cannot be read: ${why}`]);
    expect((await ask(world.url, "anthropic")).status).toBe(200);
    rmSync(configFile, { recursive: true, force: true });
    replaceFile(configFile, JSON.stringify(limited(7)(JSON.parse(good) as FileConfig)));
    await eventually("it is in force", async () => (await limitNow(world)) === 7);
  });

  test("a directory that vanishes as a whole and comes back", async () => {
    await using world = await startWorld({ a: answer() });
    const { configFile } = world.hedgerow;
    const good = readFileSync(configFile, "utf8");
    const folder = dirname(configFile);
    await reloadBy(world.hedgerow, () => rmSync(folder, { recursive: true }));
    expect((await ask(world.url, "anthropic")).status).toBe(200);
    mkdirSync(folder);
    await reloadBy(world.hedgerow, () =>
      writeFileSync(configFile, JSON.stringify(limited(8)(JSON.parse(good) as FileConfig))),
    );
    expect(await limitNow(world)).toBe(8);
  });
});

test("what cannot change in a running process says so, and the rest is applied", async () => {
  await using world = await startWorld({ a: answer() });
  const { configFile } = world.hedgerow;
  writeFileSync(join(dirname(configFile), "cert"), LOCALHOST_CERT);
  writeFileSync(join(dirname(configFile), "key"), LOCALHOST_KEY);
  const moved = await reloadBy(world.hedgerow, () =>
    rewrite(world.hedgerow, (config) => ({
      ...limited(9)(config),
      server: { host: "127.0.0.2", port: 1, tls: { cert: "cert", key: "key" } },
    })),
  );
  const notes = ["server.host", "server.port", "server.tls"].map(
    (what) => `${what} needs a restart to take effect; the rest is applied`,
  );
  expect(moved).toMatchObject({ result: "applied", notes });
  expect((await admin(world.url, "config")).body).toMatchObject({ reload: { notes } });
  expect(await limitNow(world)).toBe(9);
  expect((await ask(world.url, "anthropic")).status).toBe(200);
});

test("what is applied and hardly meant is noted", async () => {
  await using world = await startWorld({ a: answer() });
  const dead = (config: FileConfig) => ({
    ...config,
    providers: config.providers.map((provider) => ({ ...provider, models: ["m"], model_map: { n: "m" } })),
  });
  const reload = await reloadBy(world.hedgerow, () => rewrite(world.hedgerow, dead));
  expect(reload["result"]).toBe("applied");
  expect(reload["notes"]).toEqual([expect.stringContaining("providers[0].model_map.n: never used")]);
});

test("a log written beside the configuration is no change of it", async () => {
  await using world = await startWorld({ a: answer() });
  const log = join(dirname(world.hedgerow.configFile), "hedgerow.log");
  for (let line = 0; line < 20; line++) {
    writeFileSync(log, `line ${line}\n`, { flag: "a" });
    await ask(world.url, "anthropic");
  }
  // Whatever the lines made it do would have come before what this one does.
  await reloadBy(world.hedgerow, () => rewrite(world.hedgerow, limited(2)));
  expect(reloads(world.hedgerow).length).toBe(1);
});

test("reloads leave no descriptor behind", async () => {
  await using world = await startWorld({ a: answer() });
  const reload = async (turn: number) => {
    rewrite(world.hedgerow, limited(1 + (turn % 7)));
    expect((await admin(world.url, "reload", { method: "POST" })).body).toMatchObject({ problems: [] });
  };
  await reload(0);
  const before = await world.hedgerow.metric("process_open_fds");
  for (let turn = 1; turn <= 50; turn++) await reload(turn);
  // The test's own connections are among them.
  expect(await world.hedgerow.metric("process_open_fds")).toBeLessThan(before + 10);
});
