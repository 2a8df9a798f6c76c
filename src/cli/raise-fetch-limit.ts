/** Read by Bun once, from the environment the process was started with. Above 65535 it falls back to 256. */
const LIMIT_NAME = "BUN_CONFIG_MAX_HTTP_REQUESTS";
const LIMIT = "65535";

export type ProcessDoor = Readonly<{
  env: Readonly<Record<string, string | undefined>>;
  argv: readonly string[];
  execArgv: readonly string[];
  execPath: string;
  /** Missing on Windows. Does not return where it works. */
  execve?: ((file: string, args: readonly string[], env: Record<string, string>) => unknown) | undefined;
}>;

/**
 * `fetch` runs at most 256 requests at once and lets the next wait in silence; open streams would use that up. Starts
 * the same program over in the same process with the limit raised, and returns where that is done or decided already
 * (`set`) or not possible (`unavailable`). To be called before anything else is begun: what is open would be lost.
 */
export function raiseFetchLimit(door: ProcessDoor): "set" | "unavailable" {
  const { env, argv, execArgv, execPath, execve } = door;
  if (env[LIMIT_NAME] !== undefined) return "set";
  if (!execve) return "unavailable";
  const given = Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]));
  try {
    execve(execPath, [execPath, ...programArguments(argv, execArgv)], {
      ...Object.fromEntries(given),
      [LIMIT_NAME]: LIMIT,
    });
  } catch {
    // A sandbox may forbid it, or the file may be gone since the start: the program runs on as it is.
  }
  return "unavailable";
}

/** The compiled program names itself in `argv[1]`, by a path inside of it; otherwise that is the script to run. */
function programArguments(argv: readonly string[], execArgv: readonly string[]): readonly string[] {
  const compiled = argv[1]?.startsWith("/$bunfs/") === true;
  return compiled ? argv.slice(2) : [...execArgv, ...argv.slice(1)];
}
