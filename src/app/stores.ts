import type { Background } from "../core/background.ts";
import type { Clock } from "../core/clock.ts";
import type { Observer } from "../core/events.ts";
import type { Random } from "../core/random.ts";
import type { HomeStore } from "../session/home.ts";
import type { LeaseStore } from "../session/lease.ts";
import { memoryHomes } from "../session/memory-homes.ts";
import { memoryLeases } from "../session/memory-leases.ts";
import { openRedisStore } from "../session/redis/redis-store.ts";
import type { StoreRules } from "./plan.ts";

/** Where sessions are counted and homes are kept. Owns its connection, if it has one, until `close`. */
export type Stores = Readonly<{
  leases: LeaseStore;
  homes: HomeStore;
  state(): "up" | "degraded" | "down";
  /** Instances that share the limits, this one included. */
  instances(): number;
  /** Sets what is to be told to a store that has come back. */
  whenBack(restore: () => void | Promise<void>): void;
  /** Longest a call can go on in the store after it was given up. */
  timeoutMs: number;
  close(): Promise<void>;
}>;

export type StoreDeps = Readonly<{
  clock: Clock;
  random: Random;
  background: Background;
  observe: Observer;
  instance: string;
  leaseTtlMs: () => number;
}>;

/** Rejects with a `HedgerowError` (`store_config`, `store_unreachable`) where the shared store cannot be used as configured. */
export async function openStores(rules: StoreRules, deps: StoreDeps): Promise<Stores> {
  if (rules.kind === "memory") {
    const own = { nowMs: deps.clock.monoMs };
    return {
      leases: memoryLeases(own),
      homes: memoryHomes(own),
      state: () => "up",
      instances: () => 1,
      whenBack: () => {},
      timeoutMs: 0,
      close: async () => {},
    };
  }
  const store = await openRedisStore({ ...rules, ...deps });
  const away = rules.whenDown === "refuse" ? "down" : "degraded";
  return {
    leases: store.leases,
    homes: store.homes,
    state: () => (store.state() === "up" ? "up" : away),
    instances: store.instances,
    whenBack: store.whenBack,
    timeoutMs: rules.timeoutMs,
    close: store.close,
  };
}
