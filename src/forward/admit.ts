import type { Clock } from "../core/clock.ts";
import type { AttemptKind } from "../core/events.ts";
import type { Secret } from "../core/secret.ts";
import type { Breaker, Permit } from "../provider/breaker.ts";
import type { Cooldowns } from "../provider/cooldown.ts";
import type { Limits, Provider } from "../provider/provider.ts";
import { type LeftOut, type Ranking, upstreamModel } from "../provider/rank.ts";
import type { Ask, Asked } from "../session/slot.ts";
import type { Slots } from "../session/slots.ts";
import { type Admission, admission, cutter } from "./admission.ts";
import type { Next } from "./race-rules.ts";

/** Why nobody (more) can be asked. `backInMs`: when it makes sense to ask again, null = not known. */
export type Unadmitted = Readonly<{
  code: "providers_full" | "providers_down" | "store_down" | "none_left" | "too_late";
  backInMs: number | null;
}>;

/** Admits one request's attempts, one after another, down its ranking. */
export type Admitting = Readonly<{
  next(kind: AttemptKind, signal: AbortSignal): Promise<Next<Admission, Unadmitted>>;
  /** A provider failed by its key alone and has another: it may be asked once more. */
  again(provider: Provider): void;
  /** Providers that refused for sessions: a home among them is lost. */
  refusedForSessions(): ReadonlySet<string>;
  /** Milliseconds spent in line. */
  waitedMs(): number;
}>;

export type AdmitDeps = Readonly<{
  clock: Clock;
  slots: Slots;
  cooldowns: Cooldowns;
  breakerOf(provider: string): Breaker;
}>;

export type AdmitWish = Readonly<{
  ranking: Ranking;
  model: string;
  session: string;
  /** May take idle sessions' slots (`sessions.idle: yield`). */
  displace: boolean;
  /** How long the request may stand in line, all attempts together. */
  waitMs: number;
  /** Monotonic moment after which it neither chooses nor waits; Infinity = never. */
  untilMs: number;
}>;

/** A hedge leaves the last tenth of a provider's slots to those who have nowhere else to go. */
const HEDGE_SHARE = 0.9;
/** What clients are told when no provider says when a slot will be free. */
const FULL_RETRY_MS = 1_000;

type Refusal = Readonly<{
  provider: Provider;
  by: "sessions" | "requests" | "cooling" | "open" | "store" | "hedge_health";
  backInMs: number | null;
  limited: boolean;
}>;

type Grant = Readonly<{ kind: "go"; candidate: Admission }>;

