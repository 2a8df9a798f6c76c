import type { OwnError } from "../core/errors.ts";
import type { Provider } from "../provider/provider.ts";
import type { LeftOut } from "../provider/rank.ts";

/** Why nobody (more) can be asked. `backInMs`: when it makes sense to ask again, null = not known. */
export type Unadmitted =
  | Readonly<{
      code: "providers_full" | "providers_down" | "off_hours" | "store_down" | "none_left" | "too_late";
      backInMs: number | null;
    }>
  /** It is bound to one account, and that account will not come back by itself. */
  | Readonly<{ code: "account_disabled" | "account_removed" | "account_barred" }>
  /** The client's own limits had no room for it. */
  | Readonly<{ code: "client"; refused: OwnError }>;

/** Why one provider cannot be asked just now. */
export type Refusal = Readonly<{
  kind: "refusal";
  provider: Provider;
  by: "sessions" | "requests" | "cooling" | "open" | "store";
  backInMs: number | null;
  /** Cooling because the upstream said 429. */
  limited: boolean;
}>;

/** What clients are told when no provider says when a slot will be free. */
const FULL_RETRY_MS = 1_000;

export function isFull({ by }: Pick<Refusal, "by">): boolean {
  return by === "sessions" || by === "requests";
}

/**
 * Full or down? One provider that is full makes the whole full: its slots come back by themselves. So does a cool-down
 * because of 429, as long as that is what ails all of them. Hours count where nothing ails anybody. `out`: who was left
 * out of the ranking.
 */
export function explain(refusals: readonly Omit<Refusal, "kind">[], out: readonly LeftOut[]): Unadmitted {
  const resting = [
    ...refusals.filter(({ by }) => by === "cooling" || by === "open"),
    ...out.filter(({ reason }) => reason === "cooling" || reason === "open"),
  ];
  if (refusals.some(isFull)) return { code: "providers_full", backInMs: FULL_RETRY_MS };
  if (refusals.some(({ by }) => by === "store")) return { code: "store_down", backInMs: null };
  const off = out.filter(({ reason }) => reason === "hours");
  const backsMs = [...resting, ...off].flatMap(({ backInMs }) => (backInMs ? [backInMs] : []));
  const backInMs = backsMs.length > 0 ? Math.min(...backsMs) : null;
  if (resting.length > 0)
    return { code: resting.every(({ limited }) => limited) ? "providers_full" : "providers_down", backInMs };
  return off.length > 0 ? { code: "off_hours", backInMs } : { code: "none_left", backInMs: null };
}
