import type { Ended, Scope } from "./lease.ts";
import { endLease, type Registry } from "./registry.ts";
import type { Sightings } from "./sightings.ts";
import type { SlotParts } from "./slot-rules.ts";

/** What an operator's end of a session came to. */
export type SessionEnded = Readonly<{
  /** Leases ended in the store, of all instances. */
  leases: number;
  /** Requests of this instance, cut by now; such as waited for a slot included. */
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

  /** Cuts what runs here: how many leases, by scope, and how many requests, some of which may have been without one. */
  const cut = (session: string): Readonly<{ leases: ReadonlyMap<Scope, number>; requests: number }> => {
    const mine = leases.all().filter((lease) => lease.session === session && !lease.ended);
    const counts = new Map<Scope, number>();
    for (const lease of mine) {
      counts.set(lease.scope, (counts.get(lease.scope) ?? 0) + 1);
      parts.observe({ kind: "lease", scope: lease.scope, event: "terminated", count: 1 });
      endLease(lease);
    }
    const told = [...(watchers.get(session) ?? [])];
    for (const tell of told) tell();
    return { leases: counts, requests: Math.max(told.length, sum([...counts.values()])) };
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
      const elsewhere = replies.map(({ leases }, at) =>
        Math.max(0, leases - (here.leases.get(everywhere[at] ?? "") ?? 0)),
      );
      return {
        leases: sum(replies.map((reply) => reply.leases)),
        cutHere: here.requests,
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
