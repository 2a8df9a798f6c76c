import { expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { builtPage } from "../../src/page/build.ts";

const { html, policy } = builtPage();
/** Room for twice of what it is; a library that comes in by mistake, or a copy of node's own, is more. */
const BYTES_MAX = 100_000;

/** What stands between the tags of this name, each time. */
function parts(tag: string): readonly string[] {
  return [...html.matchAll(new RegExp(`<${tag}(?: [^>]*)?>([\\s\\S]*?)</${tag}>`, "g"))].map(([, text]) => text ?? "");
}

function directive(name: string): string | undefined {
  return policy
    .split("; ")
    .find((one) => one.startsWith(`${name} `))
    ?.slice(name.length + 1);
}

test.each(["script", "style"])("the policy lets the page's own %s be, and no other", (tag) => {
  const hashes = parts(tag).map((text) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`);
  expect(hashes).toHaveLength(1);
  expect(directive(`${tag}-src`)).toBe(hashes.join(" "));
});

test("the policy starts from nothing, and lets the page speak to its own instance alone", () => {
  expect(directive("default-src")).toBe("'none'");
  expect(directive("connect-src")).toBe("'self'");
  expect(policy).not.toMatch(/unsafe|\*|https?:/);
});

test("the page is one document that loads nothing", () => {
  const outside = html.replace(/<script[\s\S]*<\/script>|<style[\s\S]*<\/style>/g, "");
  expect(outside).not.toMatch(/ src=|@import|<(?:img|iframe|object|embed|base|form)\b/);
  expect([...outside.matchAll(/ href="([^"]*)"/g)].map(([, href]) => href?.slice(0, 5))).toEqual(["data:"]);
  expect(parts("style").join()).not.toMatch(/url\(|@import/);
  // Names of XML vocabularies are no addresses: nothing is asked for there.
  const urls = html.match(/https?:\/\/[\w.-]+/g) ?? [];
  expect(urls.filter((url) => url !== "http://www.w3.org")).toEqual([]);
  expect(html).not.toContain("sourceMappingURL");
  expect(Buffer.byteLength(html)).toBeLessThan(BYTES_MAX);
});

test("the page is the same each time it is built, and says nothing of the machine it was built on", () => {
  expect(builtPage()).toEqual({ html, policy });
  expect(html).not.toContain(import.meta.dir.split("/test/")[0] ?? "");
});
