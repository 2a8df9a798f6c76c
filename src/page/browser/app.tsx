import { useEffect, useMemo, useState } from "preact/hooks";
import type { Clock } from "../../core/clock.ts";
import { type Ask, adminAt, type Refusal } from "./admin.ts";
import { Overview } from "./overview.tsx";
import { SignIn } from "./sign-in.tsx";
import { NOTHING_YET } from "./snapshot.ts";
import type { StoredToken } from "./token.ts";
import { type Watch, watch } from "./watch.ts";

export type AppProps = Readonly<{ base: string; ask: Ask; clock: Clock; token: StoredToken }>;

/** What the watch of an instance needs from outside: who asks, and how many times it was begun anew. */
type Attempt = Readonly<{ token: string | null; count: number }>;

export function App({ base, ask, clock, token: stored }: AppProps) {
  const [attempt, setAttempt] = useState<Attempt>({ token: stored.read(), count: 0 });
  const [refusal, setRefusal] = useState<Refusal | null>(null);
  const [snapshot, show] = useState(NOTHING_YET);
  const [running, setRunning] = useState<Watch | null>(null);
  const { token } = attempt;
  const admin = useMemo(() => adminAt(base, token, ask), [base, token, ask]);

  useEffect(() => {
    if (refusal !== null) return;
    const over = new AbortController();
    const visible = () => !document.hidden;
    const begun = watch({ admin, clock, visible, show, refused: setRefusal }, over.signal);
    const look = () => void (visible() && begun.refresh());
    document.addEventListener("visibilitychange", look, { signal: over.signal });
    setRunning(begun);
    return () => over.abort();
  }, [admin, clock, refusal, attempt.count]);

  const begin = (next: string | null) => {
    stored.write(next);
    show(NOTHING_YET);
    setRefusal(null);
    setAttempt(({ count }) => ({ token: next, count: count + 1 }));
  };
  if (refusal !== null) return <SignIn refusal={refusal} given={token} onToken={begin} />;
  const refresh = async () => running?.refresh();
  return (
    <Overview
      admin={admin}
      snapshot={snapshot}
      refresh={refresh}
      onSignOut={token === null ? null : () => begin(null)}
    />
  );
}
