import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { type Entry, expiring } from "../../src/session/expiring.ts";

type Plain = { name: string; untilMs: number };

const step = fc.oneof(
  fc.record({
    kind: fc.constant("put" as const),
    name: fc.constantFrom("a", "b", "c", "d", "e", "f"),
    ms: fc.integer({ min: -5, max: 30 }),
  }),
  fc.record({
    kind: fc.constant("remove" as const),
    name: fc.constantFrom("a", "b", "c", "d", "e", "f"),
    ms: fc.constant(0),
  }),
  fc.record({ kind: fc.constant("pass" as const), name: fc.constant(""), ms: fc.integer({ min: -10, max: 15 }) }),
);

test("counts and orders as a list that is sorted anew each time, whatever moves where, whichever way time goes", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120, size: "max" }), fc.integer({ min: 1, max: 9 }), (steps, max) => {
      const set = expiring<null>();
      const entries = new Map<string, Entry<null>>();
      let plain: Plain[] = [];
      let nowMs = 1000;
      const order = (all: Plain[]) => all.sort((a, b) => a.untilMs - b.untilMs || (a.name < b.name ? -1 : 1));
      set.tick(nowMs);
      for (const { kind, name, ms } of steps) {
        const known = entries.get(name);
        if (kind === "pass") {
          nowMs += ms;
          set.tick(nowMs);
        } else if (kind === "put") {
          if (known) set.move(known, nowMs + ms);
          else entries.set(name, set.add(name, null, nowMs + ms));
          plain = [...plain.filter((one) => one.name !== name), { name, untilMs: nowMs + ms }];
        } else if (known) {
          set.remove(known);
          entries.delete(name);
          plain = plain.filter((one) => one.name !== name);
        }
        const living = order(plain.filter((one) => one.untilMs > nowMs));
        const lapsed = order(plain.filter((one) => one.untilMs <= nowMs));
        const walked: string[] = [];
        set.walk(max, (entry) => walked.push(entry.member) >= 5);
        expect([set.live(), set.lapsed(), set.firstLapsed()?.member]).toEqual([
          living.length,
          lapsed.length,
          lapsed[0]?.name,
        ]);
        expect(walked).toEqual(living.slice(0, Math.min(max, 5)).map((one) => one.name));
        expect(set.beyond(nowMs + 10).map((entry) => entry.member)).toEqual(
          order(plain.filter((one) => one.untilMs > nowMs + 10)).map((one) => one.name),
        );
      }
    }),
    { numRuns: 500 },
  );
});

test("what belongs elsewhere leaves before anybody sees it, and what belongs here again in time has never left", () => {
  const [away, left] = [new Set<string>(), [] as string[]];
  const set = expiring<string>({ leaves: (entry) => away.has(entry.owner), left: (entry) => left.push(entry.member) });
  set.tick(1000);
  for (const [at, name] of ["a", "b", "c", "d", "e"].entries()) set.add(name, name, 1010 + 10 * at);
  away.add("a").add("b").add("d");
  away.delete("b");
  const walked: string[] = [];
  set.walk(2, (entry) => walked.push(entry.member) >= 1);
  expect([walked, left]).toEqual([["b"], ["a"]]);
  set.tick(1045);
  expect([set.firstLapsed()?.member, set.lapsed(), left]).toEqual(["b", 2, ["a", "d"]]);
  away.add("e");
  expect(set.beyond(1030).map((entry) => entry.member)).toEqual([]);
  expect(left).toEqual(["a", "d", "e"]);
});
