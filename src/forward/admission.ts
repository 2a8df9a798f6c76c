import type { Secret } from "../core/secret.ts";
import type { Permit } from "../provider/breaker.ts";
import type { Provider } from "../provider/provider.ts";
import type { Ending } from "../session/lease.ts";
import type { Held } from "../session/slots.ts";
import { Stop } from "./stop.ts";

/**
 * Leave to make one attempt at one provider. Owns a breaker permit and a lease; both are given back by `end`, or as if
 * nothing had been when it is disposed before that.
 */
export type Admission = AsyncDisposable &
  Readonly<{
    provider: Provider;
    /** Null: the client's own credentials go up. */
    key: Secret | null;
    /** The model's name at this provider. */
    upstreamModel: string;
    permit: Permit;
    /** Aborts with a `Stop` when the session was ended by an operator or its lease can no longer be held. */
    cut: AbortSignal;
    /** The first call counts: the attempt's I/O has ended. */
    end(how: AttemptEnd): void;
  }>;

/** How an attempt ended, seen from the slot. */
export type AttemptEnd =
  | "answered"
  /** Answered, but it says nothing about where the session lives: a rescue, a client's error, a count. */
  | "answered_aside"
  | "failed"
  | "client_left_after_content"
  /** Lost its race, left before content, or never launched. */
  | "called_off";

/** The one place where endings of attempts become endings of leases. */
const ENDING: Readonly<Record<AttemptEnd, Ending>> = {
  answered: "done",
  answered_aside: "reverted",
  failed: "failed",
  client_left_after_content: "done",
  called_off: "reverted",
};

export function admission(
  parts: Readonly<{
    provider: Provider;
    key: Secret | null;
    upstreamModel: string;
    permit: Permit;
    held: Held;
    cut: AbortSignal;
  }>,
): Admission {
  const { held, ...rest } = parts;
  const slot = new DisposableStack();
  slot.defer(() => held.release(ENDING.called_off));
  const end = (how: AttemptEnd) => {
    if (slot.disposed) return;
    slot.move();
    held.release(ENDING[how]);
  };
  return {
    ...rest,
    end,
    async [Symbol.asyncDispose]() {
      if (slot.disposed) return;
      rest.permit.settle("unknown");
      end("called_off");
    },
  };
}

/** A signal for `onEnded` of a slot: the slot is asked for before there is anything to cut. */
export function cutter() {
  const abort = new AbortController();
  return {
    signal: abort.signal,
    onEnded: (why: "ended" | "lost") => abort.abort(new Stop(why === "ended" ? "session_ended" : "lease_lost")),
  };
}
