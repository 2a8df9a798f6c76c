import { useRef, useState } from "preact/hooks";
import { type Admin, Refusal } from "./admin.ts";
import { type Question, Confirm } from "./confirm.tsx";
import { Config } from "./config.tsx";
import { Decisions } from "./decisions-list.tsx";
import { Explain } from "./explain.tsx";
import { FigureRow } from "./figure-row.tsx";
import { Header } from "./header.tsx";
import { Providers } from "./providers.tsx";
import { Requests } from "./requests.tsx";
import { Sessions } from "./sessions.tsx";
import type { Snapshot } from "./snapshot.ts";
import type { Told } from "../../words/tone.ts";
import { ANY } from "./which-requests.ts";

/** Does something an operator asked for, and says how it went. */
export type Act = (what: () => Promise<string>) => void;

type OverviewProps = Readonly<{
  admin: Admin;
  snapshot: Snapshot;
  refresh(): Promise<void>;
  /** Null where nobody signed in. */
  onSignOut: (() => void) | null;
}>;

export function Overview({ admin, snapshot, refresh, onSignOut }: OverviewProps) {
  const [said, say] = useState<Told | null>(null);
  const [question, ask] = useState<Question | null>(null);
  const [choice, choose] = useState(ANY);
  const field = useRef<HTMLInputElement>(null);
  const seek = (sought: string) => {
    choose({ ...ANY, sought });
    field.current?.focus();
  };
  const act: Act = (what) => {
    void (async () => {
      try {
        say({ tone: "good", text: await what() });
      } catch (error) {
        say({ tone: "bad", text: wordsOf(error) });
      }
      await refresh();
    })();
  };
  return (
    <>
      <Header snapshot={snapshot} onSignOut={onSignOut} />
      <main>
        <FigureRow requests={snapshot.requests} />
        <Providers providers={snapshot.providers} admin={admin} act={act} />
        <Requests requests={snapshot.requests} choice={choice} onChoose={choose} field={field} />
        <Decisions decisions={snapshot.decisions} listening={snapshot.listening} onSeek={seek} />
        <Sessions list={snapshot.sessions} admin={admin} act={act} ask={ask} onSeek={seek} />
        <Explain admin={admin} />
        <Config config={snapshot.config} admin={admin} act={act} />
      </main>
      <Said said={said} onDismiss={() => say(null)} />
      {question === null ? null : <Confirm question={question} onDone={() => ask(null)} />}
    </>
  );
}

/** Within sight wherever the page is scrolled to, because what was done may be anywhere. Always there, to be heard. */
function Said({ said, onDismiss }: Readonly<{ said: Told | null; onDismiss(): void }>) {
  return (
    <output class={`said ${said?.tone ?? ""}`} aria-live="polite">
      {said === null ? null : (
        <>
          <span>{said.text}</span>
          <button type="button" aria-label="Dismiss" onClick={onDismiss}>
            ×
          </button>
        </>
      )}
    </output>
  );
}

function wordsOf(error: unknown): string {
  if (!(error instanceof Refusal)) return "no answer from the instance; it may or may not have been done";
  return [error.message, ...error.problems].join("\n");
}
