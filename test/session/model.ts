import type {
  Claim,
  Count,
  Ended,
  Granted,
  LeaseRef,
  Refused,
  Released,
  Renewal,
  Swept,
} from "../../src/session/lease.ts";
import type { Operation } from "./model-run.ts";

/**
 * The contract once more, from its words and not from any code: flat lists, searched whole for every question. Slow and
 * plain; a store is compared with it reply for reply. It knows one scope, and a clock that never goes back.
 */
export type Model = {
  nowMs: number;
  leases: Timed[];
  residences: Timed[];
  tombstones: Timed[];
  /** What each session was last seen to count until, from when it first counts until it is freed or swept. */
  seen: Timed[];
  /** When each granted request of the minute was due, for `rpm`. */
  arrivalUs: number;
};

type Timed = { session: string; member: string; untilMs: number };

export type Reply = Granted | Refused | Released | readonly Renewal[] | Swept | Ended | Count;

export const emptyModel = (nowMs: number): Model => ({
  nowMs,
  leases: [],
  residences: [],
  tombstones: [],
  seen: [],
  arrivalUs: 0,
});

const inOrder = (all: readonly Timed[]) =>
  [...all].sort((a, b) => a.untilMs - b.untilMs || (a.member < b.member ? -1 : 1));
const nameOf = (ref: LeaseRef) => `${ref.lease}|${ref.session}`;

export function replyOf(model: Model, operation: Operation): Reply {
  const reply = decide(model, operation);
  const counting = new Map<string, number>();
  for (const { session, untilMs } of live(model, [...model.leases, ...model.residences]))
    counting.set(session, Math.max(untilMs, counting.get(session) ?? 0));
  for (const [session, untilMs] of counting) {
    model.seen = model.seen.filter((other) => other.session !== session);
    model.seen.push({ session, member: session, untilMs });
  }
  return reply;
}

function decide(model: Model, operation: Operation): Reply {
  switch (operation.kind) {
    case "acquire":
      return acquire(model, operation.claim);
    case "release":
      return release(model, operation);
    case "renew":
      return operation.refs.map((ref) => renew(model, ref, operation.ttlMs));
    case "sweep":
      return sweep(model, operation.bound);
    case "end":
      return end(model, operation.session, operation.tombstoneMs);
    case "count":
      break;
  }
  return { sessions: sessions(model), requests: requests(model) };
}

const live = (model: Model, all: readonly Timed[]) => all.filter((one) => one.untilMs > model.nowMs);
const lapsed = (model: Model, all: readonly Timed[]) => all.filter((one) => one.untilMs <= model.nowMs);
const of = (session: string) => (one: Timed) => one.session === session;
const requests = (model: Model) => live(model, model.leases).length;
const runs = (model: Model, session: string) => live(model, model.leases).some(of(session));
const counts = (model: Model, session: string) =>
  runs(model, session) || live(model, model.residences).some(of(session));
const refs = (model: Model, session: string) => model.leases.filter(of(session)).length;
const heldAs = (model: Model, ref: LeaseRef) => live(model, model.leases).find((one) => one.member === nameOf(ref));
const sessions = (model: Model) =>
  new Set(live(model, [...model.leases, ...model.residences]).map((one) => one.session)).size;

function acquire(model: Model, claim: Claim): Granted | Refused {
  const { session } = claim;
  const held = heldAs(model, claim);
  const wasCounting = counts(model, session);
  const room = claim.sessionsMax === 0 ? Number.POSITIVE_INFINITY : claim.sessionsMax;
  const limited = held === undefined && !claim.force;
  const no = (by: Refused["by"], retryAfterMs = 0): Refused => ({
    kind: "refused",
    by,
    sessions: sessions(model),
    requests: requests(model),
    refs: refs(model, session),
    retryAfterMs,
  });
  if (held === undefined && claim.force && live(model, model.tombstones).some(of(session))) return no("ended");
  if (limited && claim.requestsMax > 0 && requests(model) >= claim.requestsMax) return no("requests");
  let displaced: string[] = [];
  if (limited && !wasCounting && sessions(model) >= room) {
    if (room < 0 || claim.displace === 0) return no("sessions");
    const need = sessions(model) - room + 1;
    // Eight lapsed leases are swept in any case; where that does not do, as many as marks are looked at.
    for (const bound of [8, claim.displace]) {
      const swept = sweepLeases(model, bound);
      displaced = firstIdle(model, claim.displace).slice(0, need);
      if (displaced.length === need || swept < bound) break;
    }
    if (displaced.length < need) return no("sessions");
  }
  if (limited && claim.rpm > 0) {
    const stepUs = Math.ceil(60_000_000 / claim.rpm);
    const fullUs = model.nowMs * 1000 + stepUs * claim.rpm;
    const nextUs = Math.min(fullUs, Math.max(model.arrivalUs, model.nowMs * 1000)) + stepUs;
    if (nextUs > fullUs) return no("rpm", Math.ceil((nextUs - fullUs) / 1000));
    model.arrivalUs = nextUs;
  }
  for (const other of displaced) free(model, other);
  // A lapsed entry of the same lease gives way to the new one.
  model.leases = model.leases.filter((one) => one.member !== nameOf(claim));
  model.leases.push({ session, member: nameOf(claim), untilMs: model.nowMs + claim.ttlMs });
  return {
    kind: "granted",
    sessions: sessions(model),
    requests: requests(model),
    isNew: !wasCounting,
    refs: refs(model, session),
    displaced,
  };
}

