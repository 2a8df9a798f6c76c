import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { readArgs } from "../../src/cli/args.ts";
import type { Command } from "../../src/cli/command.ts";
import { HELP, VERB_HELP, VERBS } from "../../src/cli/help.ts";

const read = (line: string, env: Record<string, string> = {}) => readArgs(line.split(" ").filter(Boolean), env);

describe("a command line that says what to do", () => {
  const remote = { url: "http://127.0.0.1:8787", token: null, json: false };
  const question = { protocol: "gemini", model: "m", client: null, session: null };
  const cases: readonly (readonly [string, Command])[] = [
    ["", { kind: "serve", path: "providers.yaml", overrides: {} }],
    ["serve", { kind: "serve", path: "providers.yaml", overrides: {} }],
    [
      "-c a.yaml --host ::1 --port 0 --log-level debug",
      { kind: "serve", path: "a.yaml", overrides: { host: "::1", port: 0, logLevel: "debug" } },
    ],
    ["serve --config=a.yaml --port=1", { kind: "serve", path: "a.yaml", overrides: { port: 1 } }],
    ["check -ca.yaml", { kind: "check", path: "a.yaml" }],
    ["init", { kind: "init", output: "providers.yaml", force: false }],
    ["init -o - --force", { kind: "init", output: null, force: true }],
    ["schema", { kind: "schema" }],
    ["demo", { kind: "demo", port: 8787 }],
    ["demo --port 0", { kind: "demo", port: 0 }],
    ["status --json", { kind: "status", verb: { ...remote, json: true } }],
    [
      "sessions --url https://h:1 --token t",
      { kind: "sessions", verb: { url: "https://h:1", token: "t", json: false } },
    ],
    ["sessions end ID", { kind: "end_session", verb: { ...remote, id: "ID", client: null } }],
    ["sessions --client c end ID", { kind: "end_session", verb: { ...remote, id: "ID", client: "c" } }],
    [
      "sessions end -aaaaaaaaaaaaaaaaaaaaa --json",
      { kind: "end_session", verb: { ...remote, json: true, id: "-aaaaaaaaaaaaaaaaaaaaa", client: null } },
    ],
    ["sessions end -- -x", { kind: "end_session", verb: { ...remote, id: "-x", client: null } }],
    ["explain --protocol gemini --model m -c f", { kind: "explain_config", path: "f", question, json: false }],
    [
      "explain --url http://h --protocol gemini --model m --client c --session s --json",
      {
        kind: "explain_running",
        verb: { url: "http://h", token: null, json: true, ...question, client: "c", session: "s" },
      },
    ],
    ["--version", { kind: "version" }],
    ["--help", { kind: "help", text: HELP }],
    ["-h", { kind: "help", text: HELP }],
  ];
  for (const [line, command] of cases) {
    test(`hedgerow ${line}`, () => expect(read(line)).toEqual(command));
  }
  for (const verb of VERBS) {
    test(`hedgerow ${verb} --help`, () =>
      expect(read(`${verb} --help`)).toEqual({ kind: "help", text: VERB_HELP[verb] }));
  }
});

describe("the environment stands in for what the command line leaves out", () => {
  test("the configuration's path", () => {
    expect(read("check", { HEDGEROW_CONFIG: "/etc/h.yaml" })).toEqual({ kind: "check", path: "/etc/h.yaml" });
    expect(read("check -c b", { HEDGEROW_CONFIG: "/etc/h.yaml" })).toEqual({ kind: "check", path: "b" });
    expect(read("check", { HEDGEROW_CONFIG: "" })).toEqual({ kind: "check", path: "providers.yaml" });
  });
  test("the admin token", () => {
    expect(read("status", { HEDGEROW_ADMIN_TOKEN: "t" })).toMatchObject({ verb: { token: "t" } });
    expect(read("status --token u", { HEDGEROW_ADMIN_TOKEN: "t" })).toMatchObject({ verb: { token: "u" } });
    expect(read("status", { HEDGEROW_ADMIN_TOKEN: "" })).toMatchObject({ verb: { token: null } });
  });
});

