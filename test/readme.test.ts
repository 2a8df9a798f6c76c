import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { Registry } from "prom-client";
import { load } from "../src/config/load.ts";
import { printProblem } from "../src/config/problem.ts";
import { ERROR_STATUS } from "../src/core/errors.ts";
import { metricFamilies } from "../src/observe/metric-families.ts";
import { withConfigTable } from "./readme.ts";

const README = readFileSync("README.md", "utf8");
const SCRIPTS = Object.keys((JSON.parse(readFileSync("package.json", "utf8")) as { scripts: object }).scripts);

/** The fenced blocks of one language. */
function blocks(language: string): string[] {
  return [...README.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, "gm"))].map(
    ([, text]) => text ?? "",
  );
}

const matches = (text: string, what: RegExp) => [...text.matchAll(what)].map((match) => match[1] ?? match[0]);
const unique = (words: readonly string[]) => [...new Set(words)].sort();

test("the configuration table is the schema's (npm run docs writes it)", () => {
  expect(withConfigTable(README)).toBe(README);
});

test("every configuration that is shown has no mistake", () => {
  const shown = blocks("yaml").filter((text) => /^(?:providers|sessions):/m.test(text));
  expect(shown).toHaveLength(3);
  const spare = "providers: [{ name: a, protocols: [gemini], base_url: https://a.example, api_key: key }]\n";
  for (const text of shown) {
    const whole = text.includes("providers:") ? text : text + spare;
    const env = Object.fromEntries(matches(text, /\$\{(\w+)\}/g).map((name) => [name, `value-of-${name}`]));
    const bytes = new TextEncoder().encode(whole);
    const loaded = load({ path: "providers.yaml", env, readFile: () => ({ kind: "bytes", bytes }) });
    expect(loaded.kind === "ok" ? [] : loaded.problems.map(printProblem)).toEqual([]);
  }
});

test("every error code is listed with its status, and no other", () => {
  const listed = [...README.matchAll(/^\| `([a-z_]+)` \| (\d{3}) \|/gm)].map(([, code, status]) => [
    code,
    Number(status),
  ]);
  expect(Object.fromEntries(listed)).toEqual(ERROR_STATUS);
});

test("every metric is listed, and none is spoken of that there is not", async () => {
  const registry = new Registry();
  metricFamilies(registry);
  const names = unique((await registry.getMetricsAsJSON()).map(({ name }) => name));
  expect(unique(matches(README, /\bhedgerow_[a-z_]+/g))).toEqual(names);
});

test("commands, files and headings that it names are there", () => {
  const scripts = matches(README, /npm run ([a-z:]+)/g).filter((name) => !SCRIPTS.includes(name));
  const anchors = matches(README, /\]\(#([^)]+)\)/g);
  const headings = matches(README, /^#+ (.+)$/gm).map((heading) => heading.toLowerCase().replaceAll(" ", "-"));
  expect(scripts).toEqual([]);
  expect(anchors.filter((anchor) => !headings.includes(anchor))).toEqual([]);
  expect(matches(README, /bash (\S+?)`/g).filter((path) => !existsSync(path))).toEqual([]);
});
