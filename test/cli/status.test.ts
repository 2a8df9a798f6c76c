import { describe, expect, test } from "bun:test";
import { status, statusText } from "../../src/cli/status.ts";
import { secret } from "../../src/core/secret.ts";
import { providerView } from "../http/admin/world.ts";
import { cliWorld } from "./world.ts";

const ENTER = "\u001b[?1049h";
const LEAVE = "\u001b[?1049l";

describe("the table", () => {
  const column = (title: string, own: Parameters<typeof providerView>[0]) => {
    const [titles = "", row = ""] = statusText([providerView(own)], false).split("\n");
    const titled = titles.match(/\S+(?: \S+)*\s*/g)?.find((text) => text.trim() === title) ?? "";
    const start = titles.indexOf(titled);
    return row.slice(start, titled.endsWith(" ") ? start + titled.length : undefined).trim();
  };

  test("has a row for each provider, aligned", () => {
    const slow = providerView({ name: "slow-one", override: "disabled", enabled: false, sessions: 12, hedge: [] });
    expect(statusText([providerView(), slow], false).split("\n")).toEqual([
      "PROVIDER  STATE     SESSIONS  REQUESTS  LEASES  HEDGE AFTER  HEDGES WON  OVERRIDE  PROTOCOLS",
      "fast      up            1/10       1/-       1  1.5s           25% of 4            anthropic",
      "slow-one  disabled     12/10       1/-       1  -              25% of 4  disabled  anthropic",
    ]);
  });

  test.each([
    [{}, "up"],
    [{ enabled: false, breaker: { state: "open", probe_in_ms: 1 } }, "disabled"],
    [{ removed: true, enabled: false }, "removed"],
    [{ active: false }, "outside its hours"],
    [{ breaker: { state: "open", probe_in_ms: 12_000 } }, "open, probe in 12s"],
    [{ breaker: { state: "half_open", probe_in_ms: 0 } }, "half open"],
    [{ cooldowns: [{ key: "wxyz", model: "m", left_ms: 9_000, limited: true }] }, "up, key wxyz m rests 9s"],
    [
      {
        cooldowns: [
          { key: null, model: null, left_ms: 500, limited: false },
          { key: null, model: "n", left_ms: 500, limited: false },
        ],
      },
      "up, all rests 500ms +1",
    ],
  ] as const)("%j is shown as: %s", (own, state) => {
    expect(statusText([providerView(own)], false)).toContain(` ${state} `);
  });

  test("what is not known is not shown as a number", () => {
    expect(column("SESSIONS", { sessions: null })).toBe("?/10");
    expect(column("HEDGE AFTER", { hedge: [{ model: "m", after_ms: null, samples: 0 }] })).toBe("off");
    const learned = [1_500, 8_000].map((after_ms) => ({ model: "m", after_ms, samples: 30 }));
    expect(column("HEDGE AFTER", { hedge: learned })).toBe("1.5s to 8s");
  });
});

describe("asking", () => {
  test("prints once into a pipe", async () => {
    const { verb, world, out, err, server } = cliWorld();
    using _ = server;
    expect(await status(verb, world)).toBe(0);
    expect(out()).toBe(`${statusText([providerView()], false)}\n`);
    expect(err()).toBe("");
  });

  test("prints what it was answered with --json, also on a terminal", async () => {
    const { verb, world, out, server } = cliWorld({ terminal: { isInteractive: true, colour: true } });
    using _ = server;
    expect(await status({ ...verb, json: true }, world)).toBe(0);
    expect(JSON.parse(out())).toEqual({ providers: [providerView()] });
  });

  test("sends the token", async () => {
    const access = () => ({ token: secret("t0ken"), trustsLoopback: false });
    const { verb, world, err, server } = cliWorld({ sources: { access } });
    using _ = server;
    expect(await status(verb, world)).toBe(1);
    expect(err()).toContain("HEDGEROW_ADMIN_TOKEN");
    expect(await status({ ...verb, token: "wrong" }, world)).toBe(1);
    expect(await status({ ...verb, token: "t0ken", url: `${verb.url}/` }, world)).toBe(0);
  });
});

