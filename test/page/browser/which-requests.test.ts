import { expect, test } from "bun:test";
import { chosen, WHICH, type Which } from "../../../src/page/browser/which-requests.ts";
import { attemptRecord } from "../../observe/records.ts";
import { requestView } from "./world.ts";

const REQUESTS = [
  requestView({ request_id: "plain" }),
  requestView({ request_id: "left", status: 499 }),
  requestView({ request_id: "down", status: 503, error: "providers_down", provider: "", attempts: [] }),
  requestView({
    request_id: "raced",
    attempts: [attemptRecord({ outcome: "lost" }), attemptRecord({ kind: "hedge" })],
  }),
  requestView({
    request_id: "moved",
    sticky: "moved",
    provider: "spare",
    attempts: [
      attemptRecord({ outcome: "failed", reason: "status_529" }),
      attemptRecord({ kind: "failover", provider: "spare" }),
    ],
  }),
];
const ids = (which: Which, sought = "") => chosen(REQUESTS, { which, sought }).map(({ request_id }) => request_id);

test.each<[Which, string[]]>([
  ["all", ["plain", "left", "down", "raced", "moved"]],
  ["not_answered", ["left", "down"]],
  ["hedged", ["raced"]],
  ["failed_over", ["moved"]],
  ["moved", ["moved"]],
])("%s", (which, expected) => {
  expect(ids(which)).toEqual(expected);
});

test("every choice has words of its own", () => {
  expect(new Set(WHICH.map(({ words }) => words)).size).toBe(WHICH.length);
});

test.each([
  ["", 5],
  ["   ", 5],
  ["SPARE", 1],
  ["status_529 spare", 1],
  ["status_529 nobody", 0],
  ["providers_down", 1],
  ["503", 1],
  ["0123456789ABCDEFGHIJKL", 5],
  ["alice claude anthropic", 5],
])("with %j: %d", (sought, count) => {
  expect(ids("all", sought)).toHaveLength(count);
});

test("a word is found within one thing, not over the edge of two", () => {
  expect(ids("all", "alicefast")).toEqual([]);
});

test("which and with hold together", () => {
  expect(ids("not_answered", "providers_down")).toEqual(["down"]);
});
