import { type App, type AppOptions, startApp } from "../app/app.ts";
import type { ReadFile } from "../config/files.ts";
import type { Env } from "../config/interpolate.ts";
import { type Loaded, load, type Overrides } from "../config/load.ts";
import type { Clock } from "../core/clock.ts";
import { HedgerowError } from "../core/errors.ts";
import type { Observer } from "../core/events.ts";
import type { Random } from "../core/random.ts";
import { initHint, mistakeLines } from "./mistakes.ts";
import type { Terminal } from "./terminal.ts";

export type ServeDoors = Readonly<{
  terminal: Terminal;
  env: Env;
  readFile: ReadFile;
  clock: Clock;
  random: Random;
  signals: Signals;
}>;

/** Calls back for each of the signals that a server is told things by. */
export type Signals = (on: Readonly<{ stop(): void; reload(): void }>) => void;

/** `hedgerow serve`: runs until it is told to stop, drains, and answers the exit code. */
export async function serve(
  { path, overrides }: Readonly<{ path: string; overrides: Overrides }>,
  doors: ServeDoors,
): Promise<0 | 1 | 2> {
  const { env, readFile, terminal } = doors;
  const read = () => load({ path, env, readFile, overrides });
  const first = read();
  if (first.kind === "bad") {
    terminal.writeError(mistakeLines(first) + initHint(first, path));
    return 2;
  }
  const told = Promise.withResolvers<void>();
  let app: App | null = null;
  let reloadAsked = false;
  const reload = () => {
    if (app) app.reload();
    else reloadAsked = true;
  };
  // Before listening: a signal that comes in between must not end the process in its default way.
  doors.signals({ stop: told.resolve, reload });
  try {
    app = await start(first, { path, load: read, watch: true }, doors);
  } catch (error) {
    terminal.writeError(`hedgerow: ${whyNot(error, first.config.server)}\n`);
    return error instanceof HedgerowError && error.code === "store_config" ? 2 : 1;
  }
  if (reloadAsked) app.reload();
  await told.promise;
  await app.drain();
  return 0;
}

/** Starts the proxy on a configuration that has been read. */
export function start(
  first: Loaded & { kind: "ok" },
  from: Pick<AppOptions, "path" | "load" | "watch"> & Readonly<{ observe?: Observer }>,
  { clock, random, terminal }: Pick<ServeDoors, "clock" | "random" | "terminal">,
): Promise<App> {
  return startApp({ ...from, first, clock, random, colour: terminal.colour });
}

function whyNot(error: unknown, { host, port }: Readonly<{ host: string; port: number }>): string {
  if (!(error instanceof Error)) return String(error);
  const code = "code" in error ? error.code : "";
  if (code === "EADDRINUSE") return `the port is taken: ${port} at ${host} (server.port, or --port N)`;
  if (code === "EACCES") return `not allowed to listen on port ${port} (ports below 1024 need the right to)`;
  // Of a name that means nothing the runtime reports whichever failure it had last.
  const fromListening = "syscall" in error && (error.syscall === "listen" || error.syscall === "getaddrinfo");
  if (fromListening) return `cannot listen at ${host}: no address of this machine (server.host, or --host H)`;
  return error.message;
}
