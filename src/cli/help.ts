export const VERBS = ["serve", "check", "init", "schema", "demo", "status", "sessions", "explain"] as const;
export type Verb = (typeof VERBS)[number];

const CONFIG = "  -c, --config FILE   the configuration; else $HEDGEROW_CONFIG, else ./providers.yaml";
const REMOTE = [
  "      --url URL       where it runs (http://127.0.0.1:8787)",
  "      --token TOKEN   its admin.token; else $HEDGEROW_ADMIN_TOKEN",
  "      --json          as JSON",
].join("\n");

export const HELP = `Hedgerow stands between coding agents and several upstream LLM accounts.

usage: hedgerow [serve] [-c FILE] [--host HOST] [--port PORT] [--log-level LEVEL]
       hedgerow VERB [options]

  serve             answer requests (what it does without a verb)
  check             read the configuration and say everything that is wrong with it
  init              write a commented sample configuration
  schema            print the JSON Schema of the configuration, for editors
  demo              the real proxy over three simulated providers, to try it
  status            the providers of a running Hedgerow
  sessions          its sessions
  sessions end ID   end one everywhere
  explain           who would be asked for a request, in which order, and why others not

  hedgerow VERB --help says more. hedgerow --version says which version this is.

The configuration is -c FILE, else $HEDGEROW_CONFIG, else ./providers.yaml.
Exit codes: 0 done, 1 error while running, 2 wrong usage or configuration.
`;

export const VERB_HELP: Readonly<Record<Verb, string>> = {
  serve: `usage: hedgerow [serve] [-c FILE] [--host HOST] [--port PORT] [--log-level LEVEL]

Answers requests until SIGTERM or SIGINT, then lets running ones finish (server.drain); a second signal
ends it at once. SIGHUP, or a change of the file, reads the configuration again.

${CONFIG}
      --host HOST     instead of server.host
      --port PORT     instead of server.port; 0 = the system chooses
      --log-level L   instead of log.level: debug, info, warn or error
`,
  check: `usage: hedgerow check [-c FILE]

Reads the configuration as serve would and prints every mistake, one a line: FILE:LINE:COLUMN KEY: what is wrong.
Exit code 0 without any, 2 with some.

${CONFIG}
`,
  init: `usage: hedgerow init [-o FILE] [--force]

Writes a commented sample configuration that serves as it is.

  -o, --output FILE   where to (providers.yaml); - is standard output
      --force         write over a file that is there
`,
  schema: `usage: hedgerow schema

Prints the JSON Schema of the configuration. With yaml-language-server (VS Code, Neovim, Helix, …):

  hedgerow schema > providers.schema.json

and as first line of providers.yaml:

  # yaml-language-server: $schema=providers.schema.json
`,
  demo: `usage: hedgerow demo [--port PORT]

Starts the real proxy over three simulated providers (fast, slow, failing) inside the process, prints curl lines to
try, and says in words what it decided for each request.

      --port PORT     8787; 0 = the system chooses
`,
  status: `usage: hedgerow status [--url URL] [--token TOKEN] [--json]

The providers of a running Hedgerow: health, sessions and requests with their limits, hedging. On a terminal it goes
on until q is pressed; in a pipe it prints once.

${REMOTE}
`,
  sessions: `usage: hedgerow sessions [--url URL] [--token TOKEN] [--json]
       hedgerow sessions end ID [--client C] [--url URL] [--token TOKEN] [--json]

The sessions of a running Hedgerow, or the end of one: its streams are cut with an honest end, its slots freed.
ID is as shown, or the client's own.

      --client C      whose it is, where several clients know the same id
${REMOTE}
`,
  explain: `usage: hedgerow explain [-c FILE | --url URL [--token TOKEN]] --protocol P --model M [--client C] [--session S] [--json]

Who would be asked for such a request, in which order, why others not, and after which delay it is hedged: by the
configuration alone, or with --url by a running Hedgerow with all it knows now.

${CONFIG}
      --url URL       ask the Hedgerow that runs there
      --token TOKEN   its admin.token; else $HEDGEROW_ADMIN_TOKEN
      --protocol P    anthropic, openai-chat, openai-responses or gemini
      --model M       as a client would name it
      --client C      name of a client (clients[].name)
      --session S     the session's own id
      --json          as JSON
`,
};
