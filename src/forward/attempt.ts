import { HedgerowError } from "../core/errors.ts";
import type { AttemptKind, AttemptOutcome } from "../core/events.ts";
import type { Secret } from "../core/secret.ts";
import { promptUsage } from "../protocol/tokens.ts";
import type { Provider } from "../provider/provider.ts";
import type { Admission } from "./admission.ts";
import { type Answer, type AnswerDeps, readAnswer, type ShownAnswer } from "./answer.ts";
import { type Stoppable, stoppable, settled } from "./stoppable.ts";
import { silentFault, type Verdict } from "./classify.ts";
import type { Inbound } from "./inbound.ts";
import { type Opened, opened, usageOf } from "./opened.ts";
import type { Finish } from "./race-rules.ts";
import { isTimeout, type Why } from "./stop.ts";
import type { Attempted, Trail } from "./trail.ts";

/** An attempt of which nothing reached the client. */
export type Loss = Readonly<{
  provider: Provider;
  key: Secret | null;
  upstreamModel: string;
  verdict: Verdict;
  shown: ShownAnswer | null;
  /** What called it off from our side, a timeout among them; null where the upstream failed by itself. */
  stopped: Why | null;
}>;

export type AttemptDeps = AnswerDeps &
  Readonly<{
    /**
     * Sends the request as this provider wants it. `onConnected` is told when the upstream begins to take the body.
     * Rejects with a `HedgerowError` whose code says how it failed (`connect`, `dns`, `tls`, `reset`, …), or with the signal's reason.
     */
    send(target: Target, signal: AbortSignal, onConnected: () => void): Promise<Response>;
    /** A streaming attempt had content after `ms`, or (`censored`) was called off after `ms` without any. */
    timed(admission: Admission, ms: number, censored: boolean): void;
    /** The attempt was lost: who rests, and whom to tell. */
    judged(loss: Loss): void;
  }>;

export type Target = Readonly<{ inbound: Inbound; provider: Provider; key: Secret | null; upstreamModel: string }>;

/** `abort`: through which the attempt is called off; it belongs to nobody else. */
export type Run = Readonly<{ admission: Admission; kind: AttemptKind; abort: AbortController; started: () => void }>;

/** A reset this soon after the start, before any byte of an answer, is most likely a kept connection that had gone stale. */
const STALE_MS_MAX = 1_000;

/** One attempt at one provider: from its admission to an answer for the client or a loss. Takes the admission over. */
export async function attempt(
  deps: AttemptDeps,
  inbound: Inbound,
  trail: Trail,
  run: Run,
): Promise<Finish<Opened, Loss>> {
  const { admission, kind } = run;
  const { provider } = admission;
  await using owned = new AsyncDisposableStack();
  owned.use(admission);
  const record = trail.start(provider.name, kind);
  const io = owned.use(stoppable(deps.clock, run.abort));
  admission.cut(io.stop);
  const totalDone = io.limit(provider.timeouts.totalMs, "total_timeout");
  const firstTokenDone = inbound.facts.stream
    ? io.limit(provider.timeouts.firstTokenMs, "first_token_timeout")
    : () => {};
  const reading = { inbound, admission, io, record, owned, started: run.started };
  const answer = await answerTo(deps, reading);
  // What came in while it was being called off has lost all the same.
  if (answer.kind === "fault" || io.stopped() !== null) return lose(deps, run, { inbound, io, record, owned }, answer);

  admission.settle("ok");
  if (inbound.facts.stream) {
    firstTokenDone();
    totalDone();
    if (answer.worth === "content") deps.timed(admission, record.elapsedMs(), false);
  }
  const { status, headers, worth, body } = answer;
  const prize = opened({
    provider,
    kind,
    status,
    headers,
    clientError: worth === "client_error",
    body,
    io,
    record,
    admission,
    owned: owned.move(),
  });
  return { kind: worth === "held" ? "held" : "won", prize };
}

