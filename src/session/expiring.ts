import { type Heap, heap } from "./heap.ts";

/** A member that counts until a moment. Changed by its set alone. */
export type Entry<Owner> = {
  readonly member: string;
  readonly owner: Owner;
  untilMs: number;
  /** What its place in the heap stands for: `untilMs`, or an earlier one since which it has only moved later. */
  placedMs: number;
  lapsed: boolean;
  at: number;
};

/**
 * Members with the time until which each counts, ordered by (time, member) like a Redis sorted set. The living and the
 * lapsed are kept apart as of the last `tick`, so that counting the living costs nothing, however many wait for a sweep.
 * Moving later costs nothing either: a member takes its new place when the old one comes first, and most have moved on
 * many times by then. So it is with a living member that belongs elsewhere: it leaves when it comes first, and is never
 * shown before.
 */
export type Expiring<Owner> = Readonly<{
  /** Moves what has lapsed aside. A clock that went back revives what is still there. */
  tick(nowMs: number): void;
  add(member: string, owner: Owner, untilMs: number): Entry<Owner>;
  move(entry: Entry<Owner>, untilMs: number): void;
  remove(entry: Entry<Owner>): void;
  /** How many are in the future. */
  live(): number;
  /** How many have lapsed and were not removed yet. */
  lapsed(): number;
  firstLapsed(): Entry<Owner> | undefined;
  /** The living, the soonest first, at most `max`, until `visit` answers true; `visit` must not change the set. */
  walk(max: number, visit: (entry: Entry<Owner>) => boolean): void;
  /** All that count beyond `ms`, in order. */
  beyond(ms: number): Entry<Owner>[];
}>;

/** Which of the living belong elsewhere, and who takes one that has left. */
export type Leaving<Owner> = Readonly<{
  leaves(entry: Entry<Owner>): boolean;
  left(entry: Entry<Owner>): void;
}>;

export function expiring<Owner>(leaving?: Leaving<Owner>): Expiring<Owner> {
  const living = heap<Entry<Owner>>(placedBefore);
  const gone = heap<Entry<Owner>>(placedBefore);
  let nowMs = 0;

  const enter = (entry: Entry<Owner>) => {
    entry.placedMs = entry.untilMs;
    entry.lapsed = entry.untilMs <= nowMs;
    (entry.lapsed ? gone : living).push(entry);
  };
  const remove = (entry: Entry<Owner>) => (entry.lapsed ? gone : living).remove(entry);
  const leave = (entry: Entry<Owner>) => {
    living.remove(entry);
    leaving?.left(entry);
  };
  const soonest = () => soonestOf(living, (entry) => leaving?.leaves(entry) ?? false, leave);

  return {
    tick(toMs) {
      const back = toMs < nowMs;
      nowMs = toMs;
      // The look at `placedMs` alone is the common case: nothing is due.
      while ((living.first()?.placedMs ?? Number.POSITIVE_INFINITY) <= nowMs) {
        const first = soonest();
        if (first === undefined || first.untilMs > nowMs) break;
        living.remove(first);
        enter(first);
      }
      if (!back) return;
      for (const entry of [...gone.items()].filter((entry) => entry.untilMs > nowMs)) {
        gone.remove(entry);
        enter(entry);
      }
    },
    add(member, owner, untilMs) {
      const entry = { member, owner, untilMs, placedMs: untilMs, lapsed: false, at: 0 };
      enter(entry);
      return entry;
    },
    move(entry, untilMs) {
      const later = !entry.lapsed && untilMs >= entry.placedMs && untilMs > nowMs;
      if (!later) remove(entry);
      entry.untilMs = untilMs;
      if (!later) enter(entry);
    },
    remove,
    live: () => living.size(),
    lapsed: () => gone.size(),
    firstLapsed: () => gone.first(),
    walk(max, visit) {
      const walked: Entry<Owner>[] = [];
      for (let entry = soonest(); entry !== undefined && walked.length < max; entry = soonest()) {
        living.remove(entry);
        walked.push(entry);
        if (visit(entry)) break;
      }
      for (const entry of walked) living.push(entry);
    },
    beyond(ms) {
      for (const entry of [...living.items()].filter((one) => leaving?.leaves(one))) leave(entry);
      return inOrder([...living.items(), ...gone.items()].filter((entry) => entry.untilMs > ms));
    },
  };
}

/** The soonest at its true place; what comes before it and belongs elsewhere has left. */
function soonestOf<Owner>(
  living: Heap<Entry<Owner>>,
  leaves: (entry: Entry<Owner>) => boolean,
  leave: (entry: Entry<Owner>) => void,
): Entry<Owner> | undefined {
  for (let first = living.first(); first !== undefined; first = living.first()) {
    if (leaves(first)) leave(first);
    else if (first.placedMs === first.untilMs) return first;
    else {
      first.placedMs = first.untilMs;
      living.moved(first);
    }
  }
  return undefined;
}

function inOrder<Owner>(entries: Entry<Owner>[]): Entry<Owner>[] {
  return entries.sort((a, b) => a.untilMs - b.untilMs || (a.member < b.member ? -1 : 1));
}

function placedBefore(a: Entry<unknown>, b: Entry<unknown>): boolean {
  return a.placedMs < b.placedMs || (a.placedMs === b.placedMs && a.member < b.member);
}
