import type { Clock } from "../core/clock.ts";
import type { OwnError } from "../core/errors.ts";
import type { AttemptKind, Observer } from "../core/events.ts";
import type { Background } from "../core/background.ts";
import type { Cooldowns } from "../provider/cooldown.ts";
import type { Provider } from "../provider/provider.ts";
import type { Ranking } from "../provider/rank.ts";
import type { Admission } from "./admission.ts";
import { admitting } from "./admit.ts";
import type { AskDeps } from "./ask.ts";
import { type AttemptDeps, attempt, type Loss } from "./attempt.ts";
import type { HedgeBudget } from "./budget.ts";
import { latitude } from "./candidates.ts";
import type { Delays } from "./delay.ts";
import { type HedgeStory, hedging } from "./hedging.ts";
import type { Inbound } from "./inbound.ts";
import type { Opened } from "./opened.ts";
import { type Result, race } from "./race.ts";
import { hasAnotherKey, letRest } from "./rest.ts";
import { Stop } from "./stop.ts";
import type { Unadmitted } from "./unadmitted.ts";
import type { Stoppable } from "./stoppable.ts";
import type { Trail } from "./trail.ts";

export type ContestDeps = AskDeps &
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
export type Contest = HedgeStory &
  Readonly<{
    outcome:
      | Readonly<{ kind: "won"; winner: Opened; attempt: AttemptKind }>
      | Readonly<{ kind: "lost"; why: Unadmitted | null }>
      /** The client left, or the request was stopped from our side. */
      | Readonly<{ kind: "left" }>;
    losses: readonly Loss[];
    waitedMs: number;
    /** The provider asked first. */
    first: string | null;
    refusedForSessions: ReadonlySet<string>;
  }>;

/** `entered`: the client's own limits; their refusal, or null. */
export type ContestEntry = Readonly<{
  ranking: Ranking;
  trail: Trail;
  entered: Promise<OwnError | null>;
  stop: Stoppable;
  whenOver(callback: () => void): void;
}>;

/** Runs one request's attempts: who is next is `admit`'s, one attempt is `attempt`'s, what goes on at once is `race`'s. */
export async function contest(
  deps: ContestDeps,
  rules: ContestRules,
  inbound: Inbound,
  at: ContestEntry,
): Promise<Contest> {
  const { ranking, trail, stop } = at;
  const { hedgeable, attemptsMax } = latitude(inbound, ranking, rules.attemptsMax);
  const losses: Loss[] = [];
  const asked: Provider[] = [];
  const timed = ({ provider, upstreamModel }: Admission) => {
    return { provider: provider.name, model: upstreamModel, bodyBytes: inbound.bodyBytes };
  };
  using hedges = hedging(deps, {
    hedgeable: hedgeable && Math.min(rules.hedgeAtOnceMax, rules.hedgeAttemptsMax) > 1,
    share: rules.hedgeShare,
    group: ranking.order.map(({ provider }) => provider),
    timed,
    whenOver: at.whenOver,
  });
  const admissions = admitting(deps, {
    ranking,
    model: inbound.facts.model,
    session: inbound.session,
    entered: at.entered,
    displace: rules.idle === "yield",
    waitMs: rules.waitMs,
    untilMs: rules.totalMs > 0 ? inbound.arrivedMs + rules.totalMs : Number.POSITIVE_INFINITY,
  });
  const attempts: AttemptDeps = {
    ...deps.attempt,
    timed: (admission, ms, censored) => deps.delays.saw(timed(admission), ms, censored),
    judged(loss) {
      losses.push(loss);
      letRest(deps, loss);
      if (hasAnotherKey(deps.cooldowns, loss)) admissions.again(loss.provider);
      if (loss.stopped === "session_ended") stop.stop("session_ended");
    },
  };
  const result = await race<Admission, Opened, Loss, Unadmitted>(
    {
      clock: deps.clock,
      next: admissions.next,
      async run(admission, kind, abort, started) {
        asked.push(admission.provider);
        using hedge = new DisposableStack();
        if (kind === "hedge") hedge.defer(hedges.launched());
        return await attempt(attempts, inbound, trail, { admission, kind, abort, started });
      },
      hedgeAfterMs: hedges.afterMs,
      mayHedge: hedges.may,
      hedgeRefused: hedges.refused,
      attemptsMax,
      atOnceMax: Math.max(1, rules.hedgeAtOnceMax),
      hedgeUpTo: rules.hedgeAttemptsMax,
      stop: {
        lost: ({ clientError }) => new Stop(clientError ? "lost_to_client_error" : "lost_race"),
        left: () => new Stop(stop.stopped() ?? "client_left"),
      },
      aside: deps.background.track,
    },
    stop.signal,
  );
  if (result.kind === "won") hedges.won(result.attempt);
  return {
    ...hedges.story(),
    outcome: outcomeOf(result),
    losses,
    waitedMs: admissions.waitedMs(),
    first: asked[0]?.name ?? null,
    refusedForSessions: admissions.refusedForSessions(),
  };
}

function outcomeOf(result: Result<Opened, Loss, Unadmitted>): Contest["outcome"] {
  if (result.kind === "won") return { kind: "won", winner: result.prize, attempt: result.attempt };
  return result.kind === "lost" ? { kind: "lost", why: result.why } : { kind: "left" };
}
