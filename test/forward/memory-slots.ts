import type { Background } from "../../src/core/background.ts";
import type { Clock } from "../../src/core/clock.ts";
import type { Observer } from "../../src/core/events.ts";
import { memoryLeases } from "../../src/session/memory-leases.ts";
import { createSlots } from "../../src/session/slots.ts";

/** Real slots over the real store in memory. Owns loops: close them. */
export function memorySlots(
  parts: Readonly<{
    clock: Clock;
    background: Background;
    observe: Observer;
    waitMax: number;
    idle: () => "yield" | "hold";
    forgetHome: (session: string) => Promise<void>;
  }>,
) {
  const { clock, background, observe, forgetHome } = parts;
  const store = memoryLeases({ nowMs: clock.monoMs });
  let leases = 0;
  const slots = createSlots({
    store,
    clock,
    random: () => 0.5,
    background,
    observe,
    rules: () => ({
      residenceMs: 300_000,
      leaseTtlMs: 30_000,
      idle: parts.idle(),
      waitMax: parts.waitMax,
      asksAgainMs: 250,
      tombstoneMs: 600_000,
      sweepEveryMs: 30_000,
      storeTimeoutMs: 0,
      limitsOf: () => null,
    }),
    leaseId: () => `one.boot.${++leases}`,
    scopes: () => [],
    forgetHome,
  });
  return { slots, store };
}
