import type { Overrides } from "../config/load.ts";
import type { Question } from "./explain.ts";
import type { RemoteVerb } from "./remote.ts";

/** What a command line asks for, with nothing left to look up. `path`: of the configuration. */
export type Command =
  | Readonly<{ kind: "serve"; path: string; overrides: Overrides }>
  | Readonly<{ kind: "check"; path: string }>
  /** `output` null: standard output. */
  | Readonly<{ kind: "init"; output: string | null; force: boolean }>
  | Readonly<{ kind: "schema" }>
  /** `port` 0: the system chooses. */
  | Readonly<{ kind: "demo"; port: number }>
  | Readonly<{ kind: "status"; verb: RemoteVerb }>
  | Readonly<{ kind: "sessions"; verb: RemoteVerb }>
  | Readonly<{ kind: "end_session"; verb: RemoteVerb & Readonly<{ id: string; client: string | null }> }>
  | Readonly<{ kind: "explain_running"; verb: RemoteVerb & Question }>
  | Readonly<{ kind: "explain_config"; path: string; question: Question; json: boolean }>
  | Readonly<{ kind: "version" }>
  | Readonly<{ kind: "help"; text: string }>
  /** Exit code 2. `reason` is one line, `hint` says what to type instead. */
  | Readonly<{ kind: "misused"; reason: string; hint: string }>;
