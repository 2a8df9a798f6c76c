import type { Ended, Scope } from "./lease.ts";
import { endLease, type Registry } from "./registry.ts";
import type { Sightings } from "./sightings.ts";
import type { SlotParts } from "./slot-rules.ts";

/** What an operator's end of a session came to. */
export type SessionEnded = Readonly<{
  /** Leases ended in the store, of all instances. */
  leases: number;
  /** Streams of this instance, cut by now. */
  cutHere: number;
  /** Streams of other instances, cut at their next heartbeat at the latest. */
  toBeCut: number;
  /** Scopes in which a slot became free. */
  freed: number;
}>;

export type SessionEnding = Readonly<{
  end(session: string): Promise<SessionEnded>;
  watch(session: string, onEnded: () => void): () => void;
}>;

export type EndingParts = Readonly<{
  parts: SlotParts;
  leases: Registry;
  seen: Sightings;
  scopes: () => readonly Scope[];
  forgetHome: (session: string) => Promise<void>;
  onFreed: (scope: Scope) => void;
}>;

export function sessionEnding({ parts, leases, seen, scopes, forgetHome, onFreed }: EndingParts): SessionEnding {
  const watchers = new Map<string, Set<() => void>>();

  /** Cuts what runs here; how many leases, by scope. */
  const cut = (session: string): ReadonlyMap<Scope, number> => {
    const mine = leases.all().filter((lease) => lease.session === session && !lease.ended);
    const counts = new Map<Scope, number>();
    for (const lease of mine) {
      counts.set(lease.scope, (counts.get(lease.scope) ?? 0) + 1);
      parts.observe({ kind: "lease", scope: lease.scope, event: "terminated", count: 1 });
      endLease(lease);
    }
    for (const tell of watchers.get(session) ?? []) tell();
    return counts;
  };

  return {
    async end(session) {
      const everywhere = [...new Set([...scopes(), ...leases.scopes()])];
      const { tombstoneMs } = parts.rules();
      // Sent before anything is cut here, so that no release that a cut brings about comes first and spoils the count.
      const asked = everywhere.map((scope) => parts.store.end(scope, session, tombstoneMs));
      const home = forgetHome(session);
      const here = cut(session);
      await Promise.allSettled([...asked, home]);
      await home;
      const replies: readonly Ended[] = await Promise.all(asked);
      for (const scope of everywhere) {
        seen.evicted(scope, session);
        onFreed(scope);
      }
      const elsewhere = replies.map(({ leases }, at) => Math.max(0, leases - (here.get(everywhere[at] ?? "") ?? 0)));
      return {
        leases: sum(replies.map((reply) => reply.leases)),
        cutHere: sum([...here.values()]),
        toBeCut: sum(elsewhere),
        freed: replies.filter((reply) => reply.freed).length,
      };
    },
    watch(session, onEnded) {
      const own = watchers.get(session) ?? new Set();
      const tell = () => onEnded(); // one request may watch twice with one function
      watchers.set(session, own.add(tell));
      return () => {
        own.delete(tell);
        if (own.size === 0 && watchers.get(session) === own) watchers.delete(session);
      };
    },
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}
