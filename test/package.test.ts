import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";

type Package = Readonly<{
  version: string;
  scripts: Readonly<Record<string, string>>;
  dependencies: Readonly<Record<string, string>>;
  devDependencies: Readonly<Record<string, string>>;
  allowScripts: Readonly<Record<string, boolean>>;
}>;

const text = (path: string) => readFileSync(path, "utf8");
const PACKAGE = JSON.parse(text("package.json")) as Package;

test("every dependency is one exact version", () => {
  const all = Object.entries({ ...PACKAGE.dependencies, ...PACKAGE.devDependencies });
  expect(all.filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([]);
});

test("there is one lock, and it names no registry", () => {
  const locks = ["bun.lock", "bun.lockb", "yarn.lock", "pnpm-lock.yaml", "npm-shrinkwrap.json"];
  expect(locks.filter((path) => existsSync(path))).toEqual([]);
  expect(text("package-lock.json")).not.toContain('"resolved"');
});

test("a fresh machine gets bun with npm ci alone", () => {
  expect(PACKAGE.devDependencies["bun"]).toBe(Bun.version);
  // npm 12 does not run install scripts that are not allowed by name, and bun's fetches the runtime.
  expect(PACKAGE.allowScripts["bun"]).toBe(true);
});

test("the binary takes nothing from the folder it is started in", () => {
  // Without these a compiled binary reads the folder's .env and runs what its bunfig.toml preloads.
  expect(PACKAGE.scripts["build"]).toContain("--no-compile-autoload-dotenv");
  expect(PACKAGE.scripts["build"]).toContain("--no-compile-autoload-bunfig");
});
