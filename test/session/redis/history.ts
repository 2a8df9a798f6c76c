/** What one process saw of one lease: the grant after it was heard, the release before it was sent. */
export type Seen = Readonly<{
  /** On the machine's wall clock, which all processes of a test share. */
  atMs: number;
  process: string;
  kind: "granted" | "released";
  scope: string;
  session: string;
  lease: string;
}>;

/** The machine's time with fractions, comparable between processes. */
export const nowMs = () => performance.timeOrigin + performance.now();

export type Verdict = Readonly<{
  /** Most sessions that held a lease in the scope at one moment. Never more than there were: each was held longer than was seen. */
  peakSessions: number;
  peakRequests: number;
  grants: number;
  /** Leases never released by a process that was not killed. */
  unreleased: readonly string[];
  /** Leases granted or released twice. */
  twice: readonly string[];
}>;

/** Judges the records of all processes afterwards. `killed`: when a process was ended; its leases are taken to end then. */
export function judge(
  history: readonly Seen[],
  scope: string,
  killed: ReadonlyMap<string, number> = new Map(),
): Verdict {
  const spans = new Map<string, { session: string; fromMs: number; toMs: number | null; process: string }>();
  const twice: string[] = [];
  for (const seen of [...history].sort((a, b) => a.atMs - b.atMs)) {
    if (seen.scope !== scope) continue;
    const span = spans.get(seen.lease);
    if (seen.kind === "granted") {
      if (span) twice.push(seen.lease);
      spans.set(seen.lease, { session: seen.session, fromMs: seen.atMs, toMs: null, process: seen.process });
    } else if (span && span.toMs === null) span.toMs = seen.atMs;
    else twice.push(seen.lease);
  }
  const edges = [...spans.values()].flatMap(({ session, fromMs, toMs, process }) => [
    { atMs: fromMs, session, step: 1 },
    { atMs: toMs ?? killed.get(process) ?? Number.POSITIVE_INFINITY, session, step: -1 },
  ]);
  // At one moment what ends goes before what begins.
  edges.sort((a, b) => a.atMs - b.atMs || a.step - b.step);
  const holding = new Map<string, number>();
  let [requests, peakSessions, peakRequests] = [0, 0, 0];
  for (const { session, step } of edges) {
    requests += step;
    const count = (holding.get(session) ?? 0) + step;
    if (count === 0) holding.delete(session);
    else holding.set(session, count);
    peakSessions = Math.max(peakSessions, holding.size);
    peakRequests = Math.max(peakRequests, requests);
  }
  const unreleased = [...spans].filter(([, { toMs, process }]) => toMs === null && !killed.has(process));
  return { peakSessions, peakRequests, grants: spans.size, unreleased: unreleased.map(([lease]) => lease), twice };
}
