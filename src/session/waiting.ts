import type { Background } from "../core/background.ts";
import type { Clock } from "../core/clock.ts";
import { jitter } from "../core/random.ts";
import type { Scope } from "./lease.ts";
import { oneTimer } from "./one-timer.ts";
import type { SlotParts } from "./slot-rules.ts";
import type { Ask, Asked, Waited } from "./slot.ts";

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

/** `admit` asks the store for one slot, in the waiter's turn. */
export function waitingLine(parts: SlotParts, admit: (ask: Ask) => Promise<Asked>): WaitingLine {
  const line = new Set<Waiter>();
  const again = oneTimer(parts.clock);

  const waitsFor = (scope: Scope) => {
    for (const waiter of line) if (waits(waiter, scope)) return true;
    return false;
  };
  const serve = async (scope: Scope) => {
    let served: string | null = null;
    for (let waiter = next(line, scope, served); waiter !== undefined; waiter = next(line, scope, served)) {
      const index = waiter.asks.findIndex((ask) => ask.scope === scope);
      const ask = waiter.asks[index];
      const asked = ask ? await admit(ask) : null;
      if (asked?.kind !== "granted") return;
      if (line.has(waiter)) waiter.leave({ kind: "granted", held: asked.held, index });
      else asked.held.release("reverted"); // it left while it was asked for
      served = asked.held.session;
    }
  };
  const serveInTurn = inTurn(parts.background, serve);
  const freed = (scope: Scope) => {
    if (waitsFor(scope)) serveInTurn(scope);
  };
  const askAgainLater = () =>
    again.arm(jitter(parts.rules().asksAgainMs, AGAIN_JITTER, parts.random), () => {
      for (const waiter of line) for (const ask of waiter.asks) freed(ask.scope);
      if (line.size > 0) askAgainLater();
    });
  return {
    async join(asks, waitMs, signal) {
      signal.throwIfAborted();
      if (waitMs <= 0) return { kind: "timeout" };
      if (line.size >= parts.rules().waitMax) return { kind: "line_full" };
      const onGone = () => {
        if (line.size === 0) again.cancel();
      };
      const waited = stand(line, { clock: parts.clock, asks, waitMs, signal, onGone });
      askAgainLater();
      // A slot may have become free since it was refused, when nobody waited yet to be told.
      for (const ask of asks) freed(ask.scope);
      return waited;
    },
    waitsFor,
    freed,
    size: () => line.size,
    close() {
      for (const waiter of line) waiter.leave({ kind: "timeout" });
    },
  };
}

type Stand = Readonly<{
  clock: Clock;
  asks: readonly Ask[];
  waitMs: number;
  signal: AbortSignal;
  onGone: () => void;
}>;

/** Stands in line until somebody makes it leave, its time is up or its signal aborts, whichever comes first. */
function stand(line: Set<Waiter>, { clock, asks, waitMs, signal, onGone }: Stand): Promise<Waited> {
  return new Promise((resolve, reject) => {
    const gone = () => {
      line.delete(waiter);
      cancelTimeout();
      signal.removeEventListener("abort", onAbort);
      onGone();
    };
    const leave = (waited: Waited) => {
      gone();
      resolve(waited);
    };
    const onAbort = () => {
      gone();
      reject(signal.reason);
    };
    const waiter: Waiter = { asks, leave };
    const cancelTimeout = clock.after(waitMs, () => leave({ kind: "timeout" }));
    signal.addEventListener("abort", onAbort, { once: true });
    line.add(waiter);
  });
}

function waits(waiter: Waiter, scope: Scope): boolean {
  return waiter.asks.some((ask) => ask.scope === scope);
}

/** The oldest; but a session that has just got a slot here waits no longer with its other requests. */
function next(line: ReadonlySet<Waiter>, scope: Scope, served: string | null): Waiter | undefined {
  const waiting = [...line].filter((waiter) => waits(waiter, scope));
  return waiting.find((waiter) => waiter.asks.some((ask) => ask.session === served)) ?? waiting[0];
}

/**
 * Works scopes off one by one, each once however often it was named meanwhile: so no two slots go to one waiter, and
 * none goes past the oldest.
 */
function inTurn(background: Background, serve: (scope: Scope) => Promise<void>): (scope: Scope) => void {
  const due = new Set<Scope>();
  let serving = false;
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
  return (scope) => {
    due.add(scope);
    if (serving) return;
    serving = true;
    background.track("waiting line", serveDue());
  };
}
