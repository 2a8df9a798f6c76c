import type { OwnError } from "../core/errors.ts";
import type { Random } from "../core/random.ts";
import type { Provider } from "../provider/provider.ts";
import { rank, type Standing, type Wish } from "../provider/rank.ts";
import { type Homes, homeFor } from "../session/home.ts";
import { earlyAliases } from "./aliases.ts";
import { whyNobody, withinOrigin } from "./candidates.ts";
import { type Contest, type ContestDeps, type ContestRules, contest } from "./contest.ts";
import { enter, namesAlias } from "./enter.ts";
import { type Flight, type FlightDeps, takeOff } from "./flight.ts";
import { settlementOf } from "./homes.ts";
import type { Inbound } from "./inbound.ts";
import { failureOf, unadmitted } from "./own-errors.ts";
import { respondInTime } from "./keep-alive.ts";
import { type RespondDeps, type Reply, refuse } from "./respond.ts";

export type ForwardDeps = ContestDeps &
  FlightDeps &
  RespondDeps &
  Readonly<{
    random: Random;
    override(provider: string): boolean | null;
    standing(provider: Provider, model: string): Standing;
  }>;

/** The part of a configuration that one request runs on, from its arrival to its end. */
export type ForwardPlan = Readonly<{ providers: readonly Provider[]; rules: ContestRules; sessionTtlMs: number }>;

/** A request as one straight line, from its arrival to the response that carries its answer. Never rejects. */
export async function forward(deps: ForwardDeps, plan: ForwardPlan, inbound: Inbound): Promise<Response> {
  const flight = takeOff(deps, inbound);
  try {
    return await answer(deps, plan, flight);
  } catch (error) {
    return refuse(flight, brokenInside(deps, inbound, error));
  }
}

/** Nothing is expected to end here; should it, it is told, and the client has an answer all the same. */
function brokenInside({ observe }: ForwardDeps, { requestId }: Inbound, error: unknown): OwnError {
  const stack = error instanceof Error ? (error.stack ?? "") : "";
  const fields = { request_id: requestId, error: String(error), stack };
  observe({ kind: "notice", level: "error", what: "request failed inside the proxy", fields });
  return { code: "attempts_failed", message: "The request failed inside the proxy." };
}

async function answer(deps: ForwardDeps, plan: ForwardPlan, flight: Flight): Promise<Response> {
  const { inbound } = flight;
  const entry = enter(deps, flight, plan.rules.idle);
  const alongside = namesAlias(inbound);
  // Waited for by whoever admits; the request may be over before anybody does.
  if (alongside) deps.background.track("client's leave", entry.client);
  const [homes, refused] = await Promise.all([entry.homes, alongside ? null : entry.client]);
  if (refused) return refuse(flight, refused);
  const ranking = withinOrigin(rank(plan.providers, wishOf(deps, inbound, homes), deps.random));
  flight.story.ranking = ranking;
  if (ranking.order.length === 0) return refuse(flight, unadmitted(whyNobody(ranking, inbound.boundTo)));
  const { trail } = flight.story;
  const running = contest(deps, plan.rules, inbound, {
    ranking,
    trail,
    entered: entry.client,
    stop: flight.stop,
    whenOver: flight.whenLanded,
  });
  const reply = running.then(
    (result) => settle(deps, plan, flight, homes, result),
    (error: unknown): Reply => ({
      kind: "failure",
      failure: { kind: "own", error: brokenInside(deps, inbound, error) },
    }),
  );
  return respondInTime(deps, flight, reply);
}

/** Who could serve this request, as `rank` wants to know it. */
function wishOf(deps: Pick<ForwardDeps, "override" | "standing">, inbound: Inbound, homes: Homes): Wish {
  const { model } = inbound.facts;
  return {
    protocol: inbound.protocol.name,
    model,
    groups: inbound.client.groups,
    session: inbound.session,
    home: homeFor(homes, model)?.provider ?? null,
    bound: inbound.boundTo,
    wallMs: inbound.arrivedWallMs,
    override: deps.override,
    standing: (provider) => deps.standing(provider, model),
  };
}

/** Draws the conclusions of a contest: where the session lives from now on, and what the client is to be given. */
function settle(deps: ForwardDeps, plan: ForwardPlan, flight: Flight, homes: Homes, result: Contest): Reply {
  const { story, stop, inbound } = flight;
  inbound.bodyDone();
  story.contest = result;
  const { outcome } = result;
  if (outcome.kind === "left") return { kind: "left" };
  if (outcome.kind === "lost") return { kind: "failure", failure: failureOf(result.losses, outcome.why) };
  const { winner } = outcome;
  winner.io.follow(stop.signal);
  story.ttftMs = deps.clock.monoMs() - inbound.arrivedMs;
  const settlement = settlementOf(inbound, homes, {
    winner,
    losses: result.losses,
    hedged: result.hedged,
    first: result.first,
    ranked: new Set(story.ranking?.order.map(({ provider }) => provider.name)),
    refused: result.refusedForSessions,
    aliases: earlyAliases(deps, inbound, winner.body),
  });
  story.settlement = settlement;
  if (settlement.served) deps.background.track("home", deps.homes.served(settlement.served, plan.sessionTtlMs));
  return { kind: "winner", winner };
}
