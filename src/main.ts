import "./production.ts";
import { raiseFetchLimit } from "./cli/raise-fetch-limit.ts";
import { run } from "./cli/run.ts";
import { processSignals } from "./cli/signals.ts";

// First of all: it starts the program over in the same process, and what is open by then would be lost.
raiseFetchLimit(process);
process.exit(await run({ argv: process.argv.slice(2), env: process.env, signals: processSignals }));
