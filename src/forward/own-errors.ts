import type { OwnError } from "../core/errors.ts";
import type { Unadmitted } from "./unadmitted.ts";
import type { ShownAnswer } from "./answer.ts";
import type { Loss } from "./attempt.ts";
import { isTimeout, type Why } from "./stop.ts";

/** What the client is told when no attempt had an answer for it: an upstream's own error answer where one may be shown, or ours. */
export type Failure =
  | Readonly<{ kind: "shown"; provider: string; answer: ShownAnswer }>
  | Readonly<{ kind: "own"; error: OwnError }>;

const MESSAGES = {
  providers_full: "Every provider that could serve this is at a limit of its sessions, its requests or its rate.",
  providers_down: "Every provider that could serve this is failing or resting; it will be tried again soon.",
  store_down: "The session store is unreachable, and the configuration says to refuse rather than to guess.",
  no_provider: "No enabled provider serves this model with this protocol for this client.",
  off_hours: "Every provider that could serve this is outside its active hours.",
  account_disabled: "What this request goes on from is in an account that is disabled.",
  account_removed: "What this request goes on from is in an account that is not configured any more.",
  account_barred: "What this request goes on from is in an account that does not serve this model to this client.",
} as const;

/**
 * The last upstream error answer, because client libraries know what to do with it; else what ended the last attempt;
 * else why nobody could be asked.
 */
export function failureOf(losses: readonly Loss[], why: Unadmitted | null): Failure {
  const shown = losses.findLast((loss) => loss.shown !== null);
  if (shown?.shown) return { kind: "shown", provider: shown.provider.name, answer: shown.shown };
  const last = losses.at(-1);
  if (!last) return { kind: "own", error: unadmitted(why) };
  if (last.stopped !== null && isTimeout(last.stopped)) {
    return { kind: "own", error: own("timed_out", "Every attempt ended without an answer, the last by a timeout.") };
  }
  return { kind: "own", error: own("attempts_failed", "Every attempt failed before an answer began.") };
}

export function unadmitted(why: Unadmitted | "no_provider" | null): OwnError {
  if (why === "no_provider") return { code: "no_provider", message: MESSAGES.no_provider };
  if (why?.code === "client") return why.refused;
  if (why === null || why.code === "none_left")
    return { code: "providers_down", message: MESSAGES.providers_down, retryAfterMs: 1_000 };
  if (why.code === "too_late")
    return { code: "timed_out", message: "No provider had room before the request's time ran out.", exhausted: true };
  const message = MESSAGES[why.code];
  // No time helps here but the operator's.
  if (!("backInMs" in why)) return { code: "providers_down", message, exhausted: true };
  const code = why.code === "off_hours" ? "providers_down" : why.code;
  return { code, message, retryAfterMs: why.backInMs ?? 1_000 };
}

/** What the client of a request that we stopped is told; null: it left by itself. */
export function stoppedError(why: Why | null): OwnError | null {
  if (why === "drain") return { code: "draining", message: "The proxy is shutting down.", retryAfterMs: 1_000 };
  if (why === "session_ended") return own("attempts_failed", "The session was ended by an operator.");
  return why === "lease_lost" ? own("attempts_failed", "The session's slot was lost.") : null;
}

function own(code: "timed_out" | "attempts_failed", message: string): OwnError {
  return { code, message, exhausted: true };
}
