import { expect } from "bun:test";
import { background } from "../../src/core/background.ts";
import { HedgerowError } from "../../src/core/errors.ts";
import type { ProxyEvent } from "../../src/core/events.ts";
import type { LeaseStore } from "../../src/session/lease.ts";
import { type MemoryLeases, memoryLeases } from "../../src/session/memory-leases.ts";
import type { SlotRules } from "../../src/session/slot-rules.ts";
import type { Ask, Asked, Held } from "../../src/session/slot.ts";
import { createSlots, type Slots } from "../../src/session/slots.ts";
import { type HandClock, handClock } from "../world/clock.ts";
import { sessionId } from "./contract-world.ts";

export const MAIN = "provider:main";
export const SPARE = "provider:spare";
export const A = sessionId("alice");
export const B = sessionId("bob");
export const C = sessionId("carol");
export const D = sessionId("dave");

export const never = new AbortController().signal;

/** One process with its slots, on a store and a clock moved by hand. */
export type SlotsWorld = Readonly<{
  clock: HandClock;
  slots: Slots;
  store: MemoryLeases;
  /** Changing it is a reload. */
  rules: { -readonly [Key in keyof SlotRules]: SlotRules[Key] };
  scopes: string[];
  events: ProxyEvent[];
  homesForgotten: string[];
  /** How many lease events of a kind were told. */
  told(event: string): number;
  notices(): readonly string[];
  /** The store's own counts. */
  counts(scope?: string): Promise<Readonly<{ sessions: number; requests: number }> | undefined>;
  /** Closes the slots; then nothing may be left: no lease, no waiter, no timer, nothing under way. */
  over(): Promise<void>;
}>;

export type WorldOptions = Readonly<{
  rules?: Partial<SlotRules>;
  /** Puts something between the slots and the store: delays, failures. */
  through?: (store: LeaseStore, clock: HandClock) => LeaseStore;
  /** Shared by several processes. */
  shared?: Readonly<{ clock: HandClock; store: MemoryLeases }>;
  instance?: string;
  random?: () => number;
}>;

export function slotsWorld(options: WorldOptions = {}): SlotsWorld {
  const clock = options.shared?.clock ?? handClock();
  const store = options.shared?.store ?? memoryLeases({ nowMs: clock.monoMs });
  const events: ProxyEvent[] = [];
  const broken: unknown[] = [];
  const homesForgotten: string[] = [];
  const scopes = [MAIN, SPARE];
  const jobs = background((_what, error) => broken.push(error));
  let leases = 0;
  const rules: SlotsWorld["rules"] = {
    residenceMs: 300_000,
    leaseTtlMs: 30_000,
    idle: "yield",
    waitMax: 256,
    asksAgainMs: 250,
    tombstoneMs: 600_000,
    sweepEveryMs: 30_000,
    storeTimeoutMs: 0,
    limitsOf: () => null,
    ...options.rules,
  };
  const slots = createSlots({
    store: options.through?.(store, clock) ?? store,
    clock,
    random: options.random ?? (() => 0.5),
    background: jobs,
    observe: (event) => events.push(event),
    rules: () => rules,
    leaseId: () => `${options.instance ?? "one"}.boot.${++leases}`,
    scopes: () => scopes,
    forgetHome: async (session) => void homesForgotten.push(session),
  });
  return {
    clock,
    slots,
    store,
    rules,
    scopes,
    events,
    homesForgotten,
    told: (name) =>
      events.reduce((sum, event) => sum + (event.kind === "lease" && event.event === name ? event.count : 0), 0),
    notices: () => events.flatMap((event) => (event.kind === "notice" ? [event.what] : [])),
    counts: async (scope = MAIN) => (await store.count([scope]))[0],
    async over() {
      const closed = slots.close(1000);
      await clock.advance(2000);
      await closed;
      await jobs.drained();
      expect({ leases: slots.leases(), waiting: slots.waiting(), pending: jobs.pending(), broken }).toEqual({
        leases: 0,
        waiting: 0,
        pending: 0,
        broken: [],
      });
      expect(clock.sleepers()).toBe(0);
    },
  };
}

export const ask = (session: string, more: Partial<Ask> = {}): Ask => ({
  scope: MAIN,
  session,
  limits: { sessions: 1, requests: 0 },
  rpm: 0,
  displace: false,
  onEnded: () => {},
  ...more,
});

/** The slot, or the test fails with what came instead. */
export async function granted(asked: Promise<Asked>): Promise<Held> {
  const answer = await asked;
  if (answer.kind !== "granted") throw new Error(`not granted: ${JSON.stringify(answer)}`);
  return answer.held;
}

/** What became of a promise so far, looked at without waiting for it. */
export function outcome<Value>(promise: Promise<Value>): { now: "pending" | Value | Readonly<{ rejected: unknown }> } {
  const seen: ReturnType<typeof outcome<Value>> = { now: "pending" };
  void promise.then(
    (value) => {
      seen.now = value;
    },
    (error: unknown) => {
      seen.now = { rejected: error };
    },
  );
  return seen;
}

export type Fault = "unreachable" | "timeout before" | "timeout after" | "down";

/** A store whose next calls fail as told: without being executed, or after they were (the reply was lost). */
export function faulty(store: LeaseStore, faultOf: (op: string) => Fault | null): LeaseStore {
  const call = async <Reply>(op: string, run: () => Promise<Reply>): Promise<Reply> => {
    const fault = faultOf(op);
    if (fault === null) return run();
    if (fault === "timeout after") await run();
    const code = { unreachable: "store_unreachable", down: "store_down" }[fault as "down"] ?? "store_timeout";
    throw new HedgerowError(code, `${op}: ${fault}`);
  };
  return {
    acquire: (claim) => call("acquire", () => store.acquire(claim)),
    release: (scope, ref, ending, ms) => call("release", () => store.release(scope, ref, ending, ms)),
    renew: (scope, ms, refs) => call("renew", () => store.renew(scope, ms, refs)),
    sweep: (scope, bound, ms) => call("sweep", () => store.sweep(scope, bound, ms)),
    end: (scope, session, ms) => call("end", () => store.end(scope, session, ms)),
    count: (scopes) => call("count", () => store.count(scopes)),
    close: () => store.close(),
  };
}
