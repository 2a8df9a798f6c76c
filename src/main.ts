import "./cli/production.ts";
import packageJson from "../package.json" with { type: "json" };
import { raiseFetchLimit } from "./cli/raise-fetch-limit.ts";
import { run } from "./cli/run.ts";
import { processSignals } from "./cli/signals.ts";

// First of all: it starts the program over in the same process, and what is open by then would be lost.
raiseFetchLimit(process);
const { argv, env } = process;
process.exit(await run({ argv: argv.slice(2), env, signals: processSignals, version: packageJson.version }));
