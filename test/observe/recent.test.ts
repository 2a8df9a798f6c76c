import { expect, test } from "bun:test";
import { recentRequests } from "../../src/observe/recent.ts";
import { attemptRecord, finished } from "./records.ts";

const ids = (requests: readonly Readonly<{ request_id: string }>[]) => requests.map(({ request_id }) => request_id);

test("the newest come first and the oldest makes room", () => {
  const recent = recentRequests(3);
  for (const request_id of ["1", "2", "3", "4", "5"]) recent.observe(finished({ request_id }));
  expect(ids(recent.latest(10))).toEqual(["5", "4", "3"]);
  expect(ids(recent.latest(2))).toEqual(["5", "4"]);
});

test("no more than 1,000 are kept", () => {
  const recent = recentRequests();
  for (let index = 0; index < 2_500; index++) recent.observe(finished({ request_id: String(index) }));
  const kept = recent.latest(Number.POSITIVE_INFINITY);
  expect(kept.length).toBe(1_000);
  expect(kept.at(-1)?.request_id).toBe("1500");
});

test("a request keeps its whole trail", () => {
  const recent = recentRequests();
  recent.observe(finished());
  expect(recent.latest(1)[0]).toMatchObject({
    time_ms: 1_700_000_000_000,
    left_out: [{ provider: "off", reason: "disabled" }],
    ranked: ["fast", "slow"],
    hedge_after_ms: 1_500,
  });
});

test("requests are found by id, session, client and any provider asked", () => {
  const recent = recentRequests();
  recent.observe(finished({ request_id: "a", session: "s1" }));
  recent.observe(finished({ request_id: "b", client: "bob" }));
  recent.observe(finished({ request_id: "c", attempts: [attemptRecord({ provider: "slow" }), attemptRecord()] }));
  expect(ids(recent.latest(9, { requestId: "b" }))).toEqual(["b"]);
  expect(ids(recent.latest(9, { session: "s1" }))).toEqual(["a"]);
  expect(ids(recent.latest(9, { client: "bob" }))).toEqual(["b"]);
  expect(ids(recent.latest(9, { provider: "slow" }))).toEqual(["c"]);
  expect(ids(recent.latest(9, { provider: "slow", client: "bob" }))).toEqual([]);
});
