import type { ProtocolName } from "../protocol/protocol.ts";
import type { Random } from "../core/random.ts";
import { withinOrigin } from "../forward/candidates.ts";
import { ANONYMOUS } from "../http/auth.ts";
import { type ExplainView, explainView } from "../http/admin/views.ts";
import type { Client, Provider } from "../provider/provider.ts";
import { rank, type Standing } from "../provider/rank.ts";
import type { Plan } from "./plan.ts";

/** A request that is asked about and not made. */
export type Wondered = Readonly<{
  protocol: ProtocolName;
  model: string;
  client: Client;
  /** As a hash; null ranks at random. */
  session: string | null;
}>;

/** What is known beyond the configuration; nothing of it where there is only a file. */
export type Known = Readonly<{
  wallMs: number;
  home: string | null;
  override(provider: string): boolean | null;
  standing(provider: Provider): Standing;
  /** Milliseconds; null = not hedged. */
  hedgeAfterMs(provider: Provider): number | null;
}>;

/** Who would be asked, in which order, and why the others would not. */
export function explainPlan(plan: Plan, wondered: Wondered, known: Known, random: Random): ExplainView {
  const { protocol, model, client, session } = wondered;
  const wish = { ...known, protocol, model, session, groups: client.groups, bound: null };
  const byName = new Map(plan.providers.map((provider) => [provider.name, provider]));
  const ranking = withinOrigin(rank(plan.providers, wish, random));
  const { hedgeAtOnceMax, hedgeAttemptsMax, attemptsMax } = plan.forward;
  // A hedge needs somebody to go to, and leave for a second attempt beside the first.
  const canHedge = Math.min(ranking.order.length, hedgeAtOnceMax, hedgeAttemptsMax, attemptsMax) > 1;
  return explainView(ranking, (name) => {
    const provider = byName.get(name);
    return provider && canHedge ? known.hedgeAfterMs(provider) : null;
  });
}

/** The client of that name; null names the first there is. Undefined: there is none of that name. */
export function clientNamed({ clients }: Plan, name: string | null): Client | undefined {
  if (clients.length === 0) return name === null || name === ANONYMOUS.name ? ANONYMOUS : undefined;
  return name === null ? clients[0] : clients.find((client) => client.name === name);
}

/** The file alone: everybody in health, nothing learned. */
export function fileAlone(wallMs: number): Known {
  return {
    wallMs,
    home: null,
    override: () => null,
    standing: () => ({ kind: "up" }),
    hedgeAfterMs: ({ hedge }) => (hedge.after === "off" ? null : hedge.after === "auto" ? hedge.coldMs : hedge.after),
  };
}
