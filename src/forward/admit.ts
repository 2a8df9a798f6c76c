import type { OwnError } from "../core/errors.ts";
import type { AttemptKind } from "../core/events.ts";
import type { Limits, Provider } from "../provider/provider.ts";
import type { Ranking } from "../provider/rank.ts";
import type { Admission } from "./admission.ts";
import { type AskDeps, type Asking, asking, type Leave, type Stood } from "./ask.ts";
import type { Next } from "./race-rules.ts";
import { explain, isFull, type Refusal, type Unadmitted } from "./unadmitted.ts";

/** Admits one request's attempts, one after another, down its ranking. */
export type Admitting = Readonly<{
  next(kind: AttemptKind, signal: AbortSignal): Promise<Next<Admission, Unadmitted>>;
  /** A provider failed by its key alone and has another: it may be asked once more, after the others. */
  again(provider: Provider): void;
  /** Providers that refused for sessions: a home among them is lost. */
  refusedForSessions(): ReadonlySet<string>;
  /** Milliseconds spent in line. */
  waitedMs(): number;
}>;

export type AdmitWish = Readonly<{
  ranking: Ranking;
  model: string;
  session: string;
  /** The client's own limits: their refusal, or null. Asked beside the first pass where they are still out. */
  entered: Promise<OwnError | null>;
  /** May take idle sessions' slots (`sessions.idle: yield`). */
  displace: boolean;
  /** How long the request may stand in line, all attempts together. */
  waitMs: number;
  /** Monotonic moment after which it neither chooses nor waits; Infinity = never. */
  untilMs: number;
}>;

/** A hedge leaves the last tenth of a provider's slots to those who have nowhere else to go. */
const HEDGE_SHARE = 0.9;

export function admitting(deps: AskDeps, wish: AdmitWish): Admitting {
  const { clock, breakerOf } = deps;
  const at = asking(deps, wish);
  const left = new Set(wish.ranking.order.map((ranked) => ranked.provider));
  const refusedSessions = new Set<string>();
  let waitedMs = 0;

  function go({ admission }: Leave): Next<Admission, Unadmitted> {
    left.delete(admission.provider);
    return { kind: "go", candidate: admission };
  }
  async function forHedge(signal: AbortSignal): Promise<Next<Admission, Unadmitted>> {
    const healthy = [...left].filter((provider) => breakerOf(provider.name).state() === "closed");
    const limits = (provider: Provider) => shrunk(provider.limits);
    const { leave, refusals } = await firstOf(at, { row: healthy, displace: false, limits }, signal);
    if (leave) return go(leave);
    return { kind: "none", why: { code: refusals.some(isFull) ? "providers_full" : "providers_down", backInMs: null } };
  }
  async function stand(row: readonly Provider[], signal: AbortSignal): Promise<Stood> {
    const startMs = clock.monoMs();
    try {
      const waitMs = Math.min(wish.waitMs - waitedMs, wish.untilMs - startMs);
      return await at.stand(row, { displace: wish.displace, waitMs }, signal);
    } finally {
      waitedMs += clock.monoMs() - startMs;
    }
  }
  async function forTurn(signal: AbortSignal): Promise<Next<Admission, Unadmitted>> {
    for (;;) {
      if (clock.monoMs() >= wish.untilMs) return { kind: "none", why: { code: "too_late", backInMs: null } };
      if (left.size === 0) return { kind: "none", why: { code: "none_left", backInMs: null } };
      const { leave, refusals } = await firstOf(at, { row: left, displace: false }, signal);
      // Asked before anything that others would feel: a request sent, an idle session displaced, a place in line.
      const refused = await wish.entered;
      if (refused) return turnedAway(refused, leave);
      const bySessions = refusals.filter(({ by }) => by === "sessions").map(({ provider }) => provider);
      for (const { name } of bySessions) refusedSessions.add(name);
      if (leave) return go(leave);
      const displacing = wish.displace ? await firstOf(at, { row: bySessions, displace: true }, signal) : null;
      if (displacing?.leave) return go(displacing.leave);
      const full = refusals.filter(isFull).map(({ provider }) => provider);
      if (full.length === 0) return none(refusals);
      const stood = await stand(full, signal);
      if (stood.kind === "leave") return go(stood);
      if (stood.kind === "timeout") return none(refusals);
      // The one whose turn it was fell ill meanwhile: once more around, without it.
    }
  }
  function none(refusals: readonly Refusal[]): Next<Admission, Unadmitted> {
    return { kind: "none", why: explain(refusals, wish.ranking.out) };
  }
  return {
    next: (kind, signal) => (kind === "hedge" ? forHedge(signal) : forTurn(signal)),
    again: (provider) => left.add(provider),
    refusedForSessions: () => refusedSessions,
    waitedMs: () => waitedMs,
  };
}

/** Down the row until somebody gives leave. `limits` stand in place of a provider's own. */
async function firstOf(
  { ask }: Asking,
  asked: Readonly<{ row: Iterable<Provider>; displace: boolean; limits?: (provider: Provider) => Limits }>,
  signal: AbortSignal,
) {
  const { row, displace, limits } = asked;
  const refusals: Refusal[] = [];
  for (const provider of row) {
    const answer = await ask(provider, { displace, limits: limits?.(provider) ?? provider.limits }, signal);
    if (answer.kind === "leave") return { leave: answer, refusals };
    refusals.push(answer);
  }
  return { leave: null, refusals };
}

async function turnedAway(refused: OwnError, leave: Leave | null): Promise<Next<Admission, Unadmitted>> {
  await leave?.admission[Symbol.asyncDispose]();
  return { kind: "none", why: { code: "client", refused } };
}

/** Limits under which a hedge is asked for: at or under 90 % once it is in. */
function shrunk({ sessions, requests }: Limits): Limits {
  const shrink = (limit: number) => (limit === 0 ? 0 : Math.min(limit, Math.floor(HEDGE_SHARE * limit) + 1));
  return { sessions: shrink(sessions), requests: shrink(requests) };
}
