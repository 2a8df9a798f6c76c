import { expect, test } from "bun:test";
import { check } from "../../src/cli/check.ts";
import { diskOf, PROVIDER } from "../config/world.ts";
import { scriptedTerminal } from "./world.ts";

function checked(disk: Record<string, string>, env: Record<string, string> = {}) {
  const { terminal, out, err } = scriptedTerminal();
  const code = check({ path: "conf/p.yaml" }, { terminal, env, readFile: diskOf(disk) });
  return { code, out: out(), err: err() };
}

test("a file without mistakes is counted", () => {
  expect(checked({ "conf/p.yaml": PROVIDER })).toEqual({
    code: 0,
    out: "conf/p.yaml: no mistakes; 1 provider, 0 clients\n",
    err: "",
  });
});

test("each mistake is a line of its own on standard output, and their number goes to the other", () => {
  expect(checked({ "conf/p.yaml": `log: {level: loud}\nserver: {port: -1}\n${PROVIDER}` })).toEqual({
    code: 2,
    out: [
      `conf/p.yaml:1:14 log.level: expected debug, info, warn or error, got "loud"\n`,
      "conf/p.yaml:2:16 server.port: expected integer 0..65535, got -1\n",
    ].join(""),
    err: "hedgerow: 2 mistakes in conf/p.yaml\n",
  });
});

test("what is allowed and hardly meant is a line too, and no mistake", () => {
  const text = PROVIDER.replace("}]", ", models: [m], model_map: {n: m}}]");
  expect(checked({ "conf/p.yaml": text })).toEqual({
    code: 0,
    out: [
      "conf/p.yaml:1:104 providers[0].model_map.n: never used, since models of a leaves this name out; add it there\n",
      "conf/p.yaml: no mistakes, 1 note; 1 provider, 0 clients\n",
    ].join(""),
    err: "",
  });
});

test("a file that is not there is a mistake like any other, with a word on how to come by one", () => {
  expect(checked({})).toEqual({
    code: 2,
    out: "conf/p.yaml:1:1 the configuration cannot be read: no such file\n",
    err: "hedgerow: 1 mistake in conf/p.yaml\ntry: hedgerow init -o conf/p.yaml\n",
  });
});

test("variables come from the environment", () => {
  const disk = { "conf/p.yaml": PROVIDER.replace("}]", ', api_key: "${KEY}"}]') };
  expect(checked(disk).code).toBe(2);
  expect(checked(disk, { KEY: "k" }).code).toBe(0);
});
