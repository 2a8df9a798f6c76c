import { expect, test } from "bun:test";
import { requestOutcome } from "../../src/core/request-outcome.ts";
import { attemptRecord, requestRecord } from "../observe/records.ts";

const last = (outcome: "broken" | "client_left" | "ended" | "lost") => [attemptRecord({ outcome })];

test.each([
  [{}, "answered"],
  [{ status: 404 }, "client_error"],
  [{ status: 499, attempts: [] }, "client_left"],
  [{ status: 429 }, "upstream_error"],
  [{ status: 500 }, "upstream_error"],
  [{ status: 529 }, "upstream_error"],
  [{ status: 429, error: "client_limit", provider: "", attempts: [] }, "client_limit"],
  [{ status: 200, error: "timed_out", provider: "" }, "timed_out"],
  [{ attempts: last("broken") }, "broken"],
  [{ attempts: last("client_left") }, "client_left"],
  [{ attempts: last("ended") }, "ended"],
  [{ status: 499, provider: "", attempts: last("client_left") }, "client_left"],
  [{ attempts: [attemptRecord({ provider: "slow", outcome: "broken" }), attemptRecord()] }, "answered"],
] as const)("%j is %s", (own, outcome) => {
  expect(requestOutcome(requestRecord(own))).toBe(outcome);
});

test("a code that is none of ours never becomes an outcome", () => {
  expect(requestOutcome(requestRecord({ status: 500, error: "toString" }))).toBe("upstream_error");
});
