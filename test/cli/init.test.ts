import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { diskWriter, init } from "../../src/cli/init.ts";
import { SAMPLE } from "../../src/cli/sample.ts";
import { configOf, linesOf, switchedOn } from "../config/world.ts";
import { scriptedTerminal } from "./world.ts";

const folder = mkdtempSync(join(tmpdir(), "hedgerow-init-"));
afterAll(() => rmSync(folder, { recursive: true }));

function inited(output: string | null, force = false) {
  const { terminal, out, err } = scriptedTerminal();
  const code = init({ output, force }, { terminal, writeFile: diskWriter });
  return { code, out: out(), err: err() };
}

describe("hedgerow init", () => {
  test("writes the sample to a new file that its owner alone can read", () => {
    const path = join(folder, "new.yaml");
    const { code, out, err } = inited(path);
    expect([code, err]).toEqual([0, ""]);
    expect(out).toContain(path);
    expect(readFileSync(path, "utf8")).toBe(SAMPLE);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  test("leaves a file alone that is there, unless it is forced", () => {
    const path = join(folder, "old.yaml");
    writeFileSync(path, "old");
    expect(inited(path)).toEqual({
      code: 2,
      out: "",
      err: `hedgerow: ${path} is there already; --force writes over it, -o - prints\n`,
    });
    expect(readFileSync(path, "utf8")).toBe("old");
    expect(inited(path, true).code).toBe(0);
    expect(readFileSync(path, "utf8")).toBe(SAMPLE);
  });

  test("prints to standard output", () => {
    expect(inited(null)).toEqual({ code: 0, out: SAMPLE, err: "" });
  });

  test("says what is wrong with a place that cannot be written", () => {
    const path = join(folder, "none", "a.yaml");
    expect(inited(path)).toEqual({ code: 1, out: "", err: `hedgerow: ${path} cannot be written: ENOENT\n` });
  });
});

describe("the sample", () => {
  test("serves as it is, with an empty environment", () => {
    expect(linesOf(SAMPLE)).toEqual([]);
    expect(configOf(SAMPLE).providers.map(({ name }) => name)).toEqual(["anthropic", "openai", "google"]);
  });

  test("serves with everything switched on, too", () => {
    const all = switchedOn(SAMPLE);
    expect(linesOf(all)).toEqual([]);
    const { providers, clients, sessions } = configOf(all, { env: { ANTHROPIC_API_KEY: "given" } });
    expect(providers).toHaveLength(4);
    expect(providers[0]?.api_keys[0]?.reveal()).toBe("given");
    expect([clients.length, sessions.store]).toEqual([1, "redis"]);
  });

  test("shows the defaults where it shows a setting", () => {
    const shown = configOf(SAMPLE);
    const bare = configOf(`providers: [{name: a, protocols: [gemini], base_url: https://a.example}]`);
    expect([shown.server, shown.sessions, shown.defaults, shown.log]).toEqual([
      bare.server,
      bare.sessions,
      bare.defaults,
      bare.log,
    ]);
  });
});
