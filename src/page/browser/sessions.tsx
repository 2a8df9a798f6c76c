import { useState } from "preact/hooks";
import type { SessionView } from "../../http/admin/views.ts";
import { durationText } from "../../words/duration-text.ts";
import { endedWords, placeWords, type SessionEnded } from "../../words/session-words.ts";
import type { Admin } from "./admin.ts";
import type { Question } from "./confirm.tsx";
import type { Act } from "./overview.tsx";
import { Empty, Section } from "./section.tsx";
import type { SessionList } from "./snapshot.ts";

type SessionsProps = Readonly<{
  list: SessionList | null;
  admin: Admin;
  act: Act;
  ask(question: Question): void;
  onSeek(sought: string): void;
}>;

/** What an eye goes through at once; the others come by as many, or are found by their words. */
const ROWS = 20;

export function Sessions({ list, admin, act, ask, onSeek }: SessionsProps) {
  const [sought, setSought] = useState("");
  const [rows, setRows] = useState(ROWS);
  const [apart, setApart] = useState<SessionView | null>(null);
  const found = foundIn(list?.sessions ?? [], { sought, apart });
  const end = (session: SessionView) =>
    ask({
      title: "End this session?",
      text: `${named(session)}: its streams are cut with an error on every instance, and its slots are free at once.`,
      yes: "End it",
      onYes: () =>
        act(async () => {
          const path = `sessions/${encodeURIComponent(session.session)}`;
          const words = endedWords(await admin.act<SessionEnded>("DELETE", path));
          setApart(null);
          return words;
        }),
    });
  const find = (id: string) =>
    act(async () => {
      const { sessions } = await admin.get<SessionList>(`sessions?id=${encodeURIComponent(id)}`);
      const [first] = sessions;
      if (first === undefined) return `this instance knows no session ${id}`;
      setSought(first.session);
      setApart(list?.sessions.some(({ session }) => session === first.session) ? null : first);
      return `${id} is ${named(first)}`;
    });
  return (
    <Section name="Sessions" aside={<Search sought={sought} onSeek={setSought} onFind={find} />}>
      <div class="scroll">
        <table>
          <thead>
            <tr>
              <th>Session</th>
              <th>Client</th>
              <th class="number">Age</th>
              <th class="number">Idle</th>
              <th class="number">Running</th>
              <th>Providers</th>
              <th>End</th>
            </tr>
          </thead>
          <tbody>
            {found.slice(0, rows).map((session) => (
              <Row key={session.session} session={session} onSeek={onSeek} onEnd={() => end(session)} />
            ))}
          </tbody>
        </table>
      </div>
      <Empty list={list === null ? null : found} words="no sessions" />
      {found.length > rows ? (
        <button type="button" onClick={() => setRows(rows + ROWS)}>
          Show more ({found.length - rows})
        </button>
      ) : null}
      {list !== null && list.total > list.sessions.length ? (
        <p class="dim">{list.total - list.sessions.length} more are known; find one by its id</p>
      ) : null}
    </Section>
  );
}

type SearchProps = Readonly<{ sought: string; onSeek(sought: string): void; onFind(id: string): void }>;

/** What a client calls its session is not kept, but its hash is found from it. */
function Search({ sought, onSeek, onFind }: SearchProps) {
  const id = sought.trim();
  return (
    <form
      role="search"
      aria-label="Sessions"
      onSubmit={(event) => {
        event.preventDefault();
        if (id !== "") onFind(id);
      }}
    >
      <label>
        With
        <input
          type="search"
          aria-label="Sessions with"
          placeholder="hash, client, provider"
          value={sought}
          onInput={({ currentTarget }) => onSeek(currentTarget.value)}
        />
      </label>
      <button type="submit" disabled={id === ""} title="The words are the client's own id of its session">
        Find by own id
      </button>
    </form>
  );
}

type RowProps = Readonly<{ session: SessionView; onEnd(): void; onSeek(sought: string): void }>;

function Row({ session, onEnd, onSeek }: RowProps) {
  return (
    <tr>
      <th scope="row">
        <button type="button" class="link" title="Its requests" onClick={() => onSeek(session.session)}>
          {session.session}
        </button>
      </th>
      <td>{session.client ?? "–"}</td>
      <td class="number">{durationText(session.age_ms)}</td>
      <td class="number">{session.running > 0 ? "" : durationText(session.idle_ms)}</td>
      <td class="number">{session.running}</td>
      <td>{session.providers.map(placeWords).join(", ")}</td>
      <td class="acts">
        <button type="button" onClick={onEnd} aria-label={`End session ${session.session}`}>
          End
        </button>
      </td>
    </tr>
  );
}

function named({ session, client }: SessionView): string {
  return client === null ? session : `${session} of ${client}`;
}

/** `apart`: one beyond those that are listed, as it was when it was asked for by its id. */
function foundIn(
  sessions: readonly SessionView[],
  { sought, apart }: Readonly<{ sought: string; apart: SessionView | null }>,
): readonly SessionView[] {
  const word = sought.trim().toLowerCase();
  const found = sessions.filter((session) => isKnownBy(session, word));
  return found.length === 0 && apart?.session === sought ? [apart] : found;
}

function isKnownBy({ session, client, providers }: SessionView, sought: string): boolean {
  return [session, client ?? "", ...providers.map(({ provider }) => provider)].some((word) =>
    word.toLowerCase().includes(sought),
  );
}
