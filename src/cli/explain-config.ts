import { planOf } from "../app/plan.ts";
import { load } from "../config/load.ts";
import { printProblem } from "../config/problem.ts";
import { sessionHash } from "../core/ids.ts";
import { ANONYMOUS } from "../http/auth.ts";
import { explainView } from "../http/admin/views.ts";
import { PROTOCOL_NAMES } from "../protocol/protocol.ts";
import { rank } from "../provider/rank.ts";
import { type Question, printExplain } from "./explain.ts";
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
    for (const problem of loaded.problems) terminal.writeError(`${printProblem(problem)}\n`);
    return 2;
  }
  const { providers, clients } = planOf(loaded.config);
  const known = [...clients.map(({ name }) => name), ...(clients.length === 0 ? [ANONYMOUS.name] : [])];
  const client =
    clients.find(({ name }) => name === (question.client ?? known[0])) ?? (clients.length === 0 ? ANONYMOUS : null);
  if (client === null || (question.client !== null && !known.includes(question.client))) {
    terminal.writeError(`hedgerow: there is no client ${question.client}; there are ${known.join(", ")}\n`);
    return 2;
  }
  const protocol = PROTOCOL_NAMES.find((name) => name === question.protocol);
  if (protocol === undefined) throw new Error("a protocol that the arguments do not allow");
  const ranking = rank(
    providers,
    {
      protocol,
      model: question.model,
      groups: client.groups,
      session: question.session === null ? null : sessionHash(client.name, question.session),
      home: null,
      bound: null,
      wallMs: clock.wallMs(),
      override: () => null,
      standing: () => ({ kind: "up" }),
    },
    random,
  );
  const view = explainView(ranking, (name) => {
    const hedge = providers.find((provider) => provider.name === name)?.hedge;
    if (!hedge || hedge.after === "off") return null;
    return hedge.after === "auto" ? hedge.coldMs : hedge.after;
  });
  printExplain(view, { json, world });
  return 0;
}
