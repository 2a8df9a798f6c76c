/**
 * What an acquire and its release cost: `bun test/bench/leases.bench.ts`. One line a store and a number of sessions:
 * microseconds per acquire+release one after the other, pairs a second with 50 under way, bytes per session. Then a table of
 * the Redis server's own time per script, alone: `bun test/bench/leases-server.ts`. Some three minutes.
 */
import type { Claim, LeaseStore } from "../../src/session/lease.ts";
import { acquire } from "../../src/session/memory-acquire.ts";
import { memoryLeases } from "../../src/session/memory-leases.ts";
import { release } from "../../src/session/memory-operations.ts";
import { memoryScope } from "../../src/session/memory-scope.ts";
import { claim, SCOPE, sessionId } from "../session/contract-world.ts";

const SESSIONS = [100, 10_000];
const PAIRS = 100_000;
const AT_ONCE = 50;
const RESIDENCE_MS = 300_000;

const clock = { nowMs: () => performance.now() };
const nameOf = (i: number) => sessionId(`s${i}`);
/** Made beforehand: a claim is the caller's cost. Taken in turn, so each comes back long after its release. */
const claimsFor = (sessions: number): readonly Claim[] =>
  Array.from({ length: Math.max(sessions, 1000) }, (_, i) =>
    claim(`instance.boot.${i.toString(36)}`, nameOf(i % sessions), { sessionsMax: sessions, requestsMax: 1000 }),
  );
const inTurn = (claims: readonly Claim[], i: number): Claim => claims[i % claims.length] as Claim;

export type BenchLine = Readonly<{ store: string; sessions: number; us: number; perSecond: number; bytes: number }>;

/** `bytesUsed` says what the store takes, before and after it was filled; `pairs` is how many are timed. */
export async function benchLeases(
  store: string,
  leases: LeaseStore,
  rules: Readonly<{ sessions: number; pairs: number; bytesUsed: () => Promise<number> }>,
): Promise<BenchLine> {
  const { sessions, pairs } = rules;
  const claims = claimsFor(sessions);
  const pair = async (i: number) => {
    const one = inTurn(claims, i);
    await leases.acquire(one);
    await leases.release(SCOPE, one, "done", RESIDENCE_MS);
  };
  const before = await rules.bytesUsed();
  for (let i = 0; i < sessions; i++) await pair(i);
  const bytes = ((await rules.bytesUsed()) - before) / sessions;
  for (let i = 0; i < pairs / 10; i++) await pair(i);
  const startMs = performance.now();
  for (let i = 0; i < pairs; i++) await pair(i);
  const us = ((performance.now() - startMs) * 1000) / pairs;
  let next = 0;
  const lane = async () => {
    while (next < pairs) await pair(next++);
  };
  const startAllMs = performance.now();
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  const perSecond = pairs / ((performance.now() - startAllMs) / 1000);
  return { store, sessions, us, perSecond, bytes };
}

/** The operations themselves, without the promises of the store's contract. */
function benchBare(sessions: number): BenchLine {
  const scope = memoryScope();
  const claims = claimsFor(sessions);
  const pair = (i: number) => {
    const one = inTurn(claims, i);
    acquire(scope, Math.floor(clock.nowMs()), one);
    release(scope, Math.floor(clock.nowMs()), { ref: one, ending: "done", residenceMs: RESIDENCE_MS });
  };
  const before = heapBytes();
  for (let i = 0; i < sessions; i++) pair(i);
  const bytes = (heapBytes() - before) / sessions;
  for (let i = 0; i < PAIRS; i++) pair(i);
  const startMs = performance.now();
  for (let i = 0; i < PAIRS; i++) pair(i);
  const us = ((performance.now() - startMs) * 1000) / PAIRS;
  return { store: "memory, bare", sessions, us, perSecond: 1_000_000 / us, bytes };
}

function heapBytes(): number {
  Bun.gc(true);
  return process.memoryUsage().heapUsed;
}

export function printLine({ store, sessions, us, perSecond, bytes }: BenchLine): void {
  const cells = [
    store.padEnd(24),
    `${sessions} sessions`.padStart(15),
    `${us.toFixed(2)} us`.padStart(12),
    `${Math.round(perSecond).toLocaleString("en")}/s`.padStart(14),
    `${Math.round(bytes)} B/session`.padStart(16),
  ];
  console.log(cells.join(""));
}

if (import.meta.main) {
  console.log("acquire + release".padEnd(39) + "one by one".padStart(12) + "50 at once".padStart(14));
  for (const sessions of SESSIONS) {
    printLine(benchBare(sessions));
    const bytesUsed = async () => heapBytes();
    printLine(await benchLeases("memory", memoryLeases(clock), { sessions, pairs: PAIRS, bytesUsed }));
  }
  // Imported late, because it measures with what stands here.
  const { benchRedis, benchServer } = await import("./leases-redis.ts");
  await benchRedis();
  await benchServer();
}