describe("on a terminal", () => {
  const until = async (holds: () => boolean) => {
    while (!holds()) await new Promise((resolve) => setImmediate(resolve));
  };
  const drawings = (out: string) => out.split("q quits").length - 1;

  test("it is drawn again every two seconds until q, and leaves the terminal as it was", async () => {
    let asked = 0;
    const providers = async () => [providerView({ leases: ++asked })];
    const { verb, world, out, press, clock, listeners, server } = cliWorld({
      sources: { providers },
      terminal: { isInteractive: true },
    });
    using _ = server;
    const ended = status(verb, world);
    await until(() => drawings(out()) === 1);
    expect(out()).toStartWith(ENTER);
    await clock.advance(2_000);
    await until(() => drawings(out()) === 2);
    press("x");
    press("q");
    expect(await ended).toBe(0);
    expect(asked).toBe(2);
    expect(out()).toEndWith(LEAVE);
    expect({ sleepers: clock.sleepers(), listeners: listeners() }).toEqual({ sleepers: 0, listeners: 0 });
  });

  test.each(["key", "signal"])("a %s ends it too, and no more lines are drawn than there are rows", async (how) => {
    const providers = async () => Array.from({ length: 50 }, (_, index) => providerView({ name: `p${index}` }));
    const { verb, world, out, press, quit, clock, server } = cliWorld({
      sources: { providers },
      terminal: { isInteractive: true, rows: () => 10 },
    });
    using _ = server;
    const ended = status(verb, world);
    await until(() => drawings(out()) === 1);
    if (how === "key") press("\u0003");
    else quit.abort();
    expect(await ended).toBe(0);
    expect(out().split("\r\n")).toHaveLength(10);
    expect(clock.sleepers()).toBe(0);
  });

  test("quitting does not wait for an instance that hangs", async () => {
    let asked = 0;
    const providers = () => (++asked === 1 ? Promise.resolve([]) : new Promise<never>(() => {}));
    const { verb, world, out, press, clock, server } = cliWorld({
      sources: { providers },
      terminal: { isInteractive: true },
    });
    const ended = status(verb, world);
    await until(() => drawings(out()) === 1);
    await clock.advance(2_000);
    await until(() => asked > 1);
    press("q");
    expect(await ended).toBe(0);
    expect(clock.sleepers()).toBe(0);
    await server.stop(true);
  });

  test("an instance that goes away meanwhile is waited for", async () => {
    const { verb, world, out, press, clock, server } = cliWorld({ terminal: { isInteractive: true } });
    const ended = status(verb, world);
    await until(() => drawings(out()) === 1);
    await server.stop(true);
    await clock.advance(2_000);
    await until(() => drawings(out()) === 2);
    expect(out()).toContain("nothing listens");
    press("q");
    expect(await ended).toBe(0);
  });
});

describe("what goes wrong", () => {
  test("nobody listens there", async () => {
    const { verb, world, out, err, server, clock } = cliWorld({ terminal: { isInteractive: true } });
    await server.stop(true);
    expect(await status(verb, world)).toBe(1);
    expect(err()).toBe(`hedgerow: nothing listens at ${verb.url}: is hedgerow running there? (--url says where)\n`);
    expect({ out: out(), sleepers: clock.sleepers() }).toEqual({ out: "", sleepers: 0 });
  });

  test.each([
    ["another server", () => new Response("<html>", { status: 404 }), "is this the right --url?"],
    ["another JSON", () => Response.json({ hello: 1 }), "not as this version of Hedgerow does"],
    ["a redirect", () => Response.redirect("http://127.0.0.1:1/"), "is this the right --url?"],
    ["a refusal", () => Response.json({ error: { code: "forbidden", message: "no" } }, { status: 403 }), "refuses: no"],
  ])("%s answers", async (_, answer, message) => {
    using server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: answer });
    const { verb, world, err, server: unused } = cliWorld();
    using __ = unused;
    expect(await status({ ...verb, url: server.url.origin }, world)).toBe(1);
    expect(err()).toContain(message);
  });

  test("nobody answers in ten seconds", async () => {
    const { verb, world, err, clock, server: unused } = cliWorld();
    using _ = unused;
    using server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Promise<Response>(() => {}) });
    const ended = status({ ...verb, url: server.url.origin }, world);
    await clock.advance(10_000);
    expect(await ended).toBe(1);
    expect(err()).toContain("no answer in 10 s");
    await server.stop(true);
  });
});
