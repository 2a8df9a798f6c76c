/** Tokens somebody may get wrong in a row before being slowed down: a person with two of them in a password store. */
const BURST = 5;
/** Then one more try every so often. */
const EVERY_MS = 2_000;
/** Peers remembered; the one longest quiet is forgotten first. */
const PEERS_MAX = 1_024;

/** Slows down guessing, per peer. A right token costs nothing, but is not looked at either while its peer has to wait. */
export type WrongTokens = Readonly<{
  /** Milliseconds until this peer may try again, 0 for now. */
  waitMs(peer: string): number;
  wrong(peer: string): void;
}>;

export function wrongTokens(monoMs: () => number): WrongTokens {
  /** Generic cell rate (ITU-T I.371): when a peer that guessed at the allowed rate alone would be due again. */
  const dueMs = new Map<string, number>();
  return {
    waitMs: (peer) => Math.max(0, (dueMs.get(peer) ?? 0) - monoMs() - (BURST - 1) * EVERY_MS),
    wrong(peer) {
      const due = Math.max(dueMs.get(peer) ?? 0, monoMs()) + EVERY_MS;
      dueMs.delete(peer);
      dueMs.set(peer, due);
      if (dueMs.size <= PEERS_MAX) return;
      for (const longestQuiet of dueMs.keys()) {
        dueMs.delete(longestQuiet);
        return;
      }
    },
  };
}
