import { Fragment, type RefObject } from "preact";
import { useMemo, useState } from "preact/hooks";
import { requestOutcome } from "../../core/request-outcome.ts";
import type { RequestView } from "../../http/admin/views.ts";
import { durationText } from "../../words/duration-text.ts";
import type { Tone } from "../../words/tone.ts";
import { Badge } from "./badge.tsx";
import { RequestDetail } from "./request-detail.tsx";
import { Empty, Section } from "./section.tsx";
import { keyOf } from "./snapshot.ts";
import { type Choice, chosen, WHICH, type Which } from "./which-requests.ts";

type RequestsProps = Readonly<{
  requests: readonly RequestView[] | null;
  choice: Choice;
  onChoose(choice: Choice): void;
  /** Where words are sought; whoever follows a link to its requests is led there. */
  field: RefObject<HTMLInputElement | null>;
}>;

/** What an eye goes through at once; older ones come by as many, or are found by their words. */
const ROWS = 20;

export function Requests({ requests, choice, onChoose, field }: RequestsProps) {
  const [rows, setRows] = useState(ROWS);
  const [open, setOpen] = useState<string | null>(null);
  const found = useMemo(() => chosen(requests ?? [], choice), [requests, choice]);
  const seek = (sought: string) => onChoose({ ...choice, sought });
  return (
    <Section name="Requests" aside={<Filter choice={choice} onChoose={onChoose} field={field} />}>
      <div class="scroll">
        <table>
          <thead>
            <tr>
              <th>Time</th>
              <th>Outcome</th>
              <th>Provider</th>
              <th>Model</th>
              <th>Client</th>
              <th>Attempts</th>
              <th class="number">First token</th>
              <th class="number">Whole</th>
              <th class="number">Tokens in</th>
              <th class="number">Tokens out</th>
            </tr>
          </thead>
          <tbody>
            {found.slice(0, rows).map((request) => {
              const id = keyOf(request);
              const isOpen = id === open;
              return (
                <Fragment key={id}>
                  <Row request={request} isOpen={isOpen} onToggle={() => setOpen(isOpen ? null : id)} />
                  {isOpen ? <RequestDetail request={request} onSeek={seek} /> : null}
                </Fragment>
              );
            })}
          </tbody>
        </table>
      </div>
      <Empty list={requests === null ? null : found} words="no requests" />
      {found.length > rows ? (
        <button type="button" onClick={() => setRows(rows + ROWS)}>
          Show older ({found.length - rows})
        </button>
      ) : null}
    </Section>
  );
}

function Filter({ choice, onChoose, field }: Omit<RequestsProps, "requests">) {
  return (
    <form role="search" aria-label="Requests" onSubmit={(event) => event.preventDefault()}>
      <label>
        Show
        <select
          aria-label="Show requests"
          value={choice.which}
          onChange={({ currentTarget }) => onChoose({ ...choice, which: currentTarget.value as Which })}
        >
          {WHICH.map(({ which: one, words }) => (
            <option key={one} value={one}>
              {words}
            </option>
          ))}
        </select>
      </label>
      <label>
        with
        <input
          type="search"
          aria-label="Requests with"
          placeholder="id, session, client, model, provider"
          ref={field}
          value={choice.sought}
          onInput={({ currentTarget }) => onChoose({ ...choice, sought: currentTarget.value })}
        />
      </label>
    </form>
  );
}

type RowProps = Readonly<{ request: RequestView; isOpen: boolean; onToggle(): void }>;

function Row({ request, isOpen, onToggle }: RowProps) {
  const outcome = requestOutcome(request);
  const time = new Date(request.time_ms);
  return (
    <tr>
      <td>
        <button type="button" class="fold" aria-expanded={isOpen} onClick={onToggle}>
          <span class="unseen">How it went: </span>
          <time dateTime={time.toISOString()}>{time.toLocaleTimeString()}</time>
        </button>
      </td>
      <td>
        <Badge
          told={{ tone: OUTCOME_TONE[outcome] ?? "bad", text: `${outcome.replaceAll("_", " ")}${status(request)}` }}
        />
      </td>
      <td>{request.provider || "–"}</td>
      <td>
        {request.model}
        <small>{request.protocol}</small>
      </td>
      <td>{request.client}</td>
      <td>
        {request.attempts.length}
        <small>{marks(request)}</small>
      </td>
      <td class="number">{request.ttft_ms === null ? "–" : durationText(request.ttft_ms)}</td>
      <td class="number">{durationText(request.ms)}</td>
      <td class="number">{request.input_tokens?.toLocaleString() ?? "–"}</td>
      <td class="number">{request.output_tokens?.toLocaleString() ?? "–"}</td>
    </tr>
  );
}

/** Outcomes that are everyday life, or the client's own doing; all others are for somebody to look into. */
const OUTCOME_TONE: Readonly<Record<string, Tone>> = {
  answered: "good",
  client_left: "dim",
  ended: "warn",
  client_error: "dim",
  providers_full: "warn",
  client_limit: "warn",
  invalid_request: "dim",
  not_found: "dim",
  unauthorized: "dim",
};

function status({ status: code }: RequestView): string {
  return code === 200 ? "" : ` ${code}`;
}

function marks({ hedge, sticky }: RequestView): string {
  const raced = hedge === "won" || hedge === "lost" ? `hedge ${hedge}` : "";
  return [raced, sticky === "moved" ? "moved" : ""].filter((mark) => mark !== "").join(" · ");
}
