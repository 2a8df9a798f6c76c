import { gcra } from "./gcra.ts";
import type { Claim, Granted, Refused } from "./lease.ts";
import {
  extendLease,
  forgetEmpty,
  type MemoryScope,
  memberOf,
  setTime,
  type Slot,
  slotOf,
  sweepLeases,
  tick,
  until,
} from "./memory-scope.ts";

/** Lapsed leases that a look for idle sessions sweeps in any case; as many as marks are looked at where these few do not do. */
const LAPSED_FIRST = 8;

/** May it be granted, and what must go for it? Decides only: a refusal writes nothing, but for lapsed leases that are swept. */
type Decision =
  | Readonly<{ granted: true; displaced: readonly Slot[]; arrivalUs: number }>
  | Readonly<{ granted: false; by: Refused["by"]; retryAfterMs: number }>;

export function acquire(scope: MemoryScope, nowMs: number, claim: Claim): Granted | Refused {
  tick(scope, nowMs);
  const member = memberOf(claim);
  const untilMs = nowMs + claim.ttlMs;
  const known = scope.slots.get(claim.session);
  if (known && until(known.leases.get(member)) > 0)
    return grant(scope, { slot: known, member, untilMs, isNew: false, displaced: [] });
  const decision = decide(scope, nowMs, claim, known);
  if (!decision.granted) {
    return {
      kind: "refused",
      by: decision.by,
      sessions: scope.sessions.live(),
      requests: scope.leases.live(),
      refs: known?.leases.size ?? 0,
      retryAfterMs: decision.retryAfterMs,
    };
  }
  scope.arrivalUs = decision.arrivalUs;
  for (const other of decision.displaced) {
    setTime(scope, other, "residence", 0);
    setTime(scope, other, "counts", 0);
    forgetEmpty(scope, other);
  }
  const slot = slotOf(scope, claim.session);
  const countedMs = until(slot.counts);
  // It counts and nothing accounts for that (a sweep under way after a clock step): that time becomes its residence.
  if (countedMs > 0 && until(slot.residence) === 0 && slot.leases.size === 0)
    setTime(scope, slot, "residence", countedMs);
  const displaced = decision.displaced.map((other) => other.session);
  return grant(scope, { slot, member, untilMs, isNew: countedMs === 0, displaced });
}

type Grant = Readonly<{
  slot: Slot;
  member: string;
  untilMs: number;
  isNew: boolean;
  displaced: readonly string[];
}>;

function grant(scope: MemoryScope, { slot, member, untilMs, isNew, displaced }: Grant): Granted {
  extendLease(scope, slot, member, untilMs);
  return {
    kind: "granted",
    sessions: scope.sessions.live(),
    requests: scope.leases.live(),
    isNew,
    refs: slot.leases.size,
    displaced,
  };
}

function decide(scope: MemoryScope, nowMs: number, claim: Claim, known: Slot | undefined): Decision {
  const refuse = (by: Refused["by"], retryAfterMs = 0): Decision => ({ granted: false, by, retryAfterMs });
  if (claim.force) {
    if (until(known?.tombstone) > 0) return refuse("ended");
    return { granted: true, displaced: [], arrivalUs: scope.arrivalUs };
  }
  // First: displacing cannot help against it.
  if (claim.requestsMax > 0 && scope.leases.live() >= claim.requestsMax) return refuse("requests");
  const displaced = until(known?.counts) > 0 ? [] : roomFor(scope, claim);
  if (displaced === null) return refuse("sessions");
  if (claim.rpm === 0) return { granted: true, displaced, arrivalUs: scope.arrivalUs };
  // Last: what is refused anyway uses up no part of the minute.
  const rate = gcra({ arrivalUs: scope.arrivalUs, nowMs, perMinute: claim.rpm });
  return rate.granted ? { granted: true, displaced, arrivalUs: rate.arrivalUs } : refuse("rpm", rate.retryAfterMs);
}

/** The sessions to displace so that a new one fits, often none; null when it does not fit. */
function roomFor(scope: MemoryScope, claim: Claim): readonly Slot[] | null {
  if (claim.sessionsMax < 0) return null;
  const sessions = scope.sessions.live();
  if (claim.sessionsMax === 0 || sessions < claim.sessionsMax) return [];
  if (claim.displace === 0) return null;
  // More than one only while restored leases hold the scope over its limit.
  const need = sessions - claim.sessionsMax + 1;
  // Whose leases have all lapsed is idle, but filed so only by a sweep. At most times hardly any wait for one.
  for (const bound of [LAPSED_FIRST, claim.displace]) {
    const swept = sweepLeases(scope, bound);
    const idle = firstIdle(scope, need, claim.displace);
    if (idle !== null || swept < bound) return idle;
  }
  return null;
}

/** The first idle sessions by the end of their residence, so many, or null when those looked at are fewer. */
function firstIdle(scope: MemoryScope, need: number, marksMax: number): readonly Slot[] | null {
  const idle: Slot[] = [];
  scope.marks.walk(marksMax, (mark) => {
    if (mark.owner.residence === mark) idle.push(mark.owner);
    return idle.length === need;
  });
  return idle.length === need ? idle : null;
}
