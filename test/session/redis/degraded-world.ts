import { background } from "../../../src/core/background.ts";
import { HedgerowError } from "../../../src/core/errors.ts";
import type { ProxyEvent } from "../../../src/core/events.ts";
import type { LeaseStore } from "../../../src/session/lease.ts";
import { memoryLeases } from "../../../src/session/memory-leases.ts";
import { degradedLeases, type WhenDown } from "../../../src/session/redis/degraded-leases.ts";
import { type Health, storeHealth } from "../../../src/session/redis/health.ts";
import type { HandClock } from "../../world/clock.ts";
import { SCOPE, sessionId } from "../contract-world.ts";

export type Instance = Readonly<{
  leases: LeaseStore;
  health: Health;
  events: ProxyEvent[];
  /** Calls that were sent to the shared store, heard or not. */
  sent: string[];
  cutOff(how: Fault | null): void;
  known(instances: number): void;
}>;

/** `full`: it answers, takes what reads or removes, and refuses the rest, as a server without memory does. */
export type Fault = "unreachable" | "reply lost" | "full";

/** One process over a shared store that it can be cut off from. */
export function instance(shared: LeaseStore, clock: HandClock, whenDown: WhenDown, probes = { count: 0 }): Instance {
  let cut: Fault | null = null;
  let known = 1;
  const events: ProxyEvent[] = [];
  const sent: string[] = [];
  const through = async <Reply>(op: string, call: () => Promise<Reply>): Promise<Reply> => {
    sent.push(op);
    if (cut === "unreachable") throw new HedgerowError("store_unreachable", "cut off");
    if (cut === "full" && ["acquire", "renew"].includes(op)) throw refusal(op);
    const reply = await call();
    if (cut === "reply lost") throw new HedgerowError("store_timeout", "no reply");
    return reply;
  };
  const store: LeaseStore = {
    acquire: (one) => through("acquire", () => shared.acquire(one)),
    release: (...args) => through("release", () => shared.release(...args)),
    renew: (...args) => through("renew", () => shared.renew(...args)),
    sweep: (...args) => through("sweep", () => shared.sweep(...args)),
    end: (...args) => through("end", () => shared.end(...args)),
    count: (...args) => through("count", () => shared.count(...args)),
    close: async () => {},
  };
  const behind = background(() => {});
  const probe = async () => {
    probes.count++;
    if (cut !== null) throw new Error("still away");
  };
  const health = storeHealth({
    clock,
    background: behind,
    observe: (event) => events.push(event),
    probe,
    downAtStart: null,
  });
  const mirror = memoryLeases({ nowMs: clock.monoMs });
  const leases = degradedLeases({ store, mirror, health, background: behind, whenDown, instances: () => known });
  return {
    leases,
    health,
    events,
    sent,
    cutOff(how) {
      cut = how;
    },
    known(instances) {
      known = instances;
    },
  };
}

/** What a call comes to that the server answers with an error. */
export function refusal(op: string, words = "OOM command not allowed"): HedgerowError {
  const told = Object.assign(new Error(words), { name: "ReplyError" });
  return new HedgerowError("store_unreachable", `redis: ${op}: ${told.message}`, told);
}

export const failureOf = (call: Promise<unknown>) =>
  call.then(
    () => null,
    (error: unknown) => (error as HedgerowError).code,
  );
export const storeEvents = (one: Instance) => one.events.filter((event) => event.kind === "store");
export const sessionAt = (index: number) => sessionId(`s${index}`);

/** Three failures in a row: from then on the store is not asked. */
export async function loseStore(one: Instance): Promise<void> {
  one.cutOff("unreachable");
  for (let i = 0; i < 3; i++)
    await failureOf(one.leases.release(SCOPE, { lease: "none", session: sessionAt(99) }, "failed", 0));
}
