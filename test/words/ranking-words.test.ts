import { expect, test } from "bun:test";
import type { OutReason, Ranked } from "../../src/provider/rank.ts";
import { outWords, whyWords } from "../../src/words/ranking-words.ts";

/** All there are: the compiler tells when one is missing here. */
const OUT: Readonly<Record<OutReason, true>> = {
  protocol: true,
  model: true,
  group: true,
  disabled: true,
  disabled_by_operator: true,
  hours: true,
  other_account: true,
  open: true,
  cooling: true,
};
const WHY: Readonly<Record<Ranked["why"], true>> = { home: true, bound: true, rank: true };

test("every reason of the ranking has words of its own", () => {
  for (const [reasons, words] of [
    [Object.keys(OUT), outWords],
    [Object.keys(WHY), whyWords],
  ] as const) {
    const told = reasons.map((reason) => words(reason));
    expect(told.filter((one, index) => one === reasons[index])).toEqual([]);
    expect(new Set(told).size).toBe(reasons.length);
  }
});

test("a reason of a newer instance is shown as it is", () => {
  expect([outWords("something_new"), whyWords("something_new")]).toEqual(["something_new", "something_new"]);
});
