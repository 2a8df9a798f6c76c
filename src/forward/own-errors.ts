import type { OwnError } from "../core/errors.ts";
import type { Unadmitted } from "./unadmitted.ts";
import type { Loss } from "./attempt.ts";
import { isTimeout } from "./stop.ts";

/** What the client is told when no attempt had an answer for it; `shown` is an upstream's own error answer where one may be shown. */
export type Failure = Readonly<{ kind: "shown"; loss: Loss }> | Readonly<{ kind: "own"; error: OwnError }>;

const MESSAGES = {
  providers_full: "Every provider that could serve this is at its limit of concurrent sessions or requests.",
  providers_down: "Every provider that could serve this is failing or resting; it will be tried again soon.",
  store_down: "The session store is unreachable, and the configuration says to refuse rather than to guess.",
  no_provider: "No enabled provider serves this model with this protocol for this client.",
} as const;

/**
 * The last upstream error answer, because client libraries know what to do with it; else what ended the last attempt;
 * else why nobody could be asked.
 */
export function failureOf(losses: readonly Loss[], why: Unadmitted | null): Failure {
  const shown = losses.findLast((loss) => loss.shown !== null);
  if (shown) return { kind: "shown", loss: shown };
  const last = losses.at(-1);
  if (!last) return { kind: "own", error: unadmitted(why) };
  if (last.stopped !== null && isTimeout(last.stopped)) {
    return own("timed_out", "Every attempt ended without an answer, the last by a timeout.");
  }
  return own("attempts_failed", "Every attempt failed before an answer began.");
}

export function unadmitted(why: Unadmitted | "no_provider" | null): OwnError {
  if (why === "no_provider") return { code: "no_provider", message: MESSAGES.no_provider };
  if (why === null || why.code === "none_left")
    return { code: "providers_down", message: MESSAGES.providers_down, retryAfterMs: 1_000 };
  if (why.code === "too_late")
    return { code: "timed_out", message: "No provider had room before the request's time ran out.", exhausted: true };
  const error: OwnError = { code: why.code, message: MESSAGES[why.code] };
  return why.backInMs === null ? { ...error, retryAfterMs: 1_000 } : { ...error, retryAfterMs: why.backInMs };
}

function own(code: "timed_out" | "attempts_failed", message: string): Failure {
  return { kind: "own", error: { code, message, exhausted: true } };
}
