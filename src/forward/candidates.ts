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
 * bound to an account finds it gone rather than nobody at all.
 */
export function whyNobody(ranking: Ranking): Unadmitted | "no_provider" {
  const why = explain([], ranking.out);
  if (why.code !== "none_left") return why;
  const bound = ranking.out.some(({ reason }) => reason === "other_account");
  return bound ? { code: "providers_down", backInMs: null } : "no_provider";
}
