import { describe, expect, test } from "bun:test";
import { interpolate } from "../../src/config/interpolate.ts";
import { configOf, linesOf, PROVIDER } from "./world.ts";

describe("variables in a text", () => {
  const env = { A: "1", EMPTY: "", DOLLAR: "${A}" };
  const cases: readonly (readonly [string, string])[] = [
    ["plain", "plain"],
    ["${A}", "1"],
    ["<${A}${A}>", "<11>"],
    ["${EMPTY}", ""],
    ["${EMPTY:-x}", "x"],
    ["${UNSET:-}", ""],
    ["${UNSET:-http://a:1/b-c}", "http://a:1/b-c"],
    ["$$", "$"],
    ["$${A}", "${A}"],
    ["$$${A}", "$1"],
    ["$A $", "$A $"],
    // What comes from outside is not looked into again.
    ["${DOLLAR}", "${A}"],
  ];
  for (const [text, resolved] of cases) {
    test(`${text} is ${JSON.stringify(resolved)}`, () => {
      expect(interpolate(text, env)).toMatchObject({ kind: "text", text: resolved });
    });
  }
  for (const text of ["${", "${}", "${A", "${1A}", "${A-x}", "${A B}"]) {
    test(`${text} is malformed`, () => expect(interpolate(text, env).kind).toBe("wrong"));
  }
  for (const text of ["${A:-${B:-c}}", "${UNSET:-${A}}", "${A:-x${}", "${UNSET:-$${A}}"]) {
    test(`${text} has a variable in its default, which is not looked into`, () => {
      const why = "a default cannot hold a ${…} of its own; set the variable itself instead";
      expect(interpolate(text, env)).toEqual({ kind: "wrong", why });
    });
  }
  test("all that are missing are named at once", () => {
    expect(interpolate("${X}${Y}", env)).toEqual({ kind: "wrong", why: "${X}, ${Y} are not set in the environment" });
  });
});

describe("variables in the file", () => {
  test("become numbers and booleans only where those are wanted", () => {
    const config = configOf(
      `server: {port: "\${PORT}", reuse_port: "\${YES}", max_body: "\${SIZE}"}
clients: [{name: "\${PORT}", key: "\${PORT}"}]
${PROVIDER.replace("}]", ', api_key: "${YES}"}]')}`,
      { env: { PORT: "9000", YES: "true", SIZE: "1MiB" } },
    );
    expect(config.server).toMatchObject({ port: 9_000, reuse_port: true, max_body: 1_048_576 });
    expect(config.clients[0]?.name).toBe("9000");
    expect(config.providers[0]?.api_keys[0]?.reveal()).toBe("true");
  });

  test("work in the names of a table's lines, and hold YAML's own characters", () => {
    const config = configOf(PROVIDER.replace("}]", `, model_map: {"\${FROM}": "\${TO}"}}]`), {
      env: { FROM: "claude-*", TO: "a:#b" },
    });
    expect(config.providers[0]?.model_map).toEqual([{ key: "claude-*", value: "a:#b" }]);
  });

  test("are named and not shown where they are wrong", () => {
    expect(linesOf(`server: {port: "\${PORT}"}\n${PROVIDER}`, { env: { PORT: "80a" } })).toEqual([
      `providers.yaml:1:16 server.port: expected integer 0..65535, got the value of "\${PORT}"`,
    ]);
  });
});
