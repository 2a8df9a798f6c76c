import type { AttemptKind } from "../core/events.ts";
import type { EventReader, Framing, Usage } from "../protocol/protocol.ts";
import type { Provider } from "../provider/provider.ts";
import type { AttemptEnd, Admission } from "./admission.ts";
import type { Stoppable } from "./stoppable.ts";
import type { Source } from "./source.ts";
import type { Attempted } from "./trail.ts";

/**
 * An attempt that has an answer for the client. Owns its socket, its timers, its breaker permit (settled already) and its
 * slot. Whoever holds it calls `close` once the I/O may end; disposed without that, it was called off.
 */
export type Opened = AsyncDisposable &
  Readonly<{
    provider: Provider;
    kind: AttemptKind;
    status: number;
    headers: Headers;
    /** The client's own error or a policy's word: says nothing about where the session lives. */
    clientError: boolean;
    body: Whole | Live;
    io: Stoppable;
    record: Attempted;
    /** Ends the I/O, then gives the slot back as `how` says. */
    close(how: AttemptEnd): Promise<void>;
    /** The stream broke after content: a failure of its own for the breaker. */
    broke(): void;
  }>;

/** The answer is here to its last byte. */
export type Whole = Readonly<{ kind: "whole"; bytes: Uint8Array; usage: Usage | null; aliases: readonly string[] }>;

/** The answer has begun. */
export type Live = Readonly<{
  kind: "live";
  /** What was read before it was known what it is worth; empty once it was passed on. */
  head: readonly Uint8Array[];
  /** It was passed on: neither it nor its part of the process-wide buffer is kept for the length of the stream. */
  headDone(): void;
  source: Source;
  /** Null where the answer is no stream of events we can read: passed on as it comes. */
  events: Readonly<{ reader: EventReader; framing: Framing }> | null;
}>;

export function opened(
  parts: Pick<Opened, "provider" | "kind" | "status" | "headers" | "clientError" | "body" | "io" | "record"> &
    Readonly<{ admission: Admission; owned: AsyncDisposableStack }>,
): Opened {
  const { admission, owned, ...rest } = parts;
  return {
    ...rest,
    async close(how) {
      // The admission was the first to be put on the stack, so it is the last to go: the I/O first, then the slot.
      admission.endAs(how);
      // What is here to its last byte has no I/O left to stop.
      if (rest.body.kind === "live") rest.io.stop("called_off");
      await owned.disposeAsync();
    },
    broke: admission.broke,
    async [Symbol.asyncDispose]() {
      if (owned.disposed) return;
      const usage = usageOf(rest.body);
      rest.io.stop("lost_race");
      await owned.disposeAsync();
      rest.record.ended({ outcome: "lost", reason: "lost_race", usage });
    },
  };
}

/** Tokens as far as they are known by now. */
export function usageOf(body: Whole | Live): Usage | null {
  return body.kind === "whole" ? body.usage : (body.events?.reader.usage() ?? null);
}
