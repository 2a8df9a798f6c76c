import { expect, setDefaultTimeout, test } from "bun:test";
import { sessionHash } from "../../src/core/ids.ts";
import { answer, status } from "../../src/simulator/behaviour.ts";
import { startHedgerow } from "../world/binary.ts";
import { describeWithBrowser, openWindow, type Window } from "../world/browser.ts";
import { freePort } from "../world/free-port.ts";
import { asSession, gates, startTalk } from "../world/gates.ts";
import { ask } from "../world/http.ts";
import { rewrite, replaceFile } from "../world/operate.ts";
import { configText, providerEntry, startWorld } from "../world/scripted-upstream.ts";

setDefaultTimeout(300_000);

const TOKEN = "correct-horse-battery-staple";

/** What a visitor of this page must always find: nothing complained of, and nothing asked of anybody else. */
function expectClean(window: Window, url: string) {
  expect(window.complaints()).toEqual([]);
  expect(window.asked().filter((one) => !one.includes(` ${url}/`) && !one.includes(" data:"))).toEqual([]);
}

describeWithBrowser("the page", () => {
  test("asks for the token, tells a wrong one, keeps the right one for the tab, and forgets it", async () => {
    await using world = await startWorld({ a: answer() }, { config: { admin: { token: TOKEN } } });
    await using window = await openWindow();
    const { page } = window;
    const signIn = async (token: string) => {
      await window.fill("textbox", "Token", token);
      await window.press("Sign in");
    };
    await page.goto(`${world.url}/admin`);
    await window.says("main", "wants its admin.token");
    await signIn("wrong");
    await window.says("[role=alert]", "this is not admin.token");
    await signIn(TOKEN);
    await window.says("#providers tbody th", "a");
    await window.says(".badge", "live");
    await page.reload();
    await window.says("#providers tbody th", "a");
    await window.press("Sign out");
    await window.says("main", "wants its admin.token");
    await page.reload();
    await window.says("main", "wants its admin.token");
    expect(await page.evaluate("JSON.stringify([{ ...localStorage }, { ...sessionStorage }])")).toBe("[{},{}]");
    expectClean(window, world.url);
  });

  test("shows a request as it ends, what came of each attempt, and why a provider was left out", async () => {
    await using world = await startWorld(
      { main: status(529), spare: answer() },
      { each: { breaker: { failures: 1 } }, config: { defaults: { hedge: { after: "off" } } } },
    );
    await using window = await openWindow();
    const { page } = window;
    await page.goto(`${world.url}/admin/`);
    await window.says(".badge", "live");
    await window.says("#requests", "no requests");
    // The name of a model is a client's word: markup in it is text.
    const model = "<img src=x onerror=alert(1)>";
    expect(await ask(world.url, "openai-chat", { session: "one", model })).toMatchObject({ status: 200 });
    await window.says("#requests tbody td", model);
    await window.says("#decisions li", "main: failed after");
    await window.says("#decisions li", "main: breaker open");
    await window.says("#providers tr", "open, probe in");
    await page.locator("#requests .fold").click();
    await window.says(".timeline li", "main first");
    await window.says(".timeline li", "status 529");
    await window.says(".timeline li", "spare failover");
    expect(await ask(world.url, "anthropic", { session: "two", model: "m2" })).toMatchObject({ status: 200 });
    await window.fill("searchbox", "Requests with", "m2");
    await window.saysNoMore("#requests tbody td", model);
    await page.locator("#requests .fold").click();
    await window.says(".facts", "main: its breaker is open");
    await window.fill("combobox", "Show requests", "failed_over");
    await window.says("#requests", "no requests");
    expect(await page.$("img")).toBeNull();
    expectClean(window, world.url);
  });

  test("ends a session once that is confirmed: its stream is cut, its slot is free", async () => {
    const gate = gates();
    await using world = await startWorld({ a: gate.talking }, { each: { limits: { sessions: 1 } } });
    await using window = await openWindow();
    const { page } = window;
    const stream = await startTalk(world.url, "stuck");
    await page.goto(`${world.url}/admin`);
    const hash = sessionHash("anonymous", "stuck");
    await window.says("#sessions tr", hash);
    await window.says("#sessions tr", "a (1 running)");
    await window.says("#providers td", "1/1");
    await window.fill("searchbox", "Sessions with", "stuck");
    await window.press("Find by own id");
    await window.says("output", `stuck is ${hash}`);
    // A key may come as soon as there is something to be seen.
    const isOpenAtOnce = page.evaluate(`new Promise((resolve) => {
      const look = () => document.querySelector("dialog") && resolve(document.querySelector("dialog").open);
      new MutationObserver(look).observe(document.body, { childList: true, subtree: true });
    })`);
    await window.press(`End session ${hash}`);
    expect(await isOpenAtOnce).toBe(true);
    await window.says("dialog", `${hash} of anonymous: its streams are cut`);
    await page.keyboard.press("Escape");
    await window.saysNoMore("dialog", hash);
    expect(await page.evaluate("document.activeElement.ariaLabel")).toBe(`End session ${hash}`);
    expect(await world.hedgerow.metric("hedgerow_leases")).toBe(1);
    await window.press(`End session ${hash}`);
    await window.press("End it");
    await window.says("output", "1 lease (1 cut here");
    expect(await stream.rest()).toMatchObject({ error: true, body: expect.stringContaining("ended by an operator") });
    await window.says("#sessions", "no sessions");
    await window.says("#providers td", "0/1");
    await world.idle();
    expectClean(window, world.url);
  });

  test("finds a session by its client's own id, also one that is too long idle to be listed, and ends it", async () => {
    await using world = await startWorld({ a: answer() });
    await using window = await openWindow();
    const { page } = window;
    expect(await ask(world.url, "anthropic", { session: "oldest", stream: false })).toMatchObject({ status: 200 });
    for (let first = 0; first < 1_000; first += 100) {
      const some = Array.from({ length: 100 }, (_, index) => ({ session: `s${first + index}`, stream: false }));
      await Promise.all(some.map((asking) => ask(world.url, "anthropic", asking)));
    }
    await page.goto(`${world.url}/admin`);
    await window.says("#sessions", "Show more (980)");
    await window.says("#sessions", "1 more are known");
    await window.fill("searchbox", "Sessions with", "oldest");
    await window.says("#sessions", "no sessions");
    await window.press("Find by own id");
    const hash = sessionHash("anonymous", "oldest");
    await window.says("#sessions tbody th", hash);
    await window.press(`End session ${hash}`);
    await window.press("End it");
    await window.says("output", `ended ${hash}`);
    await window.saysNoMore("#sessions tbody th", hash);
    expectClean(window, world.url);
  });

  test("takes a provider out and puts it back as the config says", async () => {
    await using world = await startWorld({ a: answer(), b: answer() });
    await using window = await openWindow();
    const { page } = window;
    await page.goto(`${world.url}/admin`);
    await window.says("#providers tr", "up");
    await window.press("Disable a");
    await window.says("#providers tr", "disabled");
    await window.says("#decisions li", "a: disabled by an operator");
    expect((await ask(world.url, "anthropic", asSession("x"))).headers.get("x-hedgerow-provider")).toBe("b");
    await window.fill("textbox", "Model", "m");
    await window.press("Who would be asked?");
    await window.says("#explain li", "a: disabled by an operator");
    await window.says("#explain li", "b by priority");
    await window.press("Reset a");
    await window.says("output", "a: as the config says");
    await window.saysNoMore("#providers", "disabled");
    expect((await ask(world.url, "anthropic", asSession("y"))).headers.get("x-hedgerow-provider")).toBe("a");
    expectClean(window, world.url);
  });

  test("tells a mistake in the config where it stands, and that it is mended, whoever reloads", async () => {
    await using world = await startWorld({ a: answer() });
    await using window = await openWindow();
    const { page } = window;
    const { configFile } = world.hedgerow;
    const good = await Bun.file(configFile).text();
    await page.goto(`${world.url}/admin`);
    await window.says("#config", configFile);
    replaceFile(configFile, good.replace('"server"', '"sever"'));
    await window.says(".badge", "config refused");
    await window.press("Reload");
    await window.says("output.bad", 'sever: unknown key; did you mean "server"?');
    await window.says("#config li", `${configFile}:2:3 sever`);
    replaceFile(configFile, good);
    await window.saysNoMore("header", "refused");
    rewrite(world.hedgerow, (config) => ({ ...config, providers: [{ ...config.providers[0], name: "renamed" }] }));
    await window.says("#providers tbody th", "renamed");
    await page.locator("#config summary").click();
    const shown = await page.$eval("#config pre", (part) => part.textContent);
    expect(shown).toContain('"renamed"');
    expect(shown).not.toContain("upstream-key-of");
    expectClean(window, world.url);
  });

  test("says that an instance is gone, keeps what it knew, and goes on when it is back", async () => {
    const port = await freePort();
    const config = configText({ server: { port }, providers: [providerEntry("a", "http://127.0.0.1:9")] });
    await using window = await openWindow();
    const { page } = window;
    {
      await using first = await startHedgerow({ config });
      await page.goto(`${first.url}/admin`);
      await window.says(".badge", "live");
      await first.kill9();
    }
    await window.says(".badge", "no answer from the instance");
    await window.says("#providers tbody th", "a");
    await using second = await startHedgerow({ config });
    await window.says(".badge", "ready");
    await window.says(".badge", "live");
    expectClean(window, second.url);
  });

  test("goes on asking where too many listen to the events already", async () => {
    await using world = await startWorld({ a: answer() });
    await using window = await openWindow();
    const { page } = window;
    const listeners = await Promise.all(Array.from({ length: 32 }, () => fetch(`${world.url}/admin/api/events`)));
    expect(listeners.every(({ ok }) => ok)).toBe(true);
    await page.goto(`${world.url}/admin`);
    await window.says(".badge", "asks every 2s");
    expect(await ask(world.url, "anthropic", { model: "polled" })).toMatchObject({ status: 200 });
    await window.says("#requests td", "polled");
    // Held until here: a stream that nobody refers to any more is collected, and its place is free.
    for (const { body } of listeners) await body?.cancel();
    await window.says(".badge", "live");
    expectClean(window, world.url);
  });
});
