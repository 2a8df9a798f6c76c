import { expect, test } from "bun:test";
import { resolve } from "node:path";
import { type Configuration, configuration } from "../../src/app/configuration.ts";
import type { Plan } from "../../src/app/plan.ts";
import type { ProxyEvent } from "../../src/core/events.ts";
import { type Disk, loaded, PROVIDER } from "../config/world.ts";
import { handClock } from "../world/clock.ts";

/** A configuration over a file that the test rewrites. */
function open(text: string, disk: Disk = {}) {
  const file = { text, disk };
  const events: ProxyEvent[] = [];
  const plans: Plan[] = [];
  const clock = handClock();
  const load = () => loaded(file.text, { disk: file.disk });
  const first = load();
  if (first.kind === "bad") throw new Error("the first configuration is bad");
  const deps = {
    clock,
    load,
    observe: (event: ProxyEvent) => events.push(event),
    onApplied: (p: Plan) => plans.push(p),
  };
  const config: Configuration = configuration(deps, first);
  const reload = (next: string) => {
    file.text = next;
    return config.reload();
  };
  return { file, events, plans, clock, config, reload };
}

test("a changed file is a new generation, told once", () => {
  const { config, events, plans, clock, reload } = open(PROVIDER);
  clock.stepWall(5_000);
  const before = config.plan();
  expect(reload(PROVIDER.replace("name: a", "name: b"))).toEqual({ result: "applied", problems: [], notes: [] });
  expect(before.providers[0]?.name).toBe("a");
  expect(plans).toEqual([config.plan()]);
  expect(config.plan().providers[0]?.name).toBe("b");
  expect(config.loadedWallMs()).toBe(clock.wallMs());
  expect(events).toEqual([{ kind: "reload", result: "applied", problems: [], notes: [] }]);
  expect(config.last()).toEqual({ result: "applied", problems: [], notes: [], time_ms: clock.wallMs() });
});

test("a mistake changes nothing but the answer", () => {
  const { config, plans, events, reload } = open(PROVIDER);
  const before = config.plan();
  const problems = ['providers.yaml:2:1 servre: unknown key; did you mean "server"?'];
  expect(reload(`${PROVIDER}servre: {}`)).toMatchObject({ result: "refused", notes: [] });
  expect(config.plan()).toBe(before);
  expect(plans).toEqual([]);
  expect(config.last()?.problems).toEqual(problems);
  expect(events).toEqual([{ kind: "reload", result: "refused", problems, notes: [] }]);
});

test("the same file again changes nothing, and is told to those who end cool-downs", () => {
  const { config, plans, reload } = open(PROVIDER);
  const before = config.plan();
  expect(reload(`# a comment\n${PROVIDER}`).result).toBe("unchanged");
  expect(config.plan()).toBe(before);
  expect(plans).toEqual([before]);
});

test("a secret in a file is a change, though nothing in the configuration's own file is", () => {
  const text = PROVIDER.replace("base_url", "api_key_file: key, base_url");
  const key = resolve("key");
  const { file, config, reload } = open(text, { [key]: "first-key\n" });
  expect(config.files()).toEqual(["providers.yaml", key]);
  file.disk = { [key]: "second-key\n" };
  expect(reload(text).result).toBe("applied");
  expect(config.plan().providers[0]?.keys[0]?.reveal()).toBe("second-key");
});

test("whether it would be read otherwise by now is told without reading it for good", () => {
  const { file, config, plans, events } = open(PROVIDER);
  const before = config.plan();
  const outdatedBy = (text: string) => {
    file.text = text;
    return config.outdated();
  };
  const texts = [`# a comment\n${PROVIDER}`, PROVIDER.replace("name: a", "name: b"), `${PROVIDER}servre: {}`, PROVIDER];
  expect(texts.map(outdatedBy)).toEqual([false, true, true, false]);
  expect([config.plan(), config.last(), plans, events]).toEqual([before, null, [], []]);
});

