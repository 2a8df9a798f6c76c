import { expect, test } from "bun:test";
import { hedgeTallies } from "../../src/observe/hedge-tally.ts";

test("the win rate is of the races that were run", () => {
  const tallies = hedgeTallies();
  for (const result of ["won", "lost", "lost", "lost", "denied_budget", "denied_full"] as const)
    tallies.observe({ kind: "hedge", provider: "fast", result });
  expect(tallies.of("fast")).toEqual({ won: 1, lost: 3, denied: 2, winRate: 0.25 });
  expect(tallies.of("slow")).toEqual({ won: 0, lost: 0, denied: 0, winRate: null });
});

test("a removed provider is forgotten", () => {
  const tallies = hedgeTallies();
  tallies.observe({ kind: "hedge", provider: "fast", result: "won" });
  tallies.configured(["slow"]);
  expect(tallies.of("fast").won).toBe(0);
});
