import type { Random } from "../core/random.ts";
import type { ProtocolName } from "../protocol/protocol.ts";
import { activeInMs } from "./active-hours.ts";
import { globMatches } from "./glob.ts";
import type { Provider } from "./provider.ts";

/** Who is asked, in which order, and why the others are not. */
export type Ranking = Readonly<{ order: readonly Ranked[]; out: readonly LeftOut[] }>;

export type Ranked = Readonly<{ provider: Provider; why: "home" | "bound" | "rank" }>;

export type LeftOut = Readonly<{
  provider: string;
  reason: OutReason;
  /** For `hours`, `open` and `cooling`: milliseconds until it may be asked again. */
  backInMs: number;
  /** Cooling because the upstream said 429: it is full rather than down. */
  limited: boolean;
}>;

export type OutReason =
  | "protocol"
  | "model"
  | "group"
  | "disabled"
  | "disabled_by_operator"
  | "hours"
  | "other_account"
  | "open"
  | "cooling";

/** How a provider stands right now for a model: `open` is its breaker's word, `cooling` its cool-downs'. */
export type Standing =
  | Readonly<{ kind: "up" }>
  | Readonly<{ kind: "open" | "cooling"; backInMs: number; limited: boolean }>;

export type Wish = Readonly<{
  protocol: ProtocolName;
  /** As the client sent it. */
  model: string;
  groups: readonly string[];
  /** The hash that spreads sessions; null ranks at random. */
  session: string | null;
  /** The session's home for this model. */
  home: string | null;
  /** The one provider the request is bound to by an alias. */
  bound: string | null;
  wallMs: number;
  /** An operator's override of `enabled`, for this instance. */
  override(provider: string): boolean | null;
  standing(provider: Provider): Standing;
}>;

/**
 * Lowest priority number first; inside one priority by weighted rendezvous hash of session and name (Thaler and
 * Ravishankar 1998; weights after Schindelhauer and Schomaker 2005), so that every instance and every parallel first
 * request of a session agrees, and a provider that goes or comes moves only its own share. The home is asked first.
 */
export function rank(providers: readonly Provider[], wish: Wish, random: Random): Ranking {
  const out: LeftOut[] = [];
  const eligible: { provider: Provider; score: number }[] = [];
  for (const provider of providers) {
    const reason = whyNot(provider, wish);
    if (reason !== null) {
      out.push(reason);
      continue;
    }
    const chance = wish.session === null ? random() : hashToUnit(wish.session, provider.name);
    eligible.push({ provider, score: provider.weight / -Math.log(chance) });
  }
  eligible.sort(
    (a, b) =>
      Number(b.provider.name === wish.home) - Number(a.provider.name === wish.home) ||
      a.provider.priority - b.provider.priority ||
      b.score - a.score,
  );
  const order = eligible.map(({ provider }) => ({
    provider,
    why: wish.bound !== null ? ("bound" as const) : provider.name === wish.home ? ("home" as const) : ("rank" as const),
  }));
  return { order, out };
}

/** Would this provider ever serve the request, leaving its health aside? `null` = yes. */
function whyNeverServes(
  provider: Provider,
  wish: Pick<Wish, "protocol" | "model" | "groups" | "override">,
): OutReason | null {
  if (!provider.protocols.includes(wish.protocol)) return "protocol";
  if (!provider.groups.some((group) => wish.groups.includes(group))) return "group";
  if (provider.models && !provider.models.some((glob) => globMatches(glob, wish.model))) return "model";
  const override = wish.override(provider.name);
  if (override === false) return "disabled_by_operator";
  if (override !== true && !provider.enabled) return "disabled";
  return null;
}

/** The name sent upstream for the client's name. */
export function upstreamModel(provider: Provider, model: string): string {
  return provider.modelMap.find((mapping) => globMatches(mapping.glob, model))?.upstream ?? model;
}

function whyNot(provider: Provider, wish: Wish): LeftOut | null {
  const out = (reason: OutReason, backInMs = 0, limited = false): LeftOut => ({
    provider: provider.name,
    reason,
    backInMs,
    limited,
  });
  const never = whyNeverServes(provider, wish);
  if (never !== null) return out(never);
  // Before the hours: when another account is on duty again is nothing to wait for.
  if (wish.bound !== null && provider.name !== wish.bound) return out("other_account");
  const offMs = provider.active ? activeInMs(provider.active, wish.wallMs) : 0;
  if (offMs > 0) return out("hours", offMs);
  const standing = wish.standing(provider);
  return standing.kind === "up" ? null : out(standing.kind, standing.backInMs, standing.limited);
}

/** A number in (0, 1): 53 bits of xxHash64, the same on every machine and in every version. */
function hashToUnit(session: string, provider: string): number {
  const bits = Bun.hash.xxHash64(`${session}\0${provider}`) >> 11n;
  return (Number(bits) + 0.5) / 2 ** 53;
}
