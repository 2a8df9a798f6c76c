import type { Provider } from "../provider/provider.ts";
import type { LeftOut, Ranked, Ranking } from "../provider/rank.ts";
import { explain, type Unadmitted } from "./unadmitted.ts";
import type { Inbound } from "./inbound.ts";

/**
 * The ranking of which this request may make use: credentials of the client's own never leave the origin they were sent
 * to first, so a request that starts at a provider without keys stays with providers of the same origin.
 */
export function withinOrigin(ranking: Ranking): Ranking {
  const keyless = ranking.order.find(({ provider }) => provider.keys.length === 0)?.provider;
  if (!keyless) return ranking;
  const startsKeyless = ranking.order[0]?.provider === keyless;
  const stays = (provider: Provider) =>
    provider.origin === keyless.origin || (provider.keys.length > 0 && !startsKeyless);
  const order: Ranked[] = ranking.order.filter(({ provider }) => stays(provider));
  const out: LeftOut[] = ranking.order
    .filter(({ provider }) => !stays(provider))
    .map(({ provider }) => ({ provider: provider.name, reason: "other_account", backInMs: 0, limited: false }));
  return { order, out: [...ranking.out, ...out] };
}

/** May the request be hedged, and how many attempts may it make at all? */
export function latitude(
  inbound: Inbound,
  ranking: Ranking,
  attemptsMax: number,
): Readonly<{ hedgeable: boolean; attemptsMax: number }> {
  const { facts, operation } = inbound;
  // Bound to an account that nobody can name: any second account would answer that it knows nothing of it.
  if (facts.binding === "account") return { hedgeable: false, attemptsMax: 1 };
  const hedgeable =
    facts.stream && facts.binding === "free" && operation.kind === "generate" && ranking.order.length > 1;
  return { hedgeable, attemptsMax };
}

/**
 * Why a ranking has nobody in it: nobody ever would, or those who would are not to be asked just now. A request that is
 * bound to an account is told of that account alone.
 */
export function whyNobody({ out }: Ranking, bound: string | null): Unadmitted | "no_provider" {
  const why = explain([], out);
  if (why.code !== "none_left") return why;
  if (bound === null) return "no_provider";
  const account = out.find(({ provider }) => provider === bound);
  if (!account) return { code: "account_removed" };
  const disabled = account.reason === "disabled" || account.reason === "disabled_by_operator";
  return { code: disabled ? "account_disabled" : "account_barred" };
}
