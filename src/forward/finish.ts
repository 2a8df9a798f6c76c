import type { Background } from "../core/background.ts";
import type { Clock } from "../core/clock.ts";
import type { Observer, RequestRecord } from "../core/events.ts";
import type { Usage } from "../protocol/protocol.ts";
import type { Ranking } from "../provider/rank.ts";
import type { Contest } from "./contest.ts";
import { hedgeMark } from "./hedging.ts";
import type { Settlement } from "./homes.ts";
import type { Inbound } from "./inbound.ts";
import type { Trail } from "./trail.ts";

/** What is known of a request while it runs; each part is set once, when it is known. */
export type Story = {
  readonly inbound: Inbound;
  readonly trail: Trail;
  ranking: Ranking | null;
  contest: Contest | null;
  settlement: Settlement | null;
  /** Milliseconds from arrival to the first content for the client. */
  ttftMs: number | null;
};

/** How the request ended, as its client saw it. */
export type RequestEnd = Readonly<{ status: number; error: string; provider: string; usage: Usage | null }>;

/** Tells the finished request, once all its attempts have ended: a loser may still be on its way out. */
export function tell(
  deps: Readonly<{ clock: Clock; background: Background; observe: Observer }>,
  story: Story,
  end: RequestEnd,
) {
  const { clock, background, observe } = deps;
  const tookMs = clock.monoMs() - story.inbound.arrivedMs;
  const told = story.trail.complete().then(() => {
    observe({ kind: "request_finished", wallMs: clock.wallMs(), record: recordOf(story, end, tookMs) });
  });
  background.track("request_finished", told);
}

function recordOf(story: Story, end: RequestEnd, tookMs: number): RequestRecord {
  const { inbound, trail, ranking, contest, settlement } = story;
  return {
    request_id: inbound.requestId,
    client: inbound.client.name,
    protocol: inbound.protocol.name,
    model: inbound.facts.model,
    stream: inbound.facts.stream,
    session: inbound.session,
    session_source: inbound.sessionSource,
    provider: end.provider,
    attempts: trail.records(),
    hedge: contest ? markOf(contest) : "off",
    sticky: settlement?.sticky ?? "off",
    status: end.status,
    error: end.error,
    ttft_ms: story.ttftMs === null ? null : Math.round(story.ttftMs),
    wait_ms: Math.round(contest?.waitedMs ?? 0),
    ms: Math.round(tookMs),
    input_tokens: end.usage?.input ?? null,
    output_tokens: end.usage?.output ?? null,
    cached_tokens: end.usage?.cached ?? null,
    ranked: ranking?.order.map(({ provider }) => provider.name) ?? [],
    left_out: ranking?.out.map(({ provider, reason }) => ({ provider, reason })) ?? [],
    hedge_after_ms: contest?.hedgeAfterMs ?? null,
    hedge_denied: contest?.hedgeDenied ?? "",
  };
}

export function markOf(contest: Contest) {
  const attempt = contest.outcome.kind === "won" ? contest.outcome.attempt : null;
  return hedgeMark(contest.hedgeAfterMs !== null, contest.hedged, attempt);
}
