import { type Heap, heap } from "./heap.ts";

/** A member that counts until a moment. Changed by its set alone. */
export type Entry<Owner> = {
  readonly member: string;
  readonly owner: Owner;
  untilMs: number;
  lapsed: boolean;
  at: number;
};

/**
 * Members with the time until which each counts, ordered by (time, member) like a Redis sorted set. The living and the
 * lapsed are kept apart as of the last `tick`, so that counting the living costs nothing, however many wait for a sweep.
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

export function expiring<Owner>(): Expiring<Owner> {
  const before = (a: Entry<Owner>, b: Entry<Owner>) =>
    a.untilMs < b.untilMs || (a.untilMs === b.untilMs && a.member < b.member);
  const living: Heap<Entry<Owner>> = heap(before);
  const gone: Heap<Entry<Owner>> = heap(before);
  let nowMs = 0;
  const home = (entry: Entry<Owner>) => (entry.lapsed ? gone : living);
  const enter = (entry: Entry<Owner>) => {
    entry.lapsed = entry.untilMs <= nowMs;
    home(entry).push(entry);
  };
  return {
    tick(toMs) {
      const back = toMs < nowMs;
      nowMs = toMs;
      for (let first = living.first(); first !== undefined && first.untilMs <= nowMs; first = living.first()) {
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
      const entry = { member, owner, untilMs, lapsed: false, at: 0 };
      enter(entry);
      return entry;
    },
    move(entry, untilMs) {
      if (entry.lapsed || untilMs <= nowMs) {
        home(entry).remove(entry);
        entry.untilMs = untilMs;
        enter(entry);
      } else {
        entry.untilMs = untilMs;
        living.moved(entry);
      }
    },
    remove: (entry) => home(entry).remove(entry),
    live: () => living.size(),
    lapsed: () => gone.size(),
    firstLapsed: () => gone.first(),
    walk(max, visit) {
      const walked: Entry<Owner>[] = [];
      for (let entry = living.first(); entry !== undefined && walked.length < max; entry = living.first()) {
        living.remove(entry);
        walked.push(entry);
        if (visit(entry)) break;
      }
      for (const entry of walked) living.push(entry);
    },
    beyond: (ms) =>
      [...living.items(), ...gone.items()]
        .filter((entry) => entry.untilMs > ms)
        .sort((a, b) => (before(a, b) ? -1 : 1)),
  };
}
