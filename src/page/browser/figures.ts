import type { RequestRecord } from "../../core/events.ts";
import { requestOutcome } from "../../core/request-outcome.ts";

/** What some finished requests have in common. Shares are from 0 to 1, null where there is nothing to share. */
export type Figures = Readonly<{
  requests: number;
  /** Answered, of those whose client stayed and asked for something that could be answered. */
  answered: number | null;
  /** Milliseconds to the first content. */
  ttftP50: number | null;
  ttftP99: number | null;
  /** Requests that a second attempt raced for. */
  hedged: number | null;
  /** Of these, those that the hedge won. */
  hedgesWon: number | null;
  /** What attempts cost that nobody was given the answer of. */
  lostTokens: Readonly<{ input: number; output: number; estimated: boolean }>;
}>;

export function figuresOf(requests: readonly RequestRecord[]): Figures {
  const outcomes = requests.filter((one) => !isClientsOwn(one)).map(requestOutcome);
  const ttfts = requests.flatMap(({ ttft_ms }) => (ttft_ms === null ? [] : [ttft_ms])).sort((a, b) => a - b);
  const asked = requests.filter(({ attempts }) => attempts.length > 0);
  const hedged = asked.filter(({ hedge }) => hedge === "won" || hedge === "lost");
  return {
    requests: requests.length,
    answered: share(outcomes.filter((outcome) => outcome === "answered").length, outcomes.length),
    ttftP50: quantile(ttfts, 0.5),
    ttftP99: quantile(ttfts, 0.99),
    hedged: share(hedged.length, asked.length),
    hedgesWon: share(hedged.filter(({ hedge }) => hedge === "won").length, hedged.length),
    lostTokens: lostTokens(requests),
  };
}

/** A client that left, or asked for what nobody could answer, says nothing about the proxy. */
function isClientsOwn(record: RequestRecord): boolean {
  const refused = record.status >= 400 && record.status < 500 && record.status !== 429;
  return refused || requestOutcome(record) === "client_left";
}

function lostTokens(requests: readonly RequestRecord[]): Figures["lostTokens"] {
  const lost = requests.flatMap(({ attempts }) =>
    attempts.flatMap(({ outcome, tokens }) => (outcome === "lost" && tokens !== null ? [tokens] : [])),
  );
  return {
    input: lost.reduce((sum, { input }) => sum + input, 0),
    output: lost.reduce((sum, { output }) => sum + output, 0),
    estimated: lost.some(({ estimated }) => estimated),
  };
}

function share(part: number, whole: number): number | null {
  return whole === 0 ? null : part / whole;
}

/** The nearest of what was seen; nothing is interpolated. */
function quantile(sorted: readonly number[], q: number): number | null {
  return sorted[Math.ceil(q * sorted.length) - 1] ?? null;
}
