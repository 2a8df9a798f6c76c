import { describe, expect, test } from "bun:test";
import { resolve } from "node:path";
import { printProblem } from "../../src/config/problem.ts";
import { loaded } from "./world.ts";

/** The lines of a file that is in order. */
function notesOf(text: string): readonly string[] {
  const result = loaded(text, { disk: { [resolve("token")]: "sk-canary" } });
  if (result.kind === "bad") throw new Error(result.problems.map(printProblem).join("\n"));
  return result.notes.map(printProblem);
}

const provider = (more = "") =>
  `providers: [{name: p, protocols: [gemini], base_url: https://a.example, api_key: k${more}}]\n`;

describe("what is allowed and hardly meant is noted", () => {
  test("a client whose groups no provider is in", () => {
    const clients = "clients: [{name: a, key: a}, {name: b, key: b, groups: [vip, team]}, {name: c, key: c}]\n";
    expect(notesOf(clients + provider(", groups: [default, x]"))).toEqual([
      "providers.yaml:1:56 clients[1].groups: no provider is in vip or team; every request of b will be answered no_provider",
    ]);
    expect(notesOf(clients + provider(", groups: [team]"))).toEqual([
      "providers.yaml:1:11 clients[0]: no provider is in default; every request of a will be answered no_provider",
      "providers.yaml:1:70 clients[2]: no provider is in default; every request of c will be answered no_provider",
    ]);
  });

  test("a mapped name that models leaves out", () => {
    const map = ", model_map: {claude-1: up, gpt-4: up, gpt-*: up}";
    expect(notesOf(provider(`, models: ["claude-*"]${map}`))).toEqual([
      "providers.yaml:1:140 providers[0].model_map.gpt-4: never used, since models of p leaves this name out; add it there",
    ]);
    expect(notesOf(provider(`, models: ["*-*"]${map}`))).toEqual([]);
    expect(notesOf(provider(map))).toEqual([]);
  });

  test("an operator's token that a client has too, and neither is shown", () => {
    const lines = notesOf(
      `admin: {token: sk-canary}\nclients: [{name: a, key: a}, {name: b, key_file: token}]\n${provider()}`,
    );
    expect(lines).toEqual([
      "providers.yaml:1:16 admin.token: the same as the key of clients[1]: b may do all that an operator may",
    ]);
  });

  test("in the order of the file, and nothing of a file that has none", () => {
    const text = `clients: [{name: a, key: k, groups: [x]}]\n${provider(", models: [m], model_map: {n: up}")}admin: {token: k}\n`;
    expect(notesOf(text).map((line) => line.split(" ")[1])).toEqual([
      "clients[0].groups:",
      "providers[0].model_map.n:",
      "admin.token:",
    ]);
    expect(notesOf(`clients: [{name: a, key: k}]\n${provider()}admin: {token: t}\n`)).toEqual([]);
  });
});
