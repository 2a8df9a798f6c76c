import { background } from "../../../src/core/background.ts";
import { systemClock } from "../../../src/core/clock.ts";
import type { ProxyEvent } from "../../../src/core/events.ts";
import { leaseIds } from "../../../src/core/ids.ts";
import { systemRandom } from "../../../src/core/random.ts";
import type { RedisPlace } from "../../../src/session/redis/connect.ts";
import type { WhenDown } from "../../../src/session/redis/degraded-leases.ts";
import { openRedisStore, type RedisStore } from "../../../src/session/redis/redis-store.ts";
import type { Ask, Held } from "../../../src/session/slot.ts";
import { createSlots, type Slots } from "../../../src/session/slots.ts";
import { sessionId } from "../contract-world.ts";
import { nowMs, type Seen } from "./history.ts";

/** One instance as `serve` would run it, on the system's clock: store, slots and their loops. */
export type Member = Readonly<{
  name: string;
  store: RedisStore;
  slots: Slots;
  events: ProxyEvent[];
  history: Seen[];
  /** Asks for a slot; null when refused. `ended` counts how often its I/O was told to stop. */
  ask(session: string, limit: number): Promise<Held | null>;
  give(held: Held, ending?: "done" | "failed" | "reverted"): void;
  notices(what: string): number;
  close(): Promise<void>;
}>;

export type MemberOptions = Readonly<{
  where: RedisPlace;
  name: string;
  leaseTtlMs?: number;
  timeoutMs?: number;
  whenDown?: WhenDown;
}>;

export const SCOPE = "provider:main";
/** For what is no test of outages: a busy machine must not look like one. */
const PATIENT_MS = 5000;
/** For what is. */
export const IMPATIENT_MS = 250;
const never = new AbortController().signal;

export async function member(options: MemberOptions): Promise<Member> {
  const { name, leaseTtlMs = 600, timeoutMs = PATIENT_MS, whenDown = "share" } = options;
  const events: ProxyEvent[] = [];
  const history: Seen[] = [];
  const observe = (event: ProxyEvent) => void events.push(event);
  const jobs = background((what, error) =>
    observe({ kind: "notice", level: "error", what: "background_failed", fields: { what, error: String(error) } }),
  );
  const parts = { clock: systemClock, random: systemRandom, background: jobs, observe };
  const store = await openRedisStore({
    ...parts,
    where: options.where,
    username: null,
    password: null,
    tls: false,
    authority: null,
    timeoutMs,
    prefix: "hedgerow",
    whenDown,
    instance: name,
    leaseTtlMs: () => leaseTtlMs,
  });
  const rules = {
    residenceMs: 60_000,
    leaseTtlMs,
    idle: "yield" as const,
    waitMax: 256,
    asksAgainMs: 250,
    tombstoneMs: 3 * leaseTtlMs,
    sweepEveryMs: 300,
    storeTimeoutMs: timeoutMs,
    limitsOf: () => null,
  };
  const slots = createSlots({
    ...parts,
    store: store.leases,
    rules: () => rules,
    leaseId: leaseIds(name),
    scopes: () => [SCOPE],
    forgetHome: store.homes.forget,
  });
  store.whenBack(slots.restored);
  const seen = (kind: Seen["kind"], { scope, session, lease }: Held) =>
    history.push({ atMs: nowMs(), process: name, kind, scope, session, lease });
  return {
    name,
    store,
    slots,
    events,
    history,
    async ask(session, limit) {
      const limits = { sessions: limit, requests: 0 };
      const ask: Ask = { scope: SCOPE, session: sessionId(session), limits, rpm: 0, displace: true, onEnded: () => {} };
      const asked = await slots.acquire(ask, never);
      if (asked.kind !== "granted") return null;
      seen("granted", asked.held);
      return asked.held;
    },
    give(held, ending = "failed") {
      seen("released", held);
      held.release(ending);
    },
    notices: (what) => events.filter((event) => event.kind === "notice" && event.what === what).length,
    async close() {
      await slots.close(1000);
      await store.close();
      await jobs.drained();
    },
  };
}

/** Waits for something to become true; how long is nobody's business but the test runner's. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await systemClock.sleep(5);
}
