import type { AttemptRecord, TokenCounts } from "../../core/events.ts";
import type { RequestView } from "../../http/admin/views.ts";
import { durationText } from "../../words/duration-text.ts";
import { outWords } from "../../words/ranking-words.ts";
import type { Tone } from "../../words/tone.ts";
import { Badge } from "./badge.tsx";

type DetailProps = Readonly<{ request: RequestView; onSeek(sought: string): void }>;

/** How a request went: its attempts over time, and why nobody else was asked. */
export function RequestDetail({ request, onSeek }: DetailProps) {
  const { request_id, session, session_source, sticky, ranked, left_out, cached_tokens } = request;
  return (
    <tr class="detail">
      <td colSpan={10}>
        <ol class="timeline">
          {request.attempts.map((attempt) => (
            <Attempt key={`${attempt.provider} ${attempt.at_ms}`} attempt={attempt} wholeMs={request.ms} />
          ))}
        </ol>
        <dl class="facts">
          <Fact name="Request">{request_id}</Fact>
          <Fact name="Ended">{new Date(request.time_ms).toLocaleString()}</Fact>
          <Fact name="Session">
            <button type="button" class="link" onClick={() => onSeek(session)}>
              {session}
            </button>{" "}
            (from {session_source.replaceAll("_", " ")}; home: {sticky})
          </Fact>
          <Fact name="Asked in this order">{ranked.join(", ") || "nobody"}</Fact>
          {left_out.length === 0 ? null : (
            <Fact name="Left out">
              {left_out.map(({ provider, reason }) => `${provider}: ${outWords(reason)}`).join("; ")}
            </Fact>
          )}
          <Fact name="Hedging">{hedgingWords(request)}</Fact>
          {request.wait_ms > 0 ? <Fact name="Waited for a slot">{durationText(request.wait_ms)}</Fact> : null}
          {cached_tokens === null ? null : <Fact name="Cached tokens">{cached_tokens.toLocaleString()}</Fact>}
          {request.error === "" ? null : <Fact name="Error code">{request.error}</Fact>}
        </dl>
      </td>
    </tr>
  );
}

function Fact({ name, children }: Readonly<{ name: string; children: preact.ComponentChildren }>) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

const OUTCOME_TONE: Readonly<Record<AttemptRecord["outcome"], Tone>> = {
  answered: "good",
  failed: "bad",
  broken: "bad",
  lost: "dim",
  client_left: "dim",
  ended: "warn",
};

/** A bar from its start to its end on the request's own time; a mark in it where the first content came. */
function Attempt({ attempt, wholeMs }: Readonly<{ attempt: AttemptRecord; wholeMs: number }>) {
  const { provider, kind, outcome, status, reason, at_ms, ms, ttft_ms, key, tokens } = attempt;
  const percent = (part: number) => `${Math.min(100, (100 * part) / Math.max(1, wholeMs, at_ms + ms))}%`;
  const tone = OUTCOME_TONE[outcome];
  return (
    <li>
      <span>
        <strong>{provider}</strong> {kind}
        {key === undefined ? "" : `, key ${key}`}
      </span>
      <span class="bar" aria-hidden="true">
        <span class={tone} style={{ left: percent(at_ms), width: percent(ms) }} />
        {ttft_ms === null ? null : <i style={{ left: percent(at_ms + ttft_ms) }} />}
      </span>
      <span>
        <Badge told={{ tone, text: outcome.replaceAll("_", " ") }} />{" "}
        {[reason, status === null || status === 200 ? "" : `status ${status}`].filter((word) => word !== "").join(", ")}
        <small>
          at {durationText(at_ms)}, took {durationText(ms)}
          {ttft_ms === null ? "" : `, first content after ${durationText(ttft_ms)}`}
          {tokens === null ? "" : `, ${tokenWords(tokens)}`}
        </small>
      </span>
    </li>
  );
}

function tokenWords({ input, output, estimated }: TokenCounts): string {
  return `${input.toLocaleString()} tokens in, ${output.toLocaleString()} out${estimated ? " (estimated)" : ""}`;
}

function hedgingWords({ hedge, hedge_after_ms, hedge_denied }: RequestView): string {
  if (hedge_after_ms === null) return "off";
  const due = `due after ${durationText(hedge_after_ms)}`;
  if (hedge === "won" || hedge === "lost") return `${due}; it ${hedge}`;
  return hedge_denied === "" ? `${due}, not needed` : `${due}, denied: ${hedge_denied.replaceAll("_", " ")}`;
}
