import { memoryLeases } from "../../../src/session/memory-leases.ts";
import { START_MS } from "../contract-world.ts";
import type { RedisWorld } from "./redis-world.ts";
import { type Operation, perform, traffic } from "./traffic.ts";

/** Where two stores differed first: the operations that led there, at most the last few, and both replies. */
export type Difference = Readonly<{
  seed: number;
  at: number;
  led: readonly Operation[];
  memory: unknown;
  redis: unknown;
}>;

const LED_MAX = 12;

/**
 * Runs the same seeded operations at the same clock (which goes back too with even seeds) on the memory store and on a real server; null when every reply was
 * the same. `before` runs before each operation on the server (a fault that must change nothing).
 */
export async function firstDifference(
  world: RedisWorld,
  run: Readonly<{ seed: number; operations: number; before?: (index: number) => Promise<void> }>,
): Promise<Difference | null> {
  let nowMs = START_MS;
  const memory = memoryLeases({ nowMs: () => nowMs });
  const nextOperation = traffic(run.seed);
  const led: Operation[] = [];
  world.setNow(nowMs);
  for (let at = 0; at < run.operations; at++) {
    const next = nextOperation();
    led.push(next);
    if (led.length > LED_MAX) led.shift();
    if (next.kind === "pass") {
      nowMs += next.ms;
      world.setNow(nowMs);
      continue;
    }
    await run.before?.(at);
    const [expected, found] = [await perform(memory, next), await perform(world.store, next)];
    if (!Bun.deepEquals(expected, found, true)) return { seed: run.seed, at, led, memory: expected, redis: found };
  }
  return null;
}
