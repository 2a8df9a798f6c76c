import { expect } from "bun:test";
import * as fc from "fast-check";
import type { Claim, Ending, LeaseRef, LeaseStore } from "../../src/session/lease.ts";
import { claim, SCOPE, START_MS, sessionId } from "./contract-world.ts";
import type { TestStore } from "./contract.ts";
import { emptyModel, type Reply, replyOf } from "./model.ts";

/** One call of the store, or a step of its clock. */
export type Operation =
  | Readonly<{ kind: "acquire"; claim: Claim }>
  | Readonly<{ kind: "release"; ref: LeaseRef; ending: Ending; residenceMs: number }>
  | Readonly<{ kind: "renew"; refs: readonly LeaseRef[]; ttlMs: number }>
  | Readonly<{ kind: "sweep"; bound: number }>
  | Readonly<{ kind: "end"; session: string; tombstoneMs: number }>
  | Readonly<{ kind: "count" }>;

export type Step = Operation | Readonly<{ kind: "pass"; ms: number }>;

/** The longest time anything lasts in these runs: few distinct times, so that they meet. */
export const LONGEST_MS = 200;
const TTLS_MS = [1, 10, 50, LONGEST_MS];
const SESSIONS = ["a", "b", "c", "d"].map(sessionId);
const LEASES = ["i.1", "i.10", "i.2", "j.1", "j.2"];

const ref: fc.Arbitrary<LeaseRef> = fc.record({
  lease: fc.constantFrom(...LEASES),
  session: fc.constantFrom(...SESSIONS),
});
const aClaim = fc
  .record({
    ref,
    sessionsMax: fc.constantFrom(0, 1, 2, 2, 3, -1),
    requestsMax: fc.constantFrom(0, 0, 0, 2, 3),
    ttlMs: fc.constantFrom(...TTLS_MS),
    force: fc.constantFrom(false, false, false, true),
    displace: fc.constantFrom(0, 1, 4, 16),
    rpm: fc.constantFrom(0, 0, 0, 0, 2, 7),
  })
  .map(({ ref, ...more }): Operation => ({ kind: "acquire", claim: claim(ref.lease, ref.session, more) }));
const release = fc.record({
  kind: fc.constant("release" as const),
  ref,
  ending: fc.constantFrom<Ending>("done", "failed", "reverted"),
  residenceMs: fc.constantFrom(0, ...TTLS_MS),
});
const renew = fc.record({
  kind: fc.constant("renew" as const),
  refs: fc.array(ref, { maxLength: 6 }),
  ttlMs: fc.constantFrom(...TTLS_MS),
});
const sweep = fc.record({ kind: fc.constant("sweep" as const), bound: fc.constantFrom(1, 2, 50) });
const end = fc.record({
  kind: fc.constant("end" as const),
  session: fc.constantFrom(...SESSIONS),
  tombstoneMs: fc.constantFrom(0, 100),
});
const pass = fc.record({ kind: fc.constant("pass" as const), ms: fc.constantFrom(0, 1, 9, 10, 40, 49, 50, 150) });
/** Sequences of claims mostly, with everything that may come between them. */
export const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { arbitrary: aClaim, weight: 6 },
    { arbitrary: release, weight: 4 },
    { arbitrary: pass, weight: 4 },
    { arbitrary: renew, weight: 2 },
    { arbitrary: sweep, weight: 1 },
    { arbitrary: end, weight: 1 },
  ),
  { maxLength: 80, size: "max" },
);

export async function ask(store: LeaseStore, operation: Operation): Promise<Reply> {
  switch (operation.kind) {
    case "acquire":
      return store.acquire(operation.claim);
    case "release":
      return store.release(SCOPE, operation.ref, operation.ending, operation.residenceMs);
    case "renew":
      return store.renew(SCOPE, operation.ttlMs, operation.refs);
    case "sweep":
      return store.sweep(SCOPE, operation.bound, LONGEST_MS);
    case "end":
      return store.end(SCOPE, operation.session, operation.tombstoneMs);
    case "count":
      break;
  }
  const [count] = await store.count([SCOPE]);
  if (!count) throw new Error("no count came back");
  return count;
}

