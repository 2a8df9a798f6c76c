import { inTime } from "../core/in-time.ts";
import { loop } from "../core/loop.ts";
import { asking } from "./asking.ts";
import { type SessionEnded, sessionEnding } from "./ending.ts";
import { heartbeat } from "./heartbeat.ts";
import { holding } from "./holding.ts";
import type { Count, Scope } from "./lease.ts";
import { outbox } from "./outbox.ts";
import { registry } from "./registry.ts";
import { sightings } from "./sightings.ts";
import type { Ask, Asked, SessionView, Waited } from "./slot.ts";
import type { SlotParts } from "./slot-rules.ts";
import { sweeper } from "./sweep.ts";
import { waitingLine } from "./waiting.ts";

/** This process's door to the session store: hands out slots, renews, restores and gives them back. */
export type Slots = Readonly<{
  /**
   * Asks one scope, at once. A new session does not overtake a waiter of that scope. A scope without any limit is
   * granted without asking first (still tracked in the store). When `signal` aborts while asking, the lease is given
   * back as `reverted` and the call rejects with the signal's reason.
   */
  acquire(ask: Ask, signal: AbortSignal): Promise<Asked>;
  /** Stands in line for the first of `asks` (in order) that has a slot; rejects with the signal's reason when it aborts. */
  wait(asks: readonly Ask[], waitMs: number, signal: AbortSignal): Promise<Waited>;
  /** How many wait now. */
  waiting(): number;
  /** Leases of this process, all or in one scope: 0 when nothing runs. */
  leases(scope?: Scope): number;
  sessions(): readonly SessionView[];
  /**
   * Operator's end, everywhere: tombstones in all scopes, own streams cut at once, the home forgotten. Rejects with the
   * store's error when that could not be said everywhere; saying it again does no harm.
   */
  end(session: string): Promise<SessionEnded>;
  /** Tells a request that its session was ended here, whether it holds a lease at that moment or not; the function returned stops that. */
  watch(session: string, onEnded: () => void): () => void;
  count(scopes: readonly Scope[]): Promise<readonly Count[]>;
  /** The store is back: all leases are renewed at once, lost ones restored, kept releases delivered. */
  restored(): void;
  /** Gives back all that is still held as `reverted`, in one batch, within `withinMs`; then stops its loops. */
  close(withinMs: number): Promise<void>;
}>;

export type SlotOptions = SlotParts &
  Readonly<{
    leaseId: () => string;
    /** Scopes of the config as it is now. */
    scopes: () => readonly Scope[];
    forgetHome: (session: string) => Promise<void>;
  }>;

const HEARTBEAT_JITTER = 0.1;
const SWEEP_JITTER = 0.2;

/** Owns its loops and every lease it hands out, until `close`. */
export function createSlots(options: SlotOptions): Slots {
  const { store, clock, random, background, observe, rules, leaseId, forgetHome } = options;
  const closed = new AbortController();
  const leases = registry();
  const seen = sightings(clock);
  const heart = heartbeat(options, leases);
  const onFreed = (scope: Scope) => line.freed(scope);
  const out = outbox(options, onFreed);
  const held = holding({ parts: options, leases, heart, out, seen });
  const ask = asking({ parts: options, held, leaseId, ttlMs: heart.ttlMs });
  // By the limits of now: a reload may have changed them since it came, and all who came later wait for it.
  const line = waitingLine(options, (one) =>
    ask({ ...one, limits: rules().limitsOf(one.scope) ?? one.limits }, "in turn"),
  );
  const sweeps = sweeper(options, options.scopes, onFreed);
  const ends = sessionEnding({ parts: options, leases, seen, scopes: sweeps.scopes, forgetHome, onFreed });

  const runs = (what: string, work: () => Promise<void>, rhythm: Readonly<{ jitter: number; everyMs: () => number }>) =>
    loop(
      {
        clock,
        random,
        work,
        jitter: rhythm.jitter,
        get everyMs() {
          return rhythm.everyMs(); // asked for anew each time: a reload may have changed it
        },
        onError: (error) =>
          observe({
            kind: "notice",
            level: "error",
            what: "loop_failed",
            fields: { loop: what, error: String(error) },
          }),
      },
      closed.signal,
    );
  const loops = [
    runs("heartbeat", heart.beat, { jitter: HEARTBEAT_JITTER, everyMs: () => heart.ttlMs() / 3 }),
    runs("sweep", sweeps.round, { jitter: SWEEP_JITTER, everyMs: () => rules().sweepEveryMs }),
  ];

  return {
    async acquire(one, signal) {
      signal.throwIfAborted();
      const asked = await ask(one, line.waitsFor(one.scope) ? "give way" : "in turn");
      if (!signal.aborted) return asked;
      if (asked.kind === "granted") asked.held.release("reverted");
      throw signal.reason;
    },
    wait: line.join,
    waiting: line.size,
    leases: leases.size,
    sessions: seen.list,
    end: ends.end,
    watch: ends.watch,
    count: store.count,
    restored: () => background.track("restore", Promise.all([heart.beat(), out.replay()])),
    async close(withinMs) {
      closed.abort();
      line.close();
      const given = leases.all().map((lease) => held.release(lease, "reverted"));
      const last = [...given, out.replay(), ...loops];
      // A loop may be waiting for a store that hangs: it ends with that call, in the background.
      background.track("last releases", Promise.all(last));
      await inTime(clock, withinMs, Promise.allSettled(last));
      out.close();
    },
  };
}
