import { expect, test } from "bun:test";
import { memoryLeases } from "../../src/session/memory-leases.ts";
import { describeLeaseContract, type TestStore } from "./contract.ts";
import { runClockSteps, runModel } from "./model-run.ts";
import { claim, START_MS, sessionId } from "./contract-world.ts";

async function memoryStore(): Promise<TestStore> {
  let nowMs = START_MS;
  const store = memoryLeases({ nowMs: () => nowMs });
  return {
    store,
    setNow(ms) {
      nowMs = ms;
    },
    close: () => store.close(),
  };
}

describeLeaseContract("memory", memoryStore);

test(
  "replies as the model does, whatever is asked in whatever order",
  () => runModel(memoryStore, { runs: 1500 }),
  60_000,
);

test("outlives a clock that steps both ways", () => runClockSteps(memoryStore, { runs: 300 }), 60_000);

test("a scope of which nothing is left is forgotten by the sweep", async () => {
  let nowMs = START_MS;
  const store = memoryLeases({ nowMs: () => nowMs });
  await store.acquire(claim("l1", sessionId("a"), { rpm: 1 }));
  await store.release("provider:main", { lease: "l1", session: sessionId("a") }, "done", 1000);
  nowMs += 1000;
  await store.sweep("provider:main", 10, 1000);
  expect(store.scopes()).toBe(1); // the minute's one request is still remembered
  nowMs += 59_000;
  await store.sweep("provider:main", 10, 1000);
  expect(store.scopes()).toBe(0);
});

test("a clock with fractions lapses leases at whole milliseconds", async () => {
  let nowMs = 0.9;
  const store = memoryLeases({ nowMs: () => nowMs });
  await store.acquire(claim("l1", sessionId("a"), { ttlMs: 10 }));
  nowMs = 9.99;
  expect(await store.count(["provider:main"])).toEqual([{ sessions: 1, requests: 1 }]);
  nowMs = 10;
  expect(await store.count(["provider:main"])).toEqual([{ sessions: 0, requests: 0 }]);
});
