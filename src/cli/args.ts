import { parseArgs } from "node:util";
import type { Env } from "../config/interpolate.ts";
import { nearest } from "../config/nearest.ts";
import { HOST } from "../config/text-formats.ts";
import { PROTOCOL_NAMES } from "../protocol/protocol.ts";
import { REMOTE_URL_DEFAULT } from "./admin-client.ts";
import type { Command } from "./command.ts";
import type { Question } from "./explain.ts";
import { HELP, VERB_HELP, VERBS, type Verb } from "./help.ts";
import type { RemoteVerb } from "./remote.ts";

/** `text` options take a value, `flag` options none. */
type Option = Readonly<{ kind: "text" | "flag"; short?: string }>;
type Options = Readonly<Record<string, Option>>;

const HELP_OPTION: Options = { help: { kind: "flag", short: "h" } };
const CONFIG: Options = { config: { kind: "text", short: "c" } };
const REMOTE: Options = { url: { kind: "text" }, token: { kind: "text" }, json: { kind: "flag" } };

const OPTIONS: Readonly<Record<Verb, Options>> = {
  serve: { ...CONFIG, host: { kind: "text" }, port: { kind: "text" }, "log-level": { kind: "text" } },
  check: CONFIG,
  init: { output: { kind: "text", short: "o" }, force: { kind: "flag" } },
  schema: {},
  demo: { port: { kind: "text" } },
  status: REMOTE,
  sessions: { ...REMOTE, client: { kind: "text" } },
  explain: {
    ...CONFIG,
    ...REMOTE,
    protocol: { kind: "text" },
    model: { kind: "text" },
    client: { kind: "text" },
    session: { kind: "text" },
  },
};

const CONFIG_PATH_DEFAULT = "providers.yaml";
const PORT_DEFAULT = "8787";
const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;

/** Thrown inside this file only: one way out for every kind of misuse. */
class Misused extends Error {}

/** Reads the arguments after the program's name. Never throws. */
export function readArgs(args: readonly string[], env: Env): Command {
  const [first, ...rest] = args;
  if (first === "--version" && rest.length === 0) return { kind: "version" };
  if ((first === "--help" || first === "-h") && rest.length === 0) return { kind: "help", text: HELP };
  const verb = VERBS.find((name) => name === first);
  if (verb === undefined && first !== undefined && !first.startsWith("-")) {
    const near = nearest(first, VERBS);
    const reason = `there is no verb ${first}${near === null ? "" : `; did you mean ${near}?`}`;
    return { kind: "misused", reason, hint: "hedgerow --help" };
  }
  try {
    return commandOf(verb ?? "serve", verb === undefined ? args : rest, env);
  } catch (error) {
    if (!(error instanceof Misused)) throw error;
    const hint = verb === undefined ? "hedgerow --help" : `hedgerow ${verb} --help`;
    return { kind: "misused", reason: error.message, hint };
  }
}

/** The options that were given; flags are "". */
type Given = Readonly<Record<string, string | undefined>>;
type Arguments = Readonly<{ given: Given; words: readonly string[] }>;

/** Ids as they are shown: one in 64 begins with a dash and would be taken for an option. */
const SESSION_ID = /^-[A-Za-z0-9_-]{21}$/;

function commandOf(verb: Verb, args: readonly string[], env: Env): Command {
  const { given, words } = optionsOf({ ...OPTIONS[verb], ...HELP_OPTION }, args);
  if (given["help"] !== undefined) return { kind: "help", text: VERB_HELP[verb] };
  if (words.length > 0 && verb !== "sessions") throw new Misused(`${words[0]} is one argument too many`);
  switch (verb) {
    case "serve":
      return { kind: "serve", path: configPath(given, env), overrides: overridesOf(given) };
    case "check":
      return { kind: "check", path: configPath(given, env) };
    case "init": {
      const output = given["output"] ?? CONFIG_PATH_DEFAULT;
      return { kind: "init", output: output === "-" ? null : output, force: given["force"] !== undefined };
    }
    case "schema":
      return { kind: "schema" };
    case "demo":
      return { kind: "demo", port: portOf(given["port"] ?? PORT_DEFAULT) };
    case "status":
      return { kind: "status", verb: remoteOf(given, env) };
    case "sessions":
      return sessionsOf({ given, words }, env);
    case "explain":
      return explainOf(given, env);
    default:
      return verb;
  }
}

