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

  /** What runs here at this moment: leases by scope, and requests, some of which may be without one. `cut` ends it, and nothing later. */
  const running = (session: string) => {
    const mine = leases.all().filter((lease) => lease.session === session && !lease.ended);
    const told = [...(watchers.get(session) ?? [])];
    return {
      leases: Map.groupBy(mine, ({ scope }) => scope),
      requests: Math.max(told.length, mine.length),
      cut() {
        for (const lease of mine) {
          if (!leases.has(lease) || lease.ended) continue;
          parts.observe({ kind: "lease", scope: lease.scope, event: "terminated", count: 1 });
          endLease(lease);
        }
        for (const tell of told) if (watchers.get(session)?.has(tell)) tell();
      },
    };
  };

  return {
    async end(session) {
      const everywhere = [...new Set([...scopes(), ...leases.scopes()])];
      const { tombstoneMs } = parts.rules();
      const here = running(session);
      const asked = everywhere.map((scope) => parts.store.end(scope, session, tombstoneMs));
      const home = forgetHome(session);
      await Promise.allSettled([...asked, home]);
      // Not before: the releases that a cut brings about may overtake the end (a script that the server does not know
      // yet is sent a second time), and what is left elsewhere could not be told any more.
      here.cut();
      await home;
      const replies: readonly Ended[] = await Promise.all(asked);
      for (const scope of everywhere) {
        seen.evicted(scope, session);
        onFreed(scope);
      }
      const elsewhere = replies.map(({ leases }, at) =>
        Math.max(0, leases - (here.leases.get(everywhere[at] ?? "")?.length ?? 0)),
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
