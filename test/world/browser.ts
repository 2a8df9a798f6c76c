import { describe, test } from "bun:test";
import { type Browser, type Page, launch } from "puppeteer-core";

/**
 * A real browser with one window, used as a person does who sees names and text, and has a keyboard. What is not there
 * yet is waited for. Owns its process.
 */
export type Window = AsyncDisposable &
  Readonly<{
    page: Page;
    /** Waits until a part of the page says these words. */
    says(part: string, words: string): Promise<void>;
    /** Waits until no part of the page says them. */
    saysNoMore(part: string, words: string): Promise<void>;
    /** Goes to the button of this name, once it can be pressed, and presses Enter. */
    press(name: string): Promise<void>;
    /** Fills in the field of this kind and name; an option is chosen by its value. */
    fill(kind: "textbox" | "searchbox" | "combobox", name: string, value: string): Promise<void>;
    /** What the browser complained of: errors of the page, and what its policy kept it from. */
    complaints(): readonly string[];
    /** Everything that was asked for over the network, as method and URL. */
    asked(): readonly string[];
  }>;

const ADVICE = "chromium is not installed: tests of the page are skipped (Debian: apt-get install chromium)";
const BINARY = Bun.which("chromium") ?? Bun.which("google-chrome");
/** For what is to come about in the page, also beside whatever else keeps the machine busy. */
const WAIT_MS = 90_000;
let advised = false;

/** Tests that need a browser: without it they fail in CI, and are skipped with a line of advice elsewhere. */
export function describeWithBrowser(name: string, body: () => void): void {
  if (BINARY !== null) {
    describe(name, body);
    return;
  }
  if (process.env["CI"]) {
    test(`${name}: chromium is installed`, () => {
      throw new Error(ADVICE);
    });
    return;
  }
  if (!advised) console.warn(ADVICE);
  advised = true;
  describe.skip(name, body);
}

export async function openWindow(): Promise<Window> {
  const browser = await started();
  const page = await browser.newPage();
  page.setDefaultTimeout(WAIT_MS);
  const complaints: string[] = [];
  const asked: string[] = [];
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (message) => {
    // An answer that is no success is written there by the browser itself; the page says it in its own words.
    if (message.type() === "error" && !message.text().startsWith("Failed to load resource"))
      complaints.push(message.text());
  });
  page.on("request", (request) => asked.push(`${request.method()} ${request.url()}`));
  return {
    page,
    async says(part, words) {
      await page.waitForFunction(saying(part, words));
    },
    async saysNoMore(part, words) {
      await page.waitForFunction(`!${saying(part, words)}`);
    },
    async press(name) {
      // By the keyboard: what comes in above a button meanwhile cannot move it away from under a pointer.
      const button = page.locator(named(name, "button")).filter((one) => !one.matches(":disabled"));
      await (await button.waitHandle()).press("Enter");
    },
    async fill(kind, name, value) {
      await page.locator(named(name, kind)).fill(value);
    },
    complaints: () => complaints,
    asked: () => asked,
    [Symbol.asyncDispose]: () => browser.close(),
  };
}

/** As text, because it runs in the page: this side of the tests knows no document. */
function saying(part: string, words: string): string {
  const [selector, sought] = [part, words].map((text) => JSON.stringify(text));
  return `[...document.querySelectorAll(${selector})].some((part) => part.textContent.includes(${sought}))`;
}

/** What assistive technology calls it. Not as `::-p-aria(…)`: Bun's form of the library's own pattern loses the words. */
function named(name: string, role: string): string {
  return `aria/[name="${name}"][role="${role}"]`;
}

function started(): Promise<Browser> {
  // As root, which a CI machine's user is, its sandbox does not start; it opens nothing but our own page.
  const args = ["--no-sandbox", "--disable-dev-shm-usage", "--no-first-run"];
  return launch({ executablePath: BINARY ?? "chromium", args, headless: true, timeout: WAIT_MS });
}