describe("a command line that cannot be meant so", () => {
  const cases: readonly (readonly [line: string, reason: string, hint: string])[] = [
    ["stauts", "there is no verb stauts; did you mean status?", "hedgerow --help"],
    ["help", "there is no verb help", "hedgerow --help"],
    ["--prot 1", "there is no option --prot; did you mean --port?", "hedgerow --help"],
    ["-x", "there is no option -x", "hedgerow --help"],
    ["check --port 1", "there is no option --port", "hedgerow check --help"],
    ["check a.yaml", "a.yaml is one argument too many", "hedgerow check --help"],
    ["-c", "-c needs a value", "hedgerow --help"],
    ["-c --port 1", "-c needs a value", "hedgerow --help"],
    ["--config= --port 1", "--config needs a value", "hedgerow --help"],
    ["-c a -c b", "-c is there twice", "hedgerow --help"],
    ["--port 65536", "--port expected 0..65535, got 65536", "hedgerow --help"],
    ["--port 8o80", "--port expected 0..65535, got 8o80", "hedgerow --help"],
    ["--host a:80", "--host expected IP address or host name", "hedgerow --help"],
    ["--log-level loud", "--log-level expected debug, info, warn, error, got loud", "hedgerow --help"],
    ["init --force=no", "--force takes no value", "hedgerow init --help"],
    ["status --url 127.0.0.1:8787", "--url expected an http:// or https:// URL", "hedgerow status --help"],
    ["sessions end", "sessions end needs the session's id", "hedgerow sessions --help"],
    ["sessions end a b", "b is one argument too many", "hedgerow sessions --help"],
    ["sessions list", "sessions can be listed or ended, not list", "hedgerow sessions --help"],
    ["sessions --client c", "--client goes with sessions end", "hedgerow sessions --help"],
    ["explain --model m", "explain needs --protocol and --model", "hedgerow explain --help"],
    [
      "explain --protocol openai --model m",
      "--protocol expected anthropic, openai-chat, openai-responses, gemini, got openai",
      "hedgerow explain --help",
    ],
    [
      "explain --protocol gemini --model m --url http://h -c f",
      "explain takes --config or --url, not both",
      "hedgerow explain --help",
    ],
    ["explain --protocol gemini --model m --token t", "--token goes with --url", "hedgerow explain --help"],
  ];
  for (const [line, reason, hint] of cases) {
    test(`hedgerow ${line}`, () => expect(read(line)).toEqual({ kind: "misused", reason, hint }));
  }
});

test("a token is never part of a complaint", () => {
  for (const line of [
    "status --token canary --token canary",
    "explain --token canary",
    "status --url x --token canary",
  ]) {
    expect(JSON.stringify(read(line))).not.toContain("canary");
  }
});

test("any words at all are a command or a line of reason", () => {
  const word = fc.oneof(
    fc.constantFrom(
      ...VERBS,
      "end",
      "--",
      "-",
      "-c",
      "-o",
      "--port",
      "--json",
      "--url",
      "--help",
      "--no-json",
      "--x=1",
      "-cx",
      "__proto__",
      "--__proto__",
    ),
    fc.string({ maxLength: 5 }),
  );
  fc.assert(
    fc.property(fc.array(word, { maxLength: 8 }), (args) => {
      const command = readArgs(args, {});
      if (command.kind === "misused") expect(command.reason).not.toBe("");
    }),
    { numRuns: 1_000 },
  );
});

test("every option of a verb is in its help", () => {
  const options =
    Object.values(VERB_HELP)
      .join("\n")
      .match(/--[a-z-]+/g) ?? [];
  for (const option of [
    "--config",
    "--host",
    "--port",
    "--log-level",
    "--output",
    "--force",
    "--url",
    "--token",
    "--json",
    "--protocol",
    "--model",
    "--client",
    "--session",
  ]) {
    expect(options).toContain(option);
  }
});
