import { afterEach, beforeEach, describe } from "bun:test";
import { describeAcquire } from "./contract-acquire.ts";
import { describeReleaseAndRenew } from "./contract-release.ts";
import { describeSweepAndEnd } from "./contract-sweep.ts";
import type { LeaseStore } from "../../src/session/lease.ts";
import { START_MS, scopeWorld } from "./contract-world.ts";

/** A store whose clock is moved by hand, empty at first. */
export type TestStore = Readonly<{
  store: LeaseStore;
  /** Whole milliseconds; may go back. */
  setNow(ms: number): void;
  close(): Promise<void>;
}>;

/** The contract of the session store, for any backend: each sentence is one that callers rely on. */
export function describeLeaseContract(name: string, makeStore: () => Promise<TestStore>): void {
  describe(`lease contract: ${name}`, () => {
    let current: TestStore;
    let nowMs: number;
    beforeEach(async () => {
      current = await makeStore();
      nowMs = START_MS;
      current.setNow(nowMs);
    });
    afterEach(() => current.close());

    const world = scopeWorld(
      () => current.store,
      (ms) => {
        nowMs += ms;
        current.setNow(nowMs);
      },
    );
    describeAcquire(world);
    describeReleaseAndRenew(world);
    describeSweepAndEnd(world);
  });
}
