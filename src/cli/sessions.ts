import type { SessionView } from "../http/admin/views.ts";
import { durationText } from "../words/duration-text.ts";
import { endedWords, placeWords, type SessionEnded } from "../words/session-words.ts";
import { drawing, type ExitCode, type RemoteVerb, showLive, showOnce, type World } from "./remote.ts";
import { type Cell, type Column, table } from "./table.ts";

type SessionList = Readonly<{ sessions: readonly SessionView[]; total: number }>;

/** `hedgerow sessions`: those a running instance knows, the busy ones first. */
export function sessions(verb: RemoteVerb, world: World): Promise<ExitCode> {
  const { colour } = world.terminal;
  const text = (body: unknown) => sessionsText(body as SessionList, colour);
  const draw = drawing(verb, world.clock, { call: (client) => client.get("sessions?limit=1000"), text });
  return showLive(verb, draw, world);
}

/** `hedgerow sessions end ID`: by hash, or by the client's own id (`client`: whose, where several know it). */
export function endSession(
  verb: RemoteVerb & Readonly<{ id: string; client: string | null }>,
  world: World,
): Promise<ExitCode> {
  const whose = verb.client === null ? "" : `?client=${encodeURIComponent(verb.client)}`;
  const path = `sessions/${encodeURIComponent(verb.id)}${whose}`;
  const draw = drawing(verb, world.clock, {
    call: (client) => client.delete(path),
    text: (body) => endedWords(body as SessionEnded),
  });
  return showOnce(draw, world);
}

const COLUMNS: readonly Column[] = [
  { title: "SESSION" },
  { title: "CLIENT" },
  { title: "AGE", align: "right" },
  { title: "IDLE", align: "right" },
  { title: "RUNNING", align: "right" },
  { title: "PROVIDERS" },
];

export function sessionsText({ sessions, total }: SessionList, colour: boolean): string {
  if (total === 0) return "no sessions";
  const rows = sessions.map((session): readonly Cell[] => [
    { text: session.session, tone: "strong" },
    session.client ?? "-",
    durationText(session.age_ms),
    session.running > 0 ? "" : durationText(session.idle_ms),
    session.running > 0 ? { text: String(session.running), tone: "good" } : "0",
    session.providers.map(placeWords).join(", "),
  ]);
  const more = total > sessions.length ? `\n${total - sessions.length} more` : "";
  return table(COLUMNS, rows, colour) + more;
}