/** Sweeps until nothing more is found; the counts of the last sweep, which must find nothing. */
export async function sweepAll(store: LeaseStore): Promise<void> {
  for (let more = true; more; ) ({ more } = await store.sweep(SCOPE, 3, LONGEST_MS));
}

const NOTHING_SWEPT = { leases: 0, sessions: 0, more: false };

/**
 * Runs random sequences on a fresh store each, every reply compared in full with the model's, the counts after every
 * step, every operation done twice now and then, and at the end that time alone leaves nothing behind.
 */
export async function runModel(
  makeStore: () => Promise<TestStore>,
  rules: Readonly<{ runs: number; seed?: number; atEnd?: (store: TestStore) => void }>,
): Promise<void> {
  const property = fc.asyncProperty(steps, fc.infiniteStream(fc.boolean()), async (steps, twice) => {
    const world = await makeStore();
    try {
      const model = emptyModel(START_MS);
      world.setNow(model.nowMs);
      for (const step of steps) {
        if (step.kind === "pass") {
          model.nowMs += step.ms;
          world.setNow(model.nowMs);
        } else {
          for (const operation of twice.next().value ? [step, step] : [step])
            expect(await ask(world.store, operation)).toEqual(replyOf(model, operation));
        }
        expect(await ask(world.store, { kind: "count" })).toEqual(replyOf(model, { kind: "count" }));
      }
      world.setNow(model.nowMs + LONGEST_MS);
      expect(await ask(world.store, { kind: "count" })).toEqual({ sessions: 0, requests: 0 });
      await sweepAll(world.store);
      expect(await ask(world.store, { kind: "sweep", bound: 1 })).toMatchObject(NOTHING_SWEPT);
      for (const session of SESSIONS)
        expect(await world.store.release(SCOPE, { lease: "none", session }, "failed", 0)).toMatchObject({ refs: 0 });
      rules.atEnd?.(world);
    } finally {
      await world.close();
    }
  });
  await fc.assert(property, { numRuns: rules.runs, ...(rules.seed === undefined ? {} : { seed: rules.seed }) });
}

/**
 * The clock goes both ways: whatever happened, once sweeps have found all they can, nothing lasts longer than the
 * longest time, and a session is let in whenever the counts say that there is room.
 */
export async function runClockSteps(
  makeStore: () => Promise<TestStore>,
  rules: Readonly<{ runs: number }>,
): Promise<void> {
  const jump = fc.record({ kind: fc.constant("pass" as const), ms: fc.integer({ min: -10_000, max: 10_000 }) });
  const jumpy = fc.array(
    fc.oneof({ arbitrary: steps, weight: 3 }, { arbitrary: jump.map((one) => [one]), weight: 1 }),
    {
      maxLength: 8,
    },
  );
  const property = fc.asyncProperty(jumpy, async (parts) => {
    const world = await makeStore();
    try {
      let nowMs = START_MS;
      for (const step of parts.flat()) {
        if (step.kind === "pass") nowMs += step.ms;
        world.setNow(nowMs);
        if (step.kind !== "pass") await ask(world.store, step);
      }
      await sweepAll(world.store);
      const before = await ask(world.store, { kind: "count" });
      expect(await ask(world.store, { kind: "sweep", bound: 1 })).toMatchObject(NOTHING_SWEPT);
      expect(await ask(world.store, { kind: "count" })).toEqual(before);
      world.setNow(nowMs + LONGEST_MS);
      expect(await ask(world.store, { kind: "count" })).toEqual({ sessions: 0, requests: 0 });
      expect(await world.store.acquire(claim("new", SESSIONS[0] ?? "", { sessionsMax: 1 }))).toMatchObject({
        kind: "granted",
        isNew: true,
      });
    } finally {
      await world.close();
    }
  });
  await fc.assert(property, { numRuns: rules.runs });
}
