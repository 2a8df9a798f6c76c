import type { Clock } from "../core/clock.ts";
import type { Breaker, Permit } from "../provider/breaker.ts";
import type { Cooldowns } from "../provider/cooldown.ts";
import type { Limits, Provider } from "../provider/provider.ts";
import { upstreamModel } from "../provider/rank.ts";
import type { Ask, Held } from "../session/slot.ts";
import type { Slots } from "../session/slots.ts";
import { type Admission, admission, type Cut, cutter } from "./admission.ts";
import type { Refusal } from "./unadmitted.ts";

export type AskDeps = Readonly<{
  clock: Clock;
  slots: Slots;
  cooldowns: Cooldowns;
  breakerOf(provider: string): Breaker;
}>;

/** Asks one provider, or several in line, for leave to make one attempt: its breaker, its keys, its slots. */
export type Asking = Readonly<{
  /** Rejects with the signal's reason when it aborts. */
  ask(provider: Provider, how: How, signal: AbortSignal): Promise<Leave | Refusal>;
  /** Stands in line; `timeout`: nobody had a slot in time. */
  stand(providers: readonly Provider[], how: How & { waitMs: number }, signal: AbortSignal): Promise<Stood>;
}>;

export type How = Readonly<{
  /** May take an idle session's slot. */
  displace: boolean;
  /** In place of the provider's own. */
  limits?: Limits;
}>;

export type Leave = Readonly<{ kind: "leave"; admission: Admission }>;

/** A refusal here is of the one whose turn it was: it fell ill while the request stood in line. */
export type Stood = Leave | Refusal | Readonly<{ kind: "timeout" }>;

export function asking(deps: AskDeps, request: Readonly<{ model: string; session: string }>): Asking {
  const { cooldowns, breakerOf, slots } = deps;

  function slotOf(provider: Provider, { displace, limits }: How): Readonly<{ ask: Ask; cut: Cut }> {
    const { cut, onEnded } = cutter();
    const scope = `provider:${provider.name}`;
    const { session } = request;
    return { ask: { scope, session, limits: limits ?? provider.limits, rpm: 0, displace, onEnded }, cut };
  }
  function permitFor(provider: Provider): Permit | Refusal {
    const choice = cooldowns.peek(provider, upstreamModel(provider, request.model));
    if (choice.kind === "cooling") return refusal(provider, "cooling", choice);
    const breaker = breakerOf(provider.name);
    return breaker.permit(provider.breaker) ?? refusal(provider, "open", { backInMs: breaker.opensInMs() });
  }
  /** The key is taken last, so that an attempt that does not come about moves no round. */
  function leave(parts: Readonly<{ provider: Provider; permit: Permit; held: Held; cut: Cut }>) {
    const { provider, permit, held } = parts;
    const model = upstreamModel(provider, request.model);
    const choice = cooldowns.takeKey(provider, model);
    if (choice.kind === "key") {
      return { kind: "leave", admission: admission({ ...parts, key: choice.key, upstreamModel: model }) } as const;
    }
    permit.settle("unknown");
    held.release("reverted");
    return refusal(provider, "cooling", choice);
  }
  return {
    async ask(provider, how, signal) {
      const permit = permitFor(provider);
      if ("kind" in permit) return permit;
      const { ask, cut } = slotOf(provider, how);
      // Disposed on every way out but the one that gives the permit on: a probe that nobody makes must be free again.
      using unused = new DisposableStack();
      unused.defer(() => permit.settle("unknown"));
      const asked = await slots.acquire(ask, signal);
      if (asked.kind === "store_down") return refusal(provider, "store");
      if (asked.kind === "refused") return refusal(provider, asked.by === "requests" ? "requests" : "sessions");
      unused.move();
      return leave({ provider, permit, held: asked.held, cut });
    },
    async stand(providers, how, signal) {
      const places = providers.map((provider) => ({ provider, ...slotOf(provider, how) }));
      const asks = places.map(({ ask }) => ask);
      const waited = await slots.wait(asks, how.waitMs, signal);
      const place = waited.kind === "granted" ? places[waited.index] : undefined;
      if (waited.kind !== "granted" || !place) return { kind: "timeout" };
      const { provider, cut } = place;
      const permit = permitFor(provider);
      if ("kind" in permit) {
        waited.held.release("reverted");
        return permit;
      }
      return leave({ provider, permit, held: waited.held, cut });
    },
  };
}

function refusal(
  provider: Provider,
  by: Refusal["by"],
  rest?: Readonly<{ backInMs: number; limited?: boolean }>,
): Refusal {
  return { kind: "refusal", provider, by, backInMs: rest?.backInMs ?? null, limited: rest?.limited ?? false };
}
