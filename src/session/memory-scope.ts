import { type Entry, type Expiring, expiring } from "./expiring.ts";
import type { LeaseRef } from "./lease.ts";

/** What the memory store keeps of one scope. Changed by the functions of this file alone. */
export type MemoryScope = {
  readonly slots: Map<string, Slot>;
  readonly sessions: Expiring<Slot>;
  readonly leases: Expiring<Slot>;
  /** Residences of sessions without leases, whose place may be taken, and tombstones. */
  readonly marks: Expiring<Slot>;
  /** Residences of sessions with leases, lapsed ones until swept: apart, so that they are in nobody's way who looks for an idle one. */
  readonly running: Expiring<Slot>;
  /** Theoretical arrival time of the next request, for `rpm`. */
  arrivalUs: number;
};

/** All that is kept of one session; each entry also lies in the set that it is counted in. */
export type Slot = {
  readonly session: string;
  /** By `lease|session`; lapsed ones until swept. */
  readonly leases: Map<string, Entry<Slot>>;
  /** Until when it counts: the latest of its leases and its residence. */
  counts: Entry<Slot> | null;
  residence: Entry<Slot> | null;
  /** Its residence lies in `running`. That of a running session may still lie in `marks`, until it comes first there. */
  aside: boolean;
  /** An operator ended it: no lease is restored until then. */
  tombstone: Entry<Slot> | null;
};

type Time = "counts" | "residence" | "tombstone";

/** The prefixes order marks of one moment as the members of a shared store are ordered. */
const PREFIX = { counts: "", residence: "R|", tombstone: "T|" } as const;

export function memoryScope(): MemoryScope {
  const running = expiring<Slot>();
  const marks = expiring<Slot>({
    leaves: (mark) => mark.owner.residence === mark && mark.owner.leases.size > 0,
    left: (mark) => enterRunning(running, mark),
  });
  return { slots: new Map(), sessions: expiring(), leases: expiring(), marks, running, arrivalUs: 0 };
}

export function tick(scope: MemoryScope, nowMs: number): void {
  scope.sessions.tick(nowMs);
  scope.leases.tick(nowMs);
  scope.marks.tick(nowMs);
  scope.running.tick(nowMs);
}

export function memberOf(ref: LeaseRef): string {
  return `${ref.lease}|${ref.session}`;
}

/** Until when it counts, as of the last tick; 0 when it does not. */
export function until(entry: Entry<Slot> | null | undefined): number {
  return entry && !entry.lapsed ? entry.untilMs : 0;
}

/** When the last of the session's live leases lapses; 0 without one. */
export function newest(slot: Slot): number {
  let latestMs = 0;
  for (const lease of slot.leases.values()) latestMs = Math.max(latestMs, until(lease));
  return latestMs;
}

/** The session's slot, made when there is none. */
export function slotOf(scope: MemoryScope, session: string): Slot {
  const known = scope.slots.get(session);
  if (known) return known;
  const slot: Slot = { session, leases: new Map(), counts: null, residence: null, aside: false, tombstone: null };
  scope.slots.set(session, slot);
  return slot;
}

export function forgetEmpty(scope: MemoryScope, slot: Slot): void {
  if (slot.leases.size > 0 || slot.counts || slot.residence || slot.tombstone) return;
  scope.slots.delete(slot.session);
}

/** Sets one of a session's three times; 0 takes it away. */
export function setTime(scope: MemoryScope, slot: Slot, time: Time, untilMs: number): void {
  const set = time === "counts" ? scope.sessions : time === "residence" && slot.aside ? scope.running : scope.marks;
  const entry = slot[time];
  if (untilMs === 0) {
    if (entry) set.remove(entry);
    slot[time] = null;
    if (time === "residence") slot.aside = false;
  } else if (entry) set.move(entry, untilMs);
  else slot[time] = set.add(PREFIX[time] + slot.session, slot, untilMs);
}

/** Puts the session's residence where it belongs now that it has its first lease or none any more. */
function fileResidence(scope: MemoryScope, slot: Slot): void {
  const { residence, aside, leases } = slot;
  if (residence === null) return;
  if (aside && leases.size === 0) {
    scope.running.remove(residence);
    slot.residence = scope.marks.add(residence.member, slot, residence.untilMs);
    slot.aside = false;
  } else if (!aside && leases.size > 0 && residence.lapsed) {
    scope.marks.remove(residence); // a living one leaves by itself
    enterRunning(scope.running, residence);
  }
}

function enterRunning(running: Expiring<Slot>, { member, owner, untilMs }: Entry<Slot>): void {
  owner.residence = running.add(member, owner, untilMs);
  owner.aside = true;
}

/** Makes the session count for as long as it has a live lease or resides, and no longer. */
export function settle(scope: MemoryScope, slot: Slot): void {
  setTime(scope, slot, "counts", Math.max(newest(slot), until(slot.residence)));
}

/** Makes a lease expire at `untilMs`, forwards or back; going back may end the session's counting sooner. */
export function extendLease(scope: MemoryScope, slot: Slot, member: string, untilMs: number): void {
  const lease = slot.leases.get(member);
  const sooner = untilMs < until(lease);
  if (lease) scope.leases.move(lease, untilMs);
  else {
    slot.leases.set(member, scope.leases.add(member, slot, untilMs));
    if (slot.leases.size === 1) fileResidence(scope, slot);
  }
  if (sooner) settle(scope, slot);
  else if (until(slot.counts) < untilMs) setTime(scope, slot, "counts", untilMs);
}

export function dropLease(scope: MemoryScope, slot: Slot, lease: Entry<Slot>): void {
  scope.leases.remove(lease);
  slot.leases.delete(lease.member);
  if (slot.leases.size === 0) fileResidence(scope, slot);
}

/** Takes away at most `bound` lapsed leases, the first first; says how many. */
export function sweepLeases(scope: MemoryScope, bound: number): number {
  let swept = 0;
  for (; swept < bound; swept++) {
    const lease = scope.leases.firstLapsed();
    if (lease === undefined) break;
    dropLease(scope, lease.owner, lease);
    forgetEmpty(scope, lease.owner);
  }
  return swept;
}
