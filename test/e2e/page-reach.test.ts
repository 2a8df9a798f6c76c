import { expect, setDefaultTimeout, test } from "bun:test";
import type { Page, SerializedAXNode } from "puppeteer-core";
import { answer } from "../../src/simulator/behaviour.ts";
import { describeWithBrowser, openWindow, type Window } from "../world/browser.ts";
import { asSession } from "../world/gates.ts";
import { ask } from "../world/http.ts";
import { startWorld } from "../world/scripted-upstream.ts";

setDefaultTimeout(300_000);

const TOKEN = "correct-horse-battery-staple";
const CONTROLS = ["button", "link", "textbox", "searchbox", "combobox"];
/** All that a keyboard must come to, as the page itself counts it. */
const FOCUSABLE = "a, button:enabled, input, select, summary, [tabindex]";

/** The page with something in each of its parts: a request unfolded, an answer of Explain, the config open, something said. */
async function everythingIsThere({ page, says, press, fill }: Window, url: string): Promise<void> {
  await page.goto(`${url}/admin`);
  await says(".badge", "live");
  expect(
    await ask(url, "anthropic", { ...asSession("one"), model: "a-model-of-quite-a-long-name-20261105" }),
  ).toMatchObject({ status: 200 });
  await says("#requests tbody td", "a-model-of-quite-a-long-name");
  await (await page.waitForSelector("#requests .fold"))?.press("Enter");
  await says(".timeline li", "a first");
  await fill("textbox", "Model", "m");
  await press("Who would be asked?");
  await says("#explain li", "a by priority");
  await (await page.waitForSelector("#config summary"))?.press("Enter");
  await says("#config pre", "base_url");
  await says("#sessions tr", "a (slot kept");
  await press("Disable a");
  await says("output", "disabled here");
}

function controls(node: SerializedAXNode): readonly SerializedAXNode[] {
  const below = (node.children ?? []).flatMap(controls);
  return CONTROLS.includes(node.role) ? [node, ...below] : below;
}

/** Tab by Tab, from the first to the last: the index of what is seen to have the focus, among all that may have it. */
async function walked(page: Page): Promise<readonly number[]> {
  const seen: number[] = [];
  await page.evaluate(`document.querySelector(${JSON.stringify(FOCUSABLE)}).focus()`);
  for (;;) {
    const index = Number(
      await page.evaluate(`(() => {
        const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement);
        const isSeen = outlineStyle === "solid" && outlineWidth === "2px";
        return isSeen ? [...document.querySelectorAll(${JSON.stringify(FOCUSABLE)})].indexOf(document.activeElement) : -1;
      })()`),
    );
    if (index === -1 || seen.includes(index)) return seen;
    seen.push(index);
    await page.keyboard.press("Tab");
  }
}

describeWithBrowser("the page", () => {
  test("has a name for each control, and a keyboard comes to all of them in their order, in sight", async () => {
    await using world = await startWorld({ a: answer(), b: answer() }, { each: { limits: { sessions: 5 } } });
    await using window = await openWindow();
    await everythingIsThere(window, world.url);
    const tree = await window.page.accessibility.snapshot();
    const all = tree === null ? [] : controls(tree);
    expect(new Set(all.map(({ role }) => role))).toEqual(new Set(CONTROLS));
    expect(all.filter(({ name }) => !name?.trim())).toEqual([]);
    const buttons = all.flatMap(({ role, name }) => (role === "button" ? [name] : []));
    expect(buttons).toContain("Reset a");
    expect(buttons).toContain("Reset b");
    const count = await window.page.$$eval(FOCUSABLE, (parts) => parts.length);
    expect(await walked(window.page)).toEqual(Array.from({ length: count }, (_, index) => index));
  });

  test.each(["light", "dark"])("fits into 400 pixels, %s: what is wider scrolls by itself", async (scheme) => {
    await using world = await startWorld({ a: answer() });
    await using window = await openWindow();
    const { page } = window;
    await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
    await page.setViewport({ width: 400, height: 800 });
    await everythingIsThere(window, world.url);
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(400);
    const cut = await page.evaluate(`[...document.querySelectorAll("header *, main *, output *")]
      .filter((part) => !part.closest(".scroll, pre, .unseen") && part.getBoundingClientRect().right > 400)
      .map((part) => part.outerHTML)`);
    expect(cut).toEqual([]);
    const ground = String(await page.evaluate("getComputedStyle(document.documentElement).backgroundColor"));
    expect(ground).toBe(scheme === "light" ? "rgb(251, 251, 249)" : "rgb(20, 24, 26)");
  });

  test("leads from a session to its requests, whatever was chosen among them before", async () => {
    await using world = await startWorld({ a: answer() });
    await using window = await openWindow();
    const { page } = window;
    await everythingIsThere(window, world.url);
    await window.fill("combobox", "Show requests", "hedged");
    await window.says("#requests", "no requests");
    await (await page.waitForSelector("#sessions tbody th button"))?.press("Enter");
    await window.says("#requests tbody td", "a-model-of-quite-a-long-name");
    const words = await page.$eval("#sessions tbody th button", (part) => part.textContent);
    expect(await page.evaluate("[document.activeElement.ariaLabel, document.activeElement.value]")).toEqual([
      "Requests with",
      words,
    ]);
  });

  test("works below another path, behind a proxy that keeps the Host", async () => {
    await using world = await startWorld({ a: answer() }, { config: { admin: { token: TOKEN } } });
    await using window = await openWindow();
    const { page } = window;
    await using proxy = proxyBelow("/team/hedgerow", world.url);
    await page.goto(`${proxy.url}/admin`);
    await window.fill("textbox", "Token", TOKEN);
    await window.press("Sign in");
    await window.says(".badge", "ready");
    await window.says(".badge", "live");
    await window.press("Disable a");
    await window.says("#providers tr", "disabled");
    expect(window.complaints()).toEqual([]);
    const elsewhere = window.asked().filter((one) => !one.includes(` ${proxy.url}/`) && !one.includes(" data:"));
    expect(elsewhere).toEqual([]);
  });
});

/** A reverse proxy that has what is at `target` below a path of its own. Owns its server. */
function proxyBelow(path: string, target: string): AsyncDisposable & Readonly<{ url: string }> {
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    idleTimeout: 0,
    async fetch({ url, method, headers, signal }) {
      const { pathname, search } = new URL(url);
      if (!pathname.startsWith(`${path}/`)) return new Response("not here", { status: 404 });
      const forwarded = new Headers(headers);
      forwarded.set("x-forwarded-for", "192.0.2.7");
      return await fetch(`${target}${pathname.slice(path.length)}${search}`, {
        method,
        headers: forwarded,
        signal,
        decompress: false,
      });
    },
  });
  return {
    url: `${server.url.origin}${path}`,
    [Symbol.asyncDispose]: () => server.stop(true),
  };
}
