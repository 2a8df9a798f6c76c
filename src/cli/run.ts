import { diskFiles } from "../config/files.ts";
import { systemClock } from "../core/clock.ts";
import { systemRandom } from "../core/random.ts";
import { readArgs } from "./args.ts";
import { check } from "./check.ts";
import type { Command } from "./command.ts";
import { explainRunning } from "./explain.ts";
import { explainConfig } from "./explain-config.ts";
import { diskWriter, init } from "./init.ts";
import { schema } from "./schema.ts";
import { runDemo } from "./run-demo.ts";
import { type ServeDoors, type Signals, serve } from "./serve.ts";
import { endSession, sessions } from "./sessions.ts";
import { status } from "./status.ts";
import { processTerminal } from "./terminal.ts";

/** What the process lends to a verb. */
export type ProcessDoors = Readonly<{
  argv: readonly string[];
  env: Readonly<Record<string, string | undefined>>;
  signals: Signals;
  version: string;
}>;

/** Runs one command line; answers the exit code. */
export async function run({ argv, env, signals, version }: ProcessDoors): Promise<number> {
  const terminal = processTerminal(Boolean(env["NO_COLOR"]));
  const doors: ServeDoors = { terminal, env, readFile: diskFiles, clock: systemClock, random: systemRandom, signals };
  const code = await runCommand(readArgs(argv, env), doors, version);
  return (await terminal.written()) || code !== 0 ? code : 1;
}

async function runCommand(command: Command, doors: ServeDoors, version: string): Promise<number> {
  const { terminal, clock, signals } = doors;
  const stopped = new AbortController();
  const world = { terminal, clock, signal: stopped.signal };
  const stop = () => stopped.abort();
  // They have nothing to reload: to them a hangup is the terminal that went away.
  const untilStopped = () => signals({ stop, reload: stop });
  switch (command.kind) {
    case "serve":
      return serve(command, doors);
    case "check":
      return check(command, doors);
    case "init":
      return init(command, { terminal, writeFile: diskWriter });
    case "schema":
      return schema(terminal);
    case "demo":
      untilStopped();
      return runDemo(command.port, doors, stopped.signal);
    case "status":
      untilStopped();
      return status(command.verb, world);
    case "sessions":
      untilStopped();
      return sessions(command.verb, world);
    case "end_session":
      return endSession(command.verb, world);
    case "explain_running":
      return explainRunning(command.verb, world);
    case "explain_config":
      return explainConfig(command, doors, world);
    case "version":
      terminal.write(`hedgerow ${version}\n`);
      return 0;
    case "help":
      terminal.write(command.text);
      return 0;
    case "misused":
      terminal.writeError(`hedgerow: ${command.reason}\ntry: ${command.hint}\n`);
      return 2;
  }
}
