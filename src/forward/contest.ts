import type { Clock } from "../core/clock.ts";
import type { AttemptKind, Observer } from "../core/events.ts";
import type { Background } from "../core/background.ts";
import type { Cooldowns } from "../provider/cooldown.ts";
import type { Provider } from "../provider/provider.ts";
import type { Ranking } from "../provider/rank.ts";
import type { Admission } from "./admission.ts";
import { type AdmitDeps, admitting, type Unadmitted } from "./admit.ts";
import { type AttemptDeps, attempt, type Loss } from "./attempt.ts";
import type { HedgeBudget } from "./budget.ts";
import { latitude } from "./candidates.ts";
import type { Delays } from "./delay.ts";
import { hedging } from "./hedging.ts";
import type { Inbound } from "./inbound.ts";
import type { Opened } from "./opened.ts";
import { race } from "./race.ts";
import { Stop } from "./stop.ts";
import type { Stoppable } from "./stoppable.ts";
import type { Trail } from "./trail.ts";

export type ContestDeps = AdmitDeps &
  Readonly<{
    clock: Clock;
    observe: Observer;
    background: Background;
    cooldowns: Cooldowns;
    budget: HedgeBudget;
    delays: Delays;
    attempt: Omit<AttemptDeps, "timed" | "judged">;
  }>;

export type ContestRules = Readonly<{
  attemptsMax: number;
  hedgeAtOnceMax: number;
  hedgeAttemptsMax: number;
  /** Hedges per hedgeable request, 0..1. */
  hedgeShare: number;
  /** After this a request stops choosing and waiting; 0 = never. */
  totalMs: number;
  waitMs: number;
  idle: "yield" | "hold";
}>;

/** What came of all attempts of one request. */
export type Contest = Readonly<{
  outcome:
    | Readonly<{ kind: "won"; winner: Opened; attempt: AttemptKind }>
    | Readonly<{ kind: "lost"; why: Unadmitted | null }>
    /** The client left, or the request was stopped from our side. */
    | Readonly<{ kind: "left" }>;
  losses: readonly Loss[];
  hedged: boolean;
  /** The hedge delay of the first attempt in ms; null: none was armed. */
  hedgeAfterMs: number | null;
  hedgeDenied: string;
  waitedMs: number;
  /** The provider asked first. */
  first: string | null;
  refusedForSessions: ReadonlySet<string>;
}>;

/** Runs one request's attempts: who is next is `admit`'s, one attempt is `attempt`'s, what goes on at once is `race`'s. */
export async function contest(
  deps: ContestDeps,
  rules: ContestRules,
  inbound: Inbound,
  at: Readonly<{ ranking: Ranking; trail: Trail; stop: Stoppable }>,
): Promise<Contest> {
  const { clock, observe, delays } = deps;
  const { ranking, trail, stop } = at;
  const { hedgeable, attemptsMax } = latitude(inbound, ranking, rules.attemptsMax);
  const losses: Loss[] = [];
  let first: Provider | null = null;
  let hedgeAfterMs: number | null = null;
  using hedges = hedging(deps, {
    hedgeable: hedgeable && rules.hedgeAtOnceMax > 1,
    share: rules.hedgeShare,
    group: ranking.order.map(({ provider }) => provider),
    late: () => first?.name ?? "",
  });
  const admissions = admitting(deps, {
    ranking,
    model: inbound.facts.model,
    session: inbound.session,
    displace: rules.idle === "yield",
    waitMs: rules.waitMs,
    untilMs: rules.totalMs > 0 ? inbound.arrivedMs + rules.totalMs : Number.POSITIVE_INFINITY,
  });
  const timed = (admission: Admission) => ({
    provider: admission.provider.name,
    model: admission.upstreamModel,
    bodyBytes: inbound.body.byteLength,
  });
  const attemptDeps: AttemptDeps = {
    ...deps.attempt,
    timed: (admission, ms, censored) => delays.saw(timed(admission), ms, censored),
    judged(loss) {
      losses.push(loss);
      rest(deps, loss);
      if (hasAnotherKey(deps.cooldowns, loss)) admissions.again(loss.provider);
      if (loss.stopped === "session_ended") stop.stop("session_ended");
    },
  };
  const result = await race<Admission, Opened, Loss, Unadmitted>(
    {
      clock,
      next: admissions.next,
      async run(admission, kind, signal, started) {
        first ??= admission.provider;
        const over = kind === "hedge" ? hedges.launched() : () => {};
        try {
          return await attempt(attemptDeps, inbound, trail, { admission, kind, signal, started });
        } finally {
          over();
        }
      },
      hedgeAfterMs(admission) {
        if (!hedgeable || rules.hedgeAtOnceMax <= 1) return Number.POSITIVE_INFINITY;
        const { hedge, timeouts } = admission.provider;
        const afterMs = delays.hedgeAfterMs(timed(admission), hedge, timeouts.firstTokenMs);
        if (Number.isFinite(afterMs)) hedgeAfterMs ??= afterMs;
        return afterMs;
      },
      mayHedge: hedges.may,
      hedgeRefused: hedges.refused,
      attemptsMax,
      atOnceMax: Math.max(1, rules.hedgeAtOnceMax),
      hedgeUpTo: rules.hedgeAttemptsMax,
      stop: { lost: () => new Stop("lost_race"), left: () => new Stop(stop.stopped() ?? "client_left") },
      aside: (what, promise) => deps.background.track(what, promise),
    },
    stop.signal,
  );
  if (result.kind === "won" && result.hedged) {
    const late = first as Provider | null;
    const won = result.attempt === "hedge";
    observe({ kind: "hedge", provider: late?.name ?? "", result: won ? "won" : "lost" });
    if (late) delays.hedgeEnded(late.name, won);
  }
  return {
    outcome:
      result.kind === "won"
        ? { kind: "won", winner: result.prize, attempt: result.attempt }
        : result.kind === "lost"
          ? { kind: "lost", why: result.why }
          : { kind: "left" },
    losses,
    hedged: result.kind === "won" && result.hedged,
    hedgeAfterMs,
    hedgeDenied: hedges.denied(),
    waitedMs: admissions.waitedMs(),
    first: (first as Provider | null)?.name ?? null,
    refusedForSessions: admissions.refusedForSessions(),
  };
}

/** Lets rest what a fault says should: a key, a key for one model, or a model at this provider. */
function rest({ cooldowns, observe }: ContestDeps, loss: Loss) {
  const { rest: asked, reason } = loss.verdict;
  if (!asked || asked.ms <= 0) return;
  const key = asked.what === "model" ? null : loss.key;
  const model = asked.what === "key" ? null : loss.upstreamModel;
  cooldowns.rest({ provider: loss.provider.name, key, model, ms: asked.ms, limited: asked.limited });
  observe({
    kind: "cooldown",
    provider: loss.provider.name,
    what: asked.what === "model" ? "model" : "key",
    key: key?.last4 ?? "",
    model: model ?? "",
    ms: asked.ms,
    reason,
  });
}

/** A fault of one key says nothing about the others of the same provider. */
function hasAnotherKey(cooldowns: Cooldowns, loss: Loss): boolean {
  const { rest: asked } = loss.verdict;
  if (!asked || asked.what === "model" || loss.provider.keys.length < 2) return false;
  return cooldowns.peek(loss.provider, loss.upstreamModel).kind === "key";
}