test("a new password of the shared store in its file needs a restart", () => {
  const text = `sessions: {store: redis, redis: {url: redis://h, password_file: key}}\n${PROVIDER}`;
  const { file, reload } = open(text, { [resolve("key")]: "first" });
  file.disk = { [resolve("key")]: "second" };
  expect(reload(text).notes).toEqual(["sessions.store needs a restart to take effect; the rest is applied"]);
});

test("a file that is missing is watched for, and those of the good configuration still are", () => {
  const text = (name: string) => PROVIDER.replace("base_url", `api_key_file: ${name}, base_url`);
  const { config, reload } = open(text("key"), { [resolve("key")]: "first-key" });
  expect(reload(text("later")).result).toBe("refused");
  expect(config.files()).toEqual(["providers.yaml", resolve("key"), resolve("later")]);
  reload(text("never"));
  expect(config.files()).toEqual(["providers.yaml", resolve("key"), resolve("never")]);
  reload(text("key"));
  expect(config.files()).toEqual(["providers.yaml", resolve("key")]);
});

test("what needs a restart is said each time until it is taken back, and the rest is applied", () => {
  const { config, reload } = open(PROVIDER);
  const moved = `${PROVIDER}server: {port: 1234, reuse_port: true, drain: 1s}\nsessions: {store: redis, redis: {url: redis://h}}\n`;
  const notes = ["server.port", "server.reuse_port", "sessions.store"].map(
    (what) => `${what} needs a restart to take effect; the rest is applied`,
  );
  expect(reload(moved)).toEqual({ result: "applied", problems: [], notes });
  expect(config.plan().server).toMatchObject({ port: 8787, reusePort: false, drainMs: 1_000 });
  expect(config.plan().store).toEqual({ kind: "memory" });
  expect(reload(moved)).toEqual({ result: "unchanged", problems: [], notes });
  expect(reload(PROVIDER)).toEqual({ result: "applied", problems: [], notes: [] });
});

test("a process that everybody reaches is not left open by a file that means to close it", () => {
  const clients = "clients: [{name: c, key: client-key-123456}]\n";
  const keyed = PROVIDER.replace("base_url", "api_key: upstream-key, base_url");
  const { config, reload } = open(`${keyed}${clients}server: {host: 0.0.0.0}\n`);
  const { result, problems } = reload(keyed);
  expect(result).toBe("refused");
  expect(problems[0]).toContain("until a restart everybody who reaches 0.0.0.0 could use it");
  expect(config.plan().clients.length).toBe(1);
  // With clients the address may move; nobody is trusted for coming from this machine until it has.
  expect(reload(`${keyed}${clients}`)).toMatchObject({ result: "applied", notes: [expect.stringContaining("host")] });
  expect(config.plan().server.host).toBe("0.0.0.0");
  expect(reload(`${keyed}server: {open: true}`).result).toBe("applied");
  expect(config.plan().admin.openToLoopback).toBe(false);
});

test("a process that only this machine reaches may be told to move later", () => {
  const { config, reload } = open(PROVIDER);
  expect(config.plan().admin.openToLoopback).toBe(true);
  expect(reload(`${PROVIDER}server: {host: 0.0.0.0, open: true}`)).toMatchObject({ result: "applied" });
  expect(config.plan().admin.openToLoopback).toBe(false);
});

test("what is allowed and hardly meant is noted at the start and by each reload", () => {
  const odd = PROVIDER.replace("}]", ", models: [m], model_map: {n: m}}]");
  const { events, reload } = open(odd);
  const note = expect.stringContaining("providers[0].model_map.n: never used");
  expect(events).toEqual([{ kind: "notice", level: "warn", what: "config_note", fields: { note } }]);
  expect(reload(`${odd}server: {drain: 1s}\n`)).toEqual({ result: "applied", problems: [], notes: [note] });
});
