import type { Observer } from "../core/events.ts";
import type { Cooldowns } from "../provider/cooldown.ts";
import type { Loss } from "./attempt.ts";

/** Lets rest what a loss says should: a key, a key for one model, or a model at its provider. */
export function letRest({ cooldowns, observe }: Readonly<{ cooldowns: Cooldowns; observe: Observer }>, loss: Loss) {
  const { rest, reason } = loss.verdict;
  if (!rest || rest.ms <= 0) return;
  const key = rest.what === "model" ? null : loss.key;
  const model = rest.what === "key" ? null : loss.upstreamModel;
  const provider = loss.provider.name;
  cooldowns.rest({ provider, key, model, ms: rest.ms, limited: rest.limited });
  const what = rest.what === "model" ? "model" : "key";
  observe({ kind: "cooldown", provider, what, key: key?.last4 ?? "", model: model ?? "", ms: rest.ms, reason });
}

/** A fault of one key says nothing about the others of the same provider. */
export function hasAnotherKey(cooldowns: Cooldowns, loss: Loss): boolean {
  const { rest } = loss.verdict;
  if (!rest || rest.what === "model" || loss.provider.keys.length < 2) return false;
  return cooldowns.peek(loss.provider, loss.upstreamModel).kind === "key";
}
