import { jitter } from "../core/random.ts";
import type { Scope } from "./lease.ts";
import type { SlotParts } from "./slot-rules.ts";
import type { Ask, Asked, Waited } from "./slots.ts";

/** Who waits for a slot, the oldest first. A freed slot goes to the oldest for whom its scope will do. */
export type WaitingLine = Readonly<{
  join(asks: readonly Ask[], waitMs: number, signal: AbortSignal): Promise<Waited>;
  /** Somebody waits for this scope: a new session must not overtake. */
  waitsFor(scope: Scope): boolean;
  /** A slot of this scope may have become free, or displaceable. Cheap when nobody waits for it. */
  freed(scope: Scope): void;
  size(): number;
  /** Everybody goes away empty. */
  close(): void;
}>;

type Waiter = Readonly<{ asks: readonly Ask[]; leave: (waited: Waited) => void }>;

const AGAIN_JITTER = 0.2;

/** `admit` asks the store for one slot, as one that waits: without giving way to the line. */
export function waitingLine(parts: SlotParts, admit: (ask: Ask) => Promise<Asked>): WaitingLine {
  const { clock, background } = parts;
  const line = new Set<Waiter>();
  /** Scopes to be asked for. Worked off one by one, so that no two slots go to one waiter and none goes past the oldest. */
  const due = new Set<Scope>();
  let serving = false;
  let cancelAgain: (() => void) | null = null;

  const waits = (waiter: Waiter, scope: Scope) => waiter.asks.some((ask) => ask.scope === scope);
  const waitsFor = (scope: Scope) => {
    for (const waiter of line) if (waits(waiter, scope)) return true;
    return false;
  };

  /** The oldest; but a session that has just got a slot here waits no longer with its other requests. */
  const nextFor = (scope: Scope, served: string | null): Waiter | undefined => {
    const waiting = [...line].filter((waiter) => waits(waiter, scope));
    return waiting.find((waiter) => waiter.asks.some((ask) => ask.session === served)) ?? waiting[0];
  };
  const serve = async (scope: Scope) => {
    let served: string | null = null;
    for (let waiter = nextFor(scope, served); waiter !== undefined; waiter = nextFor(scope, served)) {
      const index = waiter.asks.findIndex((ask) => ask.scope === scope);
      const ask = waiter.asks[index];
      const asked = ask ? await admit(ask) : null;
      if (asked?.kind !== "granted") return;
      if (line.has(waiter)) waiter.leave({ kind: "granted", held: asked.held, index });
      else asked.held.release("reverted"); // it left while it was asked for
      served = asked.held.session;
    }
  };
  const serveDue = async () => {
    try {
      // A set's walk meets what is added meanwhile, so no slot freed while another is handed out goes unseen.
      for (const scope of due) {
        due.delete(scope);
        await serve(scope);
      }
    } finally {
      serving = false;
    }
  };
  const freed = (scope: Scope) => {
    if (!waitsFor(scope)) return;
    due.add(scope);
    if (serving) return;
    serving = true;
    background.track("waiting line", serveDue());
  };

  const askAgain = () => {
    cancelAgain = null;
    if (line.size === 0) return;
    const again = () => {
      for (const waiter of line) for (const ask of waiter.asks) freed(ask.scope);
      askAgain();
    };
    cancelAgain = clock.after(jitter(parts.rules().asksAgainMs, AGAIN_JITTER, parts.random), again);
  };
  const leaves = (waiter: Waiter) => {
    line.delete(waiter);
    if (line.size > 0) return;
    cancelAgain?.();
    cancelAgain = null;
  };
  const join = (asks: readonly Ask[], waitMs: number, signal: AbortSignal) =>
    new Promise<Waited>((resolve, reject) => {
      const gone = () => {
        leaves(waiter);
        cancelTimeout();
        signal.removeEventListener("abort", onAbort);
      };
      const waiter: Waiter = {
        asks,
        leave(waited) {
          gone();
          resolve(waited);
        },
      };
      const onAbort = () => {
        gone();
        reject(signal.reason);
      };
      const cancelTimeout = clock.after(waitMs, () => waiter.leave({ kind: "timeout" }));
      signal.addEventListener("abort", onAbort, { once: true });
      line.add(waiter);
      if (cancelAgain === null) askAgain();
      // A slot may have become free since it was refused, when nobody waited yet to be told.
      for (const ask of asks) freed(ask.scope);
    });

  return {
    async join(asks, waitMs, signal) {
      signal.throwIfAborted();
      if (waitMs <= 0) return { kind: "timeout" };
      if (line.size >= parts.rules().waitMax) return { kind: "line_full" };
      return join(asks, waitMs, signal);
    },
    waitsFor,
    freed,
    size: () => line.size,
    close() {
      for (const waiter of line) waiter.leave({ kind: "timeout" });
    },
  };
}
