import type { Entry, Expiring } from "./expiring.ts";
import type { Count, Ended, Ending, LeaseRef, Released, Renewal, Swept } from "./lease.ts";
import {
  dropLease,
  extendLease,
  forgetEmpty,
  type MemoryScope,
  memberOf,
  newest,
  setTime,
  settle,
  type Slot,
  slotOf,
  sweepLeases,
  tick,
  until,
} from "./memory-scope.ts";

export type Release = Readonly<{ ref: LeaseRef; ending: Ending; residenceMs: number }>;

export function release(scope: MemoryScope, nowMs: number, { ref, ending, residenceMs }: Release): Released {
  tick(scope, nowMs);
  const slot = scope.slots.get(ref.session);
  const lease = slot?.leases.get(memberOf(ref));
  if (!slot || !lease || lease.lapsed)
    return { had: false, refs: slot?.leases.size ?? 0, freed: false, sessions: scope.sessions.live() };
  dropLease(scope, slot, lease);
  if (ending === "done") setTime(scope, slot, "residence", residenceMs > 0 ? nowMs + residenceMs : 0);
  else if (ending === "failed" && newest(slot) === 0) setTime(scope, slot, "residence", 0);
  settle(scope, slot);
  forgetEmpty(scope, slot);
  return { had: true, refs: slot.leases.size, freed: slot.counts === null, sessions: scope.sessions.live() };
}

export function renew(scope: MemoryScope, nowMs: number, ttlMs: number, refs: readonly LeaseRef[]): Renewal[] {
  tick(scope, nowMs);
  return refs.map((ref) => {
    const slot = scope.slots.get(ref.session);
    const member = memberOf(ref);
    if (!slot || until(slot.leases.get(member)) === 0) return until(slot?.tombstone) > 0 ? "ended" : "lost";
    extendLease(scope, slot, member, nowMs + ttlMs);
    return "renewed";
  });
}

export type Sweep = Readonly<{ bound: number; ttlMaxMs: number }>;

export function sweep(scope: MemoryScope, nowMs: number, { bound, ttlMaxMs }: Sweep): Swept {
  tick(scope, nowMs);
  const { sessions, leases, marks, running } = scope;
  const take = (set: Expiring<Slot>, forget: (entry: Entry<Slot>) => void): number => {
    let taken = 0;
    for (let entry = set.firstLapsed(); entry !== undefined && taken < bound; entry = set.firstLapsed()) {
      forget(entry);
      forgetEmpty(scope, entry.owner);
      taken++;
    }
    return taken;
  };
  const sweptLeases = sweepLeases(scope, bound);
  take(marks, (mark) => setTime(scope, mark.owner, mark.owner.residence === mark ? "residence" : "tombstone", 0));
  take(running, (mark) => setTime(scope, mark.owner, "residence", 0));
  const sweptSessions = take(sessions, (session) => setTime(scope, session.owner, "counts", 0));
  let more = leases.lapsed() + marks.lapsed() + running.lapsed() + sessions.lapsed() > 0;
  // A clock that stepped back left these too far ahead. Sessions last: none may end before what it stands for.
  for (const set of [leases, marks, running, sessions]) {
    const beyond = set.beyond(nowMs + ttlMaxMs);
    for (const entry of beyond.slice(0, bound)) set.move(entry, nowMs + ttlMaxMs);
    if (beyond.length > bound) {
      more = true;
      break;
    }
  }
  return { leases: sweptLeases, sessions: sweptSessions, more, sessionsLeft: sessions.live() };
}

export function end(scope: MemoryScope, nowMs: number, session: string, tombstoneMs: number): Ended {
  tick(scope, nowMs);
  const slot = slotOf(scope, session);
  const freed = until(slot.counts) > 0;
  let ended = 0;
  for (const lease of slot.leases.values()) {
    if (!lease.lapsed) ended++;
    dropLease(scope, slot, lease);
  }
  setTime(scope, slot, "residence", 0);
  setTime(scope, slot, "counts", 0);
  if (tombstoneMs > 0) setTime(scope, slot, "tombstone", nowMs + tombstoneMs);
  forgetEmpty(scope, slot);
  return { leases: ended, freed };
}

export function count(scope: MemoryScope, nowMs: number): Count {
  tick(scope, nowMs);
  return { sessions: scope.sessions.live(), requests: scope.leases.live() };
}
