import type { Heartbeat } from "./heartbeat.ts";
import type { Ending } from "./lease.ts";
import type { Outbox, Parcel } from "./outbox.ts";
import type { LiveLease, Registry } from "./registry.ts";
import type { Sightings } from "./sightings.ts";
import type { SlotParts } from "./slot-rules.ts";
import type { Ask, Held } from "./slot.ts";

/** From a grant to its release: what happens to a lease while somebody here holds it. */
export type Holding = Readonly<{
  /** Takes over a lease that the store granted. `untilMs`: the store has it at least until then. */
  hold(ask: Ask, grant: Grant): Held;
  /** Grants without asking first, where nothing is limited; the store hears of it in the background. */
  holdUnasked(ask: Ask, lease: string): Held;
  /** Gives back what may have been granted by a claim that was not answered. */
  disown(ask: Ask, lease: string): void;
  /** Ends with the release delivered, or kept for later. Does nothing for a lease that was released before. */
  release(lease: LiveLease, ending: Ending): Promise<void>;
}>;

export type Grant = Readonly<{
  lease: string;
  untilMs: number;
  sessions: number;
  isNew: boolean;
  displaced: readonly string[];
}>;

export type HoldingParts = Readonly<{
  parts: SlotParts;
  leases: Registry;
  heart: Heartbeat;
  out: Outbox;
  seen: Sightings;
}>;

export function holding({ parts, leases, heart, out, seen }: HoldingParts): Holding {
  const { clock, background, observe } = parts;

  const parcelOf = (lease: Outgoing, ending: Ending): Parcel => {
    const nowMs = clock.monoMs();
    const { residenceMs, storeTimeoutMs } = parts.rules();
    const lapsedMs = Math.max(nowMs, lease.deadlineMs) + storeTimeoutMs + heart.ttlMs();
    return {
      scope: lease.scope,
      ref: { lease: lease.lease, session: lease.session },
      ending,
      residenceUntilMs: nowMs + residenceMs,
      leaseUntilMs: lease.untilMs,
      notBeforeMs: lease.deadlineMs,
      worthUntilMs: ending === "done" ? Math.max(lapsedMs, nowMs + residenceMs) : lapsedMs,
    };
  };
  const release = async (lease: LiveLease, ending: Ending) => {
    if (!leases.remove(lease)) return;
    const { scope, session } = lease;
    seen.ended(scope, session, { ending, residenceMs: parts.rules().residenceMs });
    observe({ kind: "lease", scope, event: "released", count: 1 });
    // Never before the claim it answers: the two could change places on their way.
    if (lease.asking) await lease.asking;
    await out.send(parcelOf(lease, ending));
  };
  const take = (lease: LiveLease): Held["release"] => {
    leases.add(lease);
    seen.started(lease.scope, lease.session);
    return (ending) => background.track("release", release(lease, ending));
  };

  return {
    hold(ask, grant) {
      const { scope, session } = ask;
      const { lease, sessions, isNew, displaced } = grant;
      for (const other of displaced) seen.evicted(scope, other);
      const release = take(liveLease(ask, lease, grant.untilMs));
      return { scope, session, lease, sessions, isNew, displaced, release };
    },
    holdUnasked(ask, id) {
      const { scope, session } = ask;
      const lease = liveLease(ask, id, 0);
      const release = take(lease);
      background.track("claim without limits", heart.claim(lease, false));
      return { scope, session, lease: id, sessions: 0, isNew: false, displaced: [], release };
    },
    disown({ scope, session }, lease) {
      const deadlineMs = clock.monoMs() + parts.rules().storeTimeoutMs;
      const parcel = parcelOf({ scope, session, lease, untilMs: 0, deadlineMs }, "reverted");
      background.track("release of an unanswered claim", out.send(parcel));
    },
    release,
  };
}

/** What is to be known of a lease to send its release. */
type Outgoing = Pick<LiveLease, "scope" | "lease" | "session" | "untilMs" | "deadlineMs">;

function liveLease({ scope, session, onEnded }: Ask, lease: string, untilMs: number): LiveLease {
  return { scope, session, lease, onEnded, ended: false, asking: null, untilMs, deadlineMs: 0 };
}
