import type { HedgeMark, Observer } from "../core/events.ts";
import type { Provider } from "../provider/provider.ts";
import type { Unadmitted } from "./admit.ts";
import type { HedgeBudget } from "./budget.ts";
import type { Delays } from "./delay.ts";

/** The hedging of one request: its share of the budget, its guards, and what came of it. Owns a budget ticket; dispose it when the race is over. */
export type Hedging = Disposable &
  Readonly<{
    /** Budget and guards agree to one more attempt beside the running one. */
    may(): boolean;
    /** It found nobody to go to. */
    refused(why: Unadmitted): void;
    /** It has been started; call the function returned when it has ended. */
    launched(): () => void;
    denied(): string;
  }>;

export function hedging(
  deps: Readonly<{ budget: HedgeBudget; delays: Delays; observe: Observer }>,
  request: Readonly<{ hedgeable: boolean; share: number; group: readonly Provider[]; late: () => string }>,
): Hedging {
  const { budget, delays, observe } = deps;
  const leave = request.hedgeable ? budget.arrived(request.share) : () => {};
  let ticket: ((how: "over" | "unused") => void) | null = null;
  let denied = "";

  function deny(result: "denied_budget" | "denied_full" | "denied_health", why: string) {
    denied = why;
    observe({ kind: "hedge", provider: request.late(), result });
  }
  return {
    may() {
      // When half of them are slow at once the cause is not one of them, and more load is the last thing that helps.
      const slow = request.group.filter((provider) => delays.isSlow(provider.name)).length;
      if (slow * 2 >= request.group.length) {
        deny("denied_health", "systemic");
        return false;
      }
      ticket = budget.take(request.share);
      if (!ticket) deny("denied_budget", "budget");
      return ticket !== null;
    },
    refused(why) {
      ticket?.("unused");
      ticket = null;
      if (why.code === "providers_full") deny("denied_full", "full");
      else deny("denied_health", "health");
    },
    launched() {
      const mine = ticket;
      ticket = null;
      return () => mine?.("over");
    },
    denied: () => denied,
    [Symbol.dispose]() {
      ticket?.("unused");
      leave();
    },
  };
}

/** What the client is told about hedging. */
export function hedgeMark(armed: boolean, hedged: boolean, winner: "first" | "failover" | "hedge" | null): HedgeMark {
  if (!armed) return "off";
  if (!hedged) return "idle";
  return winner === "hedge" ? "won" : "lost";
}
