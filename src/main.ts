import "./cli/first.ts";
import packageJson from "../package.json" with { type: "json" };
import { run } from "./cli/run.ts";
import { processSignals } from "./cli/signals.ts";

const { argv, env } = process;
process.exit(await run({ argv: argv.slice(2), env, signals: processSignals, version: packageJson.version }));
