import type { AttemptKind, HedgeMark, Observer } from "../core/events.ts";
import type { Provider } from "../provider/provider.ts";
import type { Admission } from "./admission.ts";
import type { HedgeBudget } from "./budget.ts";
import type { Delays, Timed } from "./delay.ts";
import type { Unadmitted } from "./unadmitted.ts";

/**
 * The hedging of one request: when an attempt is late, its share of the budget, its guards, and what came of it. Owns a
 * budget ticket; dispose it when the race is over.
 */
export type Hedging = Disposable &
  Readonly<{
    /** Milliseconds after which this attempt is late; Infinity = it is not hedged. Asked once for each attempt, as it starts. */
    afterMs(admission: Admission): number;
    /** Budget and guards agree to one more attempt beside the running one. */
    may(): boolean;
    /** It found nobody to go to. */
    refused(why: Unadmitted): void;
    /** It has been started; call the function returned when it has ended. */
    launched(): () => void;
    /** Somebody won the race. */
    won(by: AttemptKind): void;
    story(): HedgeStory;
  }>;

export type HedgeStory = Readonly<{
  hedged: boolean;
  /** The delay of the first attempt; null: none was armed. */
  hedgeAfterMs: number | null;
  /** Why no hedge was started although one was due, the last reason; "" otherwise. */
  hedgeDenied: "" | "budget" | "systemic" | "full" | "health";
}>;

export type HedgingDeps = Readonly<{ budget: HedgeBudget; delays: Delays; observe: Observer }>;

export type HedgingRequest = Readonly<{
  hedgeable: boolean;
  /** Hedges per hedgeable request, 0..1. */
  share: number;
  /** Who could serve it. */
  group: readonly Provider[];
  timed(admission: Admission): Timed;
  /** Takes what is to be called when the request is over, its stream included. */
  whenOver(leave: () => void): void;
}>;

const RESULT = {
  budget: "denied_budget",
  systemic: "denied_health",
  health: "denied_health",
  full: "denied_full",
} as const;

export function hedging({ budget, delays, observe }: HedgingDeps, request: HedgingRequest): Hedging {
  if (request.hedgeable) request.whenOver(budget.arrived(request.share));
  let first = "";
  let ticket: ReturnType<HedgeBudget["take"]> = null;
  let story: HedgeStory = { hedged: false, hedgeAfterMs: null, hedgeDenied: "" };

  function deny(why: keyof typeof RESULT) {
    // A request that stays late is denied again and again; it counts once.
    if (story.hedgeDenied !== why) observe({ kind: "hedge", provider: first, result: RESULT[why] });
    story = { ...story, hedgeDenied: why };
  }
  return {
    afterMs(admission) {
      first ||= admission.provider.name;
      if (!request.hedgeable) return Number.POSITIVE_INFINITY;
      const { hedge, timeouts } = admission.provider;
      const afterMs = delays.hedgeAfterMs(request.timed(admission), hedge, timeouts.firstTokenMs);
      if (Number.isFinite(afterMs) && story.hedgeAfterMs === null) story = { ...story, hedgeAfterMs: afterMs };
      return afterMs;
    },
    may() {
      if (isSystemic(delays, request.group)) {
        deny("systemic");
        return false;
      }
      ticket = budget.take(request.share);
      if (!ticket) deny("budget");
      return ticket !== null;
    },
    refused(why) {
      ticket?.("unused");
      ticket = null;
      deny(why.code === "providers_full" ? "full" : "health");
    },
    launched() {
      const mine = ticket;
      ticket = null;
      story = { ...story, hedged: true };
      return () => mine?.("over");
    },
    won(by) {
      if (!story.hedged) return;
      observe({ kind: "hedge", provider: first, result: by === "hedge" ? "won" : "lost" });
      delays.hedgeEnded(first, by === "hedge");
    },
    story: () => story,
    [Symbol.dispose]() {
      ticket?.("unused");
    },
  };
}

/**
 * When half of them are slow at once the cause is not one of them, and more load is the last thing that helps. One slow
 * provider of two is what hedging is for.
 */
function isSystemic(delays: Delays, group: readonly Provider[]): boolean {
  const slow = group.filter((provider) => delays.isSlow(provider.name)).length;
  return slow > 1 && slow * 2 >= group.length;
}

/**
 * What the client is told about hedging: after a hedge was started, how that one fared. It lost to whoever answered in
 * its stead, the first attempt or a failover, and also where nobody answered.
 */
export function hedgeMark(armed: boolean, hedged: boolean, winner: AttemptKind | null): HedgeMark {
  if (!armed) return "off";
  if (!hedged) return "idle";
  return winner === "hedge" ? "won" : "lost";
}
