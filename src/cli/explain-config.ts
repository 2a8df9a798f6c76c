import { clientNamed, explainPlan, fileAlone } from "../app/explain.ts";
import { clientNames } from "../app/edge.ts";
import { planOf } from "../app/plan.ts";
import { load } from "../config/load.ts";
import { sessionHash } from "../core/ids.ts";
import { PROTOCOL_NAMES } from "../protocol/protocol.ts";
import { printExplain, type Question } from "./explain.ts";
import { initHint, mistakeLines } from "./mistakes.ts";
import type { World } from "./remote.ts";
import type { ServeDoors } from "./serve.ts";

/** `hedgerow explain -c F`: as the file alone decides, everybody in health and nothing learned. */
export function explainConfig(
  { path, question, json }: Readonly<{ path: string; question: Question; json: boolean }>,
  { env, readFile, clock, random, terminal }: ServeDoors,
  world: World,
): 0 | 2 {
  const loaded = load({ path, env, readFile });
  if (loaded.kind === "bad") {
    terminal.writeError(mistakeLines(loaded) + initHint(loaded, path));
    return 2;
  }
  const plan = planOf(loaded.config);
  const client = clientNamed(plan, question.client);
  if (client === undefined) {
    terminal.writeError(`hedgerow: there is no client ${question.client}; there are ${clientNames(plan).join(", ")}\n`);
    return 2;
  }
  const protocol = PROTOCOL_NAMES.find((name) => name === question.protocol);
  if (protocol === undefined) throw new Error("a protocol that the arguments do not allow");
  const session = question.session === null ? null : sessionHash(client.name, question.session);
  const wondered = { protocol, model: question.model, client, session };
  printExplain(explainPlan(plan, wondered, fileAlone(clock.wallMs()), random), { json, world });
  return 0;
}
