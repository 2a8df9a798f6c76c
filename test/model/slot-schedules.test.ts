import { expect, test } from "bun:test";
import * as fc from "fast-check";
import type { LeaseStore } from "../../src/session/lease.ts";
import type { Ask } from "../../src/session/slot.ts";
import { sessionId } from "../session/contract-world.ts";
import { ask, type Fault, faulty, MAIN, SPARE, type SlotsWorld, slotsWorld } from "../session/slots-world.ts";
import type { HandClock } from "../world/clock.ts";

const LIMITS = { sessions: 2, requests: 3 };
const RESIDENCE_MS = 5000;

/** One client's request: when it comes, what it asks for, how long it runs, how it ends, when its client leaves. */
type Request = Readonly<{
  atMs: number;
  session: string;
  displace: boolean;
  limited: boolean;
  waitMs: number;
  runMs: number;
  ending: "done" | "failed" | "reverted";
  leavesMs: number;
}>;

const requests: fc.Arbitrary<Request[]> = fc.array(
  fc.record({
    atMs: fc.integer({ min: 0, max: 2000 }),
    session: fc.constantFrom("a", "b", "c", "d", "e").map(sessionId),
    displace: fc.boolean(),
    limited: fc.constantFrom(true, true, true, false),
    waitMs: fc.constantFrom(0, 100, 1000),
    runMs: fc.integer({ min: 0, max: 1500 }),
    ending: fc.constantFrom("done", "failed", "reverted"),
    leavesMs: fc.oneof(fc.constant(Number.POSITIVE_INFINITY), fc.integer({ min: 0, max: 1000 })),
  }),
  { minLength: 1, maxLength: 25, size: "max" },
);

/** Milliseconds that the calls to the store take, over and over; and which of them fail, and how. */
const delays = fc.array(fc.constantFrom(0, 0, 1, 5, 40), { minLength: 1, maxLength: 12 });
const faults = fc.array(
  fc.constantFrom<(Fault | null)[]>(null, null, null, null, null, "unreachable", "timeout before", "timeout after"),
  { minLength: 1, maxLength: 12 },
);

function slow(store: LeaseStore, clock: HandClock, delays: readonly number[]): LeaseStore {
  let calls = 0;
  const delayed = async <Reply>(run: () => Promise<Reply>): Promise<Reply> => {
    const ms = delays[calls++ % delays.length] ?? 0;
    if (ms > 0) await clock.sleep(ms);
    const reply = await run();
    if (ms > 0) await clock.sleep(ms);
    return reply;
  };
  return {
    acquire: (claim) => delayed(() => store.acquire(claim)),
    release: (scope, ref, ending, ms) => delayed(() => store.release(scope, ref, ending, ms)),
    renew: (scope, ms, refs) => delayed(() => store.renew(scope, ms, refs)),
    sweep: (scope, bound, ms) => delayed(() => store.sweep(scope, bound, ms)),
    end: (scope, session, ms) => delayed(() => store.end(scope, session, ms)),
    count: (scopes) => delayed(() => store.count(scopes)),
    close: () => store.close(),
  };
}

/** As a forwarder does it: asks each provider, waits if both are full, runs, and gives back in one place. */
async function serve(world: SlotsWorld, request: Request, check: () => void): Promise<void> {
  const { clock, slots } = world;
  const client = new AbortController();
  const cancelLeaving = Number.isFinite(request.leavesMs)
    ? clock.after(request.leavesMs, () => client.abort("client left"))
    : () => {};
  const limits = request.limited ? LIMITS : { sessions: 0, requests: 0 };
  const scopes = request.limited ? [MAIN, SPARE] : ["provider:open"];
  const asks: Ask[] = scopes.map((scope) => ask(request.session, { scope, limits, displace: request.displace }));
  try {
    for (const one of asks) {
      const asked = await slots.acquire(one, client.signal);
      if (asked.kind !== "granted") continue;
      check();
      await clock.sleep(request.runMs, client.signal).finally(() => asked.held.release(request.ending));
      return;
    }
    const waited = await slots.wait(asks, request.waitMs, client.signal);
    if (waited.kind !== "granted") return;
    check();
    await clock.sleep(request.runMs, client.signal).finally(() => waited.held.release(request.ending));
  } catch (error) {
    if (error !== "client left") throw error;
  } finally {
    cancelLeaving();
  }
}

async function runSchedule(requests: readonly Request[], world: SlotsWorld, check: () => void): Promise<void> {
  world.scopes.push("provider:open");
  const served = requests.map(async (request) => {
    await world.clock.sleep(request.atMs);
    await serve(world, request, check);
  });
  await world.clock.advance(6000);
  await Promise.all(served);
  expect({ leases: world.slots.leases(), waiting: world.slots.waiting() }).toEqual({ leases: 0, waiting: 0 });
}

const RULES = { leaseTtlMs: 1500, residenceMs: RESIDENCE_MS, storeTimeoutMs: 80, sweepEveryMs: 1000 };

test("1,000 random schedules on a slow store end with no lease, no waiter and no timer, and never exceed a limit", async () => {
  await fc.assert(
    fc.asyncProperty(requests, delays, async (requests, delays) => {
      const world = slotsWorld({ rules: RULES, through: (store, clock) => slow(store, clock, delays) });
      // Read straight from the store at the moment of each grant.
      const overs: Promise<void>[] = [];
      const check = () =>
        void overs.push(
          world.store.count([MAIN, SPARE]).then((counts) => {
            for (const { sessions, requests } of counts) {
              expect(sessions).toBeLessThanOrEqual(LIMITS.sessions);
              expect(requests).toBeLessThanOrEqual(LIMITS.requests);
            }
          }),
        );
      await runSchedule(requests, world, check);
      await Promise.all(overs);
      for (const scope of [MAIN, SPARE, "provider:open"]) expect((await world.counts(scope))?.requests).toBe(0);
      await world.over();
    }),
    { numRuns: 1000 },
  );
}, 120_000);

test("300 random schedules on a store that fails now and then leave nothing once it is back", async () => {
  await fc.assert(
    fc.asyncProperty(requests, delays, faults, async (requests, delays, faults) => {
      let calls = 0;
      let broken = true;
      const world = slotsWorld({
        rules: RULES,
        through: (store, clock) =>
          slow(
            faulty(store, () => (broken ? (faults[calls++ % faults.length] ?? null) : null)),
            clock,
            delays,
          ),
      });
      await runSchedule(requests, world, () => {});
      broken = false;
      world.slots.restored();
      // A restore whose release could not be sent either lapses by itself.
      await world.clock.advance(RULES.leaseTtlMs + 500);
      for (const scope of [MAIN, SPARE, "provider:open"]) expect((await world.counts(scope))?.requests).toBe(0);
      await world.clock.advance(2 * RESIDENCE_MS);
      for (const scope of [MAIN, SPARE, "provider:open"])
        expect(await world.counts(scope)).toEqual({ sessions: 0, requests: 0 });
      await world.over();
    }),
    { numRuns: 300 },
  );
}, 120_000);
