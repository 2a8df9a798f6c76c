/** `providers.ts NAME…`: simulated upstreams in a process of their own. Tells its parent their URLs, in the same order. */
import { argv } from "node:process";
import { answer } from "../../../src/simulator/behaviour.ts";
import { startSimulator } from "../../../src/simulator/simulator.ts";
import { chance, SEED, STREAM } from "./chance.ts";

/** What a coding agent's short turn has: the prompt's bytes by the rule of thumb of four to a token, and few words back. */
const TOKENS = { input: 1_000, output: 100, cached: 0 };

const { firstTokenMs } = chance(SEED);
const urls = argv.slice(2).map(
  (name) =>
    startSimulator({
      keep: 0,
      behave: (request) =>
        answer({
          reply: { pieces: Array.from({ length: STREAM.pieces }, (_, at) => `word ${at} `), tokens: TOKENS },
          firstMs: firstTokenMs(name, request.header("x-bench-request") ?? ""),
          gapMs: STREAM.gapMs,
        })(request),
    }).url,
);
process.send?.(urls);