async function answerTo(deps: AttemptDeps, reading: Parameters<typeof readAnswer>[1]): Promise<Answer> {
  try {
    const response = await sent(deps, reading);
    reading.record.sawStatus(response.status);
    return await readAnswer(deps, reading, response);
  } catch (error) {
    return { kind: "fault", verdict: silentFault(codeOf(error)), shown: null };
  }
}

/** Sends; a reset before any byte of an answer is tried again at once, under the same lease. */
async function sent(deps: AttemptDeps, reading: Parameters<typeof readAnswer>[1]): Promise<Response> {
  const { inbound, admission, io, record } = reading;
  const { provider, key, upstreamModel } = admission;
  for (let retriesLeft = provider.retrySame; ; retriesLeft--) {
    const connected = io.limit(provider.timeouts.connectMs, "connect_timeout");
    try {
      const sending = deps.send({ inbound, provider, key, upstreamModel }, io.signal, connected);
      return await settled(sending, io.signal, deps.clock);
    } catch (error) {
      const stale = codeOf(error) === "reset" && record.elapsedMs() <= STALE_MS_MAX && io.stopped() === null;
      if (!stale || retriesLeft <= 0) throw error;
    } finally {
      connected();
    }
  }
}

/** Settles what an attempt without an answer leaves behind: its I/O ends first, then its slot is given back. */
async function lose(
  deps: AttemptDeps,
  { admission, kind }: Run,
  flight: Readonly<{ inbound: Inbound; io: Stoppable; record: Attempted; owned: AsyncDisposableStack }>,
  answer: Answer,
): Promise<Finish<Opened, Loss>> {
  const { inbound, io, record, owned } = flight;
  const stopped = io.stopped();
  const fault = stopped === null && answer.kind === "fault" ? answer : null;
  const verdict = fault?.verdict ?? {
    ...silentFault(stopped ?? "truncated"),
    health: healthWhenStopped(stopped, kind),
  };
  const { provider, key, upstreamModel } = admission;
  admission.settle(verdict.health);
  // It took at least so long; a fast failure says nothing about that, nor does a client that left or erred.
  if (inbound.facts.stream && stopped !== null && TOO_LATE.includes(stopped)) {
    deps.timed(admission, record.elapsedMs(), true);
  }
  const outcome = outcomeOf(stopped);
  const said = answer.kind === "open" ? usageOf(answer.body) : (answer.usage ?? null);
  io.stop("called_off");
  admission.endAs(outcome === "failed" ? "failed" : "called_off");
  await owned.disposeAsync();
  record.ended({
    outcome,
    reason: verdict.reason,
    // A loser's tokens are paid for: as it said itself, else its prompt at the least.
    usage: said ?? (outcome === "lost" ? promptUsage(inbound.bodyBytes) : null),
    ...(verdict.rest?.what === "key" && key ? { key: key.last4 } : {}),
  });
  const loss: Loss = { provider, key, upstreamModel, verdict, shown: fault?.shown ?? null, stopped };
  deps.judged(loss);
  return { kind: "lost", reason: loss };
}

const TOO_LATE: readonly Why[] = ["lost_race", "first_token_timeout", "total_timeout"];
const LOST: readonly Why[] = ["lost_race", "lost_to_client_error"];
const ENDED: readonly Why[] = ["session_ended", "lease_lost", "drain", "called_off"];

/**
 * A first attempt that loses to its hedge's answer had been given its time: a black hole is found although hedges cover
 * it. What is refused for the client's own error is refused sooner than anything is generated, by whoever looks at it.
 */
function healthWhenStopped(stopped: Why | null, kind: AttemptKind): Verdict["health"] {
  if (stopped === null || isTimeout(stopped)) return "failed";
  return stopped === "lost_race" && kind === "first" ? "failed" : "unknown";
}

function outcomeOf(stopped: Why | null): AttemptOutcome {
  if (stopped === "client_left") return "client_left";
  if (stopped === null) return "failed";
  if (LOST.includes(stopped)) return "lost";
  return ENDED.includes(stopped) ? "ended" : "failed";
}

function codeOf(error: unknown): string {
  return error instanceof HedgerowError ? error.code : "reset";
}
