import type { Heartbeat } from "./heartbeat.ts";
import type { Ending, Scope } from "./lease.ts";
import type { Outbox } from "./outbox.ts";
import type { LiveLease, Registry } from "./registry.ts";
import type { Sightings } from "./sightings.ts";
import type { SlotParts } from "./slot-rules.ts";
import type { Ask, Held } from "./slots.ts";

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

  const send = (
    scope: Scope,
    lease: Pick<LiveLease, "lease" | "session" | "untilMs" | "deadlineMs">,
    ending: Ending,
  ) => {
    const nowMs = clock.monoMs();
    const { residenceMs, storeTimeoutMs } = parts.rules();
    const lapsedMs = Math.max(nowMs, lease.deadlineMs) + storeTimeoutMs + heart.ttlMs();
    return out.send({
      scope,
      ref: { lease: lease.lease, session: lease.session },
      ending,
      residenceUntilMs: nowMs + residenceMs,
      leaseUntilMs: lease.untilMs,
      notBeforeMs: lease.deadlineMs,
      worthUntilMs: ending === "done" ? Math.max(lapsedMs, nowMs + residenceMs) : lapsedMs,
    });
  };
  const release = async (lease: LiveLease, ending: Ending) => {
    if (!leases.remove(lease)) return;
    const { scope, session } = lease;
    seen.ended(scope, session, { ending, residenceMs: parts.rules().residenceMs });
    observe({ kind: "lease", scope, event: "released", count: 1 });
    // Never before the claim it answers: the two could change places on their way.
    if (lease.asking) await lease.asking;
    await send(scope, lease, ending);
  };
  const take = (ask: Ask, grant: Grant): Readonly<{ lease: LiveLease; held: Held }> => {
    const { scope, session } = ask;
    const lease: LiveLease = {
      scope,
      session,
      lease: grant.lease,
      onEnded: ask.onEnded,
      ended: false,
      asking: null,
      untilMs: grant.untilMs,
      deadlineMs: 0,
    };
    leases.add(lease);
    seen.started(scope, session);
    for (const other of grant.displaced) seen.evicted(scope, other);
    const { sessions, isNew, displaced } = grant;
    const held: Held = {
      scope,
      session,
      lease: grant.lease,
      sessions,
      isNew,
      displaced,
      release: (ending) => background.track("release", release(lease, ending)),
    };
    return { lease, held };
  };

  return {
    hold: (ask, grant) => take(ask, grant).held,
    holdUnasked(ask, id) {
      const { lease, held } = take(ask, { lease: id, untilMs: 0, sessions: 0, isNew: false, displaced: [] });
      background.track("claim without limits", heart.claim(lease, false));
      return held;
    },
    disown(ask, lease) {
      const deadlineMs = clock.monoMs() + parts.rules().storeTimeoutMs;
      const unknown = { lease, session: ask.session, untilMs: 0, deadlineMs };
      background.track("release of an unanswered claim", send(ask.scope, unknown, "reverted"));
    },
    release,
  };
}