export function admitting(deps: AdmitDeps, wish: AdmitWish): Admitting {
  const left = new Set(wish.ranking.order.map((ranked) => ranked.provider));
  const refusedSessions = new Set<string>();
  let waitLeftMs = wish.waitMs;
  let waitedMs = 0;

  function askFor(provider: Provider, options: Readonly<{ displace: boolean; limits?: Limits }>) {
    const cut = cutter();
    const ask: Ask = {
      scope: `provider:${provider.name}`,
      session: wish.session,
      limits: options.limits ?? provider.limits,
      rpm: 0,
      displace: options.displace,
      onEnded: cut.onEnded,
    };
    return { ask, cut: cut.signal };
  }
  function refusal(provider: Provider, by: Refusal["by"], backInMs: number | null = null, limited = false): Refusal {
    return { provider, by, backInMs, limited };
  }
  /** Breaker and key, without the slot. */
  function clear(provider: Provider): { permit: Permit; key: Secret | null; model: string } | Refusal {
    const model = upstreamModel(provider, wish.model);
    const choice = deps.cooldowns.takeKey(provider, model);
    if (choice.kind === "cooling") return refusal(provider, "cooling", choice.backInMs, choice.limited);
    const breaker = deps.breakerOf(provider.name);
    const permit = breaker.permit(provider.breaker);
    if (!permit) return refusal(provider, "open", breaker.opensInMs() || null);
    return { permit, key: choice.key, model };
  }
  function grant(
    provider: Provider,
    cleared: { permit: Permit; key: Secret | null; model: string },
    held: Extract<Asked, { kind: "granted" }>["held"],
    cut: AbortSignal,
  ): Grant {
    left.delete(provider);
    return {
      kind: "go",
      candidate: admission({
        provider,
        key: cleared.key,
        upstreamModel: cleared.model,
        permit: cleared.permit,
        held,
        cut,
      }),
    };
  }
  async function tryOne(
    provider: Provider,
    options: Readonly<{ displace: boolean; limits?: Limits }>,
    signal: AbortSignal,
  ): Promise<Grant | Refusal> {
    const cleared = clear(provider);
    if ("by" in cleared) return cleared;
    const { ask, cut } = askFor(provider, options);
    let asked: Asked;
    try {
      asked = await deps.slots.acquire(ask, signal);
    } catch (error) {
      cleared.permit.settle("unknown");
      throw error;
    }
    if (asked.kind === "granted") return grant(provider, cleared, asked.held, cut);
    cleared.permit.settle("unknown");
    if (asked.kind === "store_down") return refusal(provider, "store");
    if (asked.by === "sessions") refusedSessions.add(provider.name);
    return refusal(provider, asked.by === "requests" ? "requests" : "sessions");
  }
  async function forHedge(signal: AbortSignal): Promise<Next<Admission, Unadmitted>> {
    let full = false;
    for (const provider of left) {
      if (deps.breakerOf(provider.name).state() !== "closed") continue;
      const result = await tryOne(provider, { displace: false, limits: shrunk(provider.limits) }, signal);
      if ("kind" in result) return result;
      full ||= result.by === "sessions" || result.by === "requests";
    }
    return { kind: "none", why: { code: full ? "providers_full" : "providers_down", backInMs: null } };
  }
  async function stand(full: readonly Refusal[], signal: AbortSignal): Promise<Grant | "give_up" | "fell_ill"> {
    const startMs = deps.clock.monoMs();
    const asks = full.map(({ provider }) => ({ provider, ...askFor(provider, { displace: wish.displace }) }));
    try {
      const limitMs = Math.min(waitLeftMs, wish.untilMs - startMs);
      const waited = await deps.slots.wait(
        asks.map(({ ask }) => ask),
        limitMs,
        signal,
      );
      if (waited.kind !== "granted") return "give_up";
      const chosen = asks[waited.index];
      const cleared = chosen && clear(chosen.provider);
      if (!chosen || !cleared || "by" in cleared) {
        waited.held.release("reverted");
        return "fell_ill";
      }
      return grant(chosen.provider, cleared, waited.held, chosen.cut);
    } finally {
      const tookMs = deps.clock.monoMs() - startMs;
      waitLeftMs -= tookMs;
      waitedMs += tookMs;
    }
  }
  async function forTurn(signal: AbortSignal): Promise<Next<Admission, Unadmitted>> {
    for (;;) {
      if (deps.clock.monoMs() >= wish.untilMs) return { kind: "none", why: { code: "too_late", backInMs: null } };
      if (left.size === 0) return { kind: "none", why: { code: "none_left", backInMs: null } };
      const refusals: Refusal[] = [];
      for (const provider of left) {
        const result = await tryOne(provider, { displace: false }, signal);
        if ("kind" in result) return result;
        refusals.push(result);
      }
      const full = refusals.filter(({ by }) => by === "sessions" || by === "requests");
      if (wish.displace) {
        for (const { provider, by } of full) {
          if (by !== "sessions") continue;
          const result = await tryOne(provider, { displace: true }, signal);
          if ("kind" in result) return result;
        }
      }
      if (full.length === 0 || waitLeftMs <= 0) return { kind: "none", why: explain(refusals, wish.ranking.out) };
      const result = await stand(full, signal);
      if (result === "give_up") return { kind: "none", why: explain(refusals, wish.ranking.out) };
      if (result !== "fell_ill") return result;
    }
  }
  return {
    next: (kind, signal) => (kind === "hedge" ? forHedge(signal) : forTurn(signal)),
    again: (provider) => left.add(provider),
    refusedForSessions: () => refusedSessions,
    waitedMs: () => waitedMs,
  };
}

/** Limits under which a hedge is asked for: at or under 90 % once it is in. */
function shrunk({ sessions, requests }: Limits): Limits {
  const shrink = (limit: number) => (limit === 0 ? 0 : Math.min(limit, Math.floor(HEDGE_SHARE * limit) + 1));
  return { sessions: shrink(sessions), requests: shrink(requests) };
}

/**
 * Full or down? One provider that is full makes the whole full: its slots come back by themselves. So does a cool-down
 * because of 429, as long as that is what ails all of them.
 */
export function explain(refusals: readonly Refusal[], out: readonly LeftOut[]): Unadmitted {
  const resting = out.filter(({ reason }) => reason === "open" || reason === "cooling");
  const all = [
    ...refusals.map(({ by, backInMs, limited }) => ({
      full: by === "sessions" || by === "requests",
      backInMs,
      limited,
    })),
    ...resting.map(({ backInMs, limited }) => ({ full: false, backInMs, limited })),
  ];
  if (all.length === 0) return { code: "none_left", backInMs: null };
  if (refusals.some(({ by }) => by === "store") && !all.some(({ full }) => full))
    return { code: "store_down", backInMs: null };
  const backs = all.flatMap(({ backInMs }) => (backInMs === null || backInMs === 0 ? [] : [backInMs]));
  const backInMs = backs.length > 0 ? Math.min(...backs) : null;
  if (all.some(({ full }) => full)) return { code: "providers_full", backInMs: FULL_RETRY_MS };
  return { code: all.every(({ limited }) => limited) ? "providers_full" : "providers_down", backInMs };
}