function optionsOf(options: Options, args: readonly string[]): Arguments {
  const [end, id, ...rest] = args;
  const { tokens } = parseArgs({
    args: end === "end" && id !== undefined && SESSION_ID.test(id) ? [end, ...rest, "--", id] : [...args],
    options: Object.fromEntries(
      Object.entries(options).map(([name, { kind, short }]) => [
        name,
        { type: kind === "text" ? ("string" as const) : ("boolean" as const), ...(short !== undefined && { short }) },
      ]),
    ),
    // Only the tokens are used: the parser's own complaints are of several lines and quote values.
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const given: Record<string, string> = {};
  const words: string[] = [];
  for (const token of tokens) {
    if (token.kind === "positional") words.push(token.value);
    if (token.kind !== "option") continue;
    const option = Object.hasOwn(options, token.name) ? options[token.name] : undefined;
    if (option === undefined) throw new Misused(unknown(token.rawName, Object.keys(options)));
    if (given[token.name] !== undefined) throw new Misused(`${token.rawName} is there twice`);
    given[token.name] = option.kind === "text" ? textOf(token) : flagOf(token);
  }
  return { given, words };
}

type OptionToken = Readonly<{ rawName: string; value?: string | undefined; inlineValue?: boolean | undefined }>;

function textOf({ rawName, value, inlineValue }: OptionToken): string {
  const isNextOption = inlineValue !== true && value !== undefined && value.startsWith("-") && value !== "-";
  if (value === undefined || value === "" || isNextOption) throw new Misused(`${rawName} needs a value`);
  return value;
}

function flagOf({ rawName, value }: OptionToken): string {
  if (value !== undefined) throw new Misused(`${rawName} takes no value`);
  return "";
}

function unknown(rawName: string, known: readonly string[]): string {
  const near = nearest(rawName.replace(/^-+/, ""), known);
  return `there is no option ${rawName}${near === null ? "" : `; did you mean --${near}?`}`;
}

function configPath(given: Given, env: Env): string {
  return given["config"] ?? (env["HEDGEROW_CONFIG"] || CONFIG_PATH_DEFAULT);
}

function overridesOf({ host, port, "log-level": level }: Given): (Command & { kind: "serve" })["overrides"] {
  const logLevel = LOG_LEVELS.find((name) => name === level);
  if (level !== undefined && logLevel === undefined) {
    throw new Misused(`--log-level expected ${LOG_LEVELS.join(", ")}, got ${level}`);
  }
  if (host !== undefined && HOST.parse(host).kind === "wrong") throw new Misused(`--host expected ${HOST.expected}`);
  return {
    ...(host !== undefined && { host }),
    ...(port !== undefined && { port: portOf(port) }),
    ...(logLevel !== undefined && { logLevel }),
  };
}

function portOf(text: string): number {
  const port = Number(text);
  if (!/^[0-9]{1,5}$/.test(text) || port > 65_535) throw new Misused(`--port expected 0..65535, got ${text}`);
  return port;
}

function remoteOf(given: Given, env: Env): RemoteVerb {
  const url = given["url"] ?? REMOTE_URL_DEFAULT;
  if (!/^https?:\/\/./.test(url) || !URL.canParse(url)) throw new Misused(`--url expected an http:// or https:// URL`);
  return { url, token: given["token"] ?? (env["HEDGEROW_ADMIN_TOKEN"] || null), json: given["json"] !== undefined };
}

function sessionsOf({ given, words }: Arguments, env: Env): Command {
  const verb = remoteOf(given, env);
  const client = given["client"] ?? null;
  const [what, id, ...more] = words;
  if (what === undefined && client === null) return { kind: "sessions", verb };
  if (what !== "end")
    throw new Misused(
      what === undefined ? "--client goes with sessions end" : `sessions can be listed or ended, not ${what}`,
    );
  if (id === undefined) throw new Misused("sessions end needs the session's id");
  if (more.length > 0) throw new Misused(`${more[0]} is one argument too many`);
  return { kind: "end_session", verb: { ...verb, id, client } };
}

function explainOf(given: Given, env: Env): Command {
  const { protocol, model } = given;
  if (protocol === undefined || model === undefined) throw new Misused("explain needs --protocol and --model");
  if (!PROTOCOL_NAMES.some((name) => name === protocol)) {
    throw new Misused(`--protocol expected ${PROTOCOL_NAMES.join(", ")}, got ${protocol}`);
  }
  const question: Question = { protocol, model, client: given["client"] ?? null, session: given["session"] ?? null };
  if (given["url"] === undefined) {
    if (given["token"] !== undefined) throw new Misused("--token goes with --url");
    return { kind: "explain_config", path: configPath(given, env), question, json: given["json"] !== undefined };
  }
  if (given["config"] !== undefined) throw new Misused("explain takes --config or --url, not both");
  return { kind: "explain_running", verb: { ...remoteOf(given, env), ...question } };
}
