import type { Secret } from "../core/secret.ts";
import type { Permit } from "../provider/breaker.ts";
import type { Provider } from "../provider/provider.ts";
import type { Ending } from "../session/lease.ts";
import type { Ask, Held } from "../session/slot.ts";
import type { Why } from "./stop.ts";

/**
 * Leave to make one attempt at one provider. Owns a breaker permit and a lease. Disposing it gives the lease back, so it
 * is disposed when the attempt's I/O has ended, and not before.
 */
export type Admission = AsyncDisposable &
  Readonly<{
    provider: Provider;
    /** Null: the client's own credentials go up. */
    key: Secret | null;
    /** The model's name at this provider. */
    upstreamModel: string;
    /** Calls back, at once or once, when the session was ended by an operator or its lease can no longer be held. */
    cut: Cut;
    /** Tells the breaker, at once; the first call counts. Without one the attempt says nothing about the provider. */
    settle(outcome: "ok" | "failed" | "unknown"): void;
    /** The stream broke after content. */
    broke(): void;
    /** Says how the lease will be given back; until then: as if the attempt had never been. */
    endAs(how: AttemptEnd): void;
  }>;

/** How an attempt ended, seen from the slot. */
export type AttemptEnd =
  /** To its end, or until its client left after content: the conversation goes on. */
  | "answered"
  /** Answered, but it says nothing about where the session lives: a rescue, a client's error, a count. */
  | "answered_aside"
  | "failed"
  /** Lost its race, left before content, or never launched. */
  | "called_off";

/** The one place where endings of attempts become endings of leases. */
const ENDING: Readonly<Record<AttemptEnd, Ending>> = {
  answered: "done",
  answered_aside: "reverted",
  failed: "failed",
  called_off: "reverted",
};

export function admission(
  parts: Pick<Admission, "provider" | "key" | "upstreamModel" | "cut"> & Readonly<{ permit: Permit; held: Held }>,
): Admission {
  const { permit, held, ...rest } = parts;
  let settled = false;
  let ending: Ending = ENDING.called_off;
  const settle: Admission["settle"] = (outcome) => {
    if (settled) return;
    settled = true;
    permit.settle(outcome);
  };
  return {
    ...rest,
    settle,
    broke: permit.broke,
    endAs(how) {
      ending = ENDING[how];
    },
    async [Symbol.asyncDispose]() {
      settle("unknown");
      held.release(ending);
    },
  };
}

export type Cut = (stop: (why: Why) => void) => void;

/** Brings `onEnded` of a slot to whoever holds it: the slot is asked for before there is anything to cut. */
export function cutter(): Readonly<{ cut: Cut; onEnded: Ask["onEnded"] }> {
  let ended: Why | null = null;
  let stop: ((why: Why) => void) | null = null;
  return {
    cut(callback) {
      stop = callback;
      if (ended !== null) callback(ended);
    },
    onEnded(why) {
      ended = why === "ended" ? "session_ended" : "lease_lost";
      stop?.(ended);
    },
  };
}