/** Of the marks of sessions that have no lease, swept or not, and of tombstones so many; of these the sessions. */
function firstIdle(model: Model, marksMax: number): string[] {
  const idle = model.residences.filter((one) => refs(model, one.session) === 0);
  return inOrder(live(model, [...idle, ...model.tombstones]))
    .slice(0, marksMax)
    .filter((mark) => idle.includes(mark))
    .map((mark) => mark.session);
}

function sweepLeases(model: Model, bound: number): number {
  const swept = inOrder(lapsed(model, model.leases)).slice(0, bound);
  model.leases = model.leases.filter((one) => !swept.includes(one));
  return swept.length;
}

function free(model: Model, session: string): void {
  model.residences = model.residences.filter((one) => one.session !== session);
  model.seen = model.seen.filter((one) => one.session !== session);
}

function release(model: Model, operation: Extract<Operation, { kind: "release" }>): Released {
  const { ref, ending, residenceMs } = operation;
  const { session } = ref;
  const held = heldAs(model, ref);
  if (held) {
    model.leases = model.leases.filter((one) => one !== held);
    if (ending === "done" || (ending === "failed" && !runs(model, session)))
      model.residences = model.residences.filter((one) => one.session !== session);
    if (ending === "done" && residenceMs > 0)
      model.residences.push({ session, member: `R|${session}`, untilMs: model.nowMs + residenceMs });
    if (!counts(model, session)) model.seen = model.seen.filter((one) => one.session !== session);
  }
  return {
    had: held !== undefined,
    refs: refs(model, session),
    freed: held !== undefined && !counts(model, session),
    sessions: sessions(model),
  };
}

function renew(model: Model, ref: LeaseRef, ttlMs: number): Renewal {
  const held = heldAs(model, ref);
  if (held) held.untilMs = model.nowMs + ttlMs;
  else if (live(model, model.tombstones).some(of(ref.session))) return "ended";
  return held ? "renewed" : "lost";
}

function sweep(model: Model, bound: number): Swept {
  const first = (all: readonly Timed[]) => inOrder(lapsed(model, all)).slice(0, bound);
  const without = (all: readonly Timed[], gone: readonly Timed[]) => all.filter((one) => !gone.includes(one));
  const leases = sweepLeases(model, bound);
  const ofRunning = model.residences.filter((one) => refs(model, one.session) > 0);
  const marks = [first(without([...model.residences, ...model.tombstones], ofRunning)), first(ofRunning)].flat();
  const seen = first(model.seen);
  model.residences = without(model.residences, marks);
  model.tombstones = without(model.tombstones, marks);
  model.seen = without(model.seen, seen);
  const left = lapsed(model, [...model.leases, ...model.residences, ...model.tombstones, ...model.seen]);
  return { leases, sessions: seen.length, more: left.length > 0, sessionsLeft: sessions(model) };
}

function end(model: Model, session: string, tombstoneMs: number): Ended {
  const ended = { leases: live(model, model.leases).filter(of(session)).length, freed: counts(model, session) };
  model.leases = model.leases.filter((one) => one.session !== session);
  free(model, session);
  if (tombstoneMs > 0) {
    model.tombstones = model.tombstones.filter((one) => one.session !== session);
    model.tombstones.push({ session, member: `T|${session}`, untilMs: model.nowMs + tombstoneMs });
  }
  return ended;
}
