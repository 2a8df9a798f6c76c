import type { Background } from "../core/background.ts";
import type { Clock } from "../core/clock.ts";
import type { OwnError } from "../core/errors.ts";
import type { Observer } from "../core/events.ts";
import type { Usage } from "../protocol/protocol.ts";
import type { Close } from "./client-stream.ts";
import type { AttemptEnd } from "./admission.ts";
import type { Inbound } from "./inbound.ts";
import type { Live, Opened } from "./opened.ts";
import { stoppedError } from "./own-errors.ts";
import type { Write } from "./pouring.ts";
import { type Relayed, type RelayEnd, relay } from "./relay.ts";
import { settled } from "./stoppable.ts";

export type DeliverDeps = Readonly<{ clock: Clock; observe: Observer; background: Background }>;

/** How a delivery ended, for the record. */
export type Delivered = Readonly<{
  close: Close;
  how: "answered" | "broken" | "client_left" | "stopped";
  error: string;
  usage: Usage | null;
  aliases: readonly string[];
}>;

/**
 * Passes a begun answer on to its client and settles the winner: its record, its breaker, its slot. A stream that does
 * not come to its own end is ended with the protocol's error event, or by a reset where no event can be added.
 */
export async function deliver(
  deps: DeliverDeps,
  inbound: Inbound,
  winner: Opened,
  live: Live,
  to: Readonly<{ write: Write; how: AttemptEnd }>,
): Promise<Delivered> {
  const { provider, record } = winner;
  const relayed = await relay(deps.clock, winner, live, {
    write: to.write,
    idleMs: provider.timeouts.idleMs,
    patient: !inbound.facts.stream,
  });
  const { end } = relayed;
  const usage = live.events?.reader.usage() ?? null;
  const aliases = live.events?.reader.aliases() ?? [];
  const how = broken(end);
  if (how !== null) {
    deps.observe({ kind: "stream_broken", requestId: inbound.requestId, provider: provider.name, how });
    if (end.kind === "broken") winner.broke();
  }
  record.ended({ outcome: outcomeOf(end), reason: how ?? "", usage });
  // The client's last byte does not wait for the upstream's socket, nor the slot for the client.
  deps.background.track("winner", winner.close(slotEnd(end, to.how)));
  const error = errorFor(relayed, winner.clientError);
  const event = error === null ? null : endOf(inbound, live, error, !relayed.begun);
  const told = error === null || (event !== null && (await writeEnd(event)));
  // A client that does not read would keep what it was sent, and its socket.
  const reads = end.kind !== "client_left" || end.gone;
  inbound.beforeEnd();
  return { close: told && reads ? "end" : "reset", how: end.kind, error: error?.code ?? "", usage, aliases };

  /** The I/O has been called off: a client that does not read has two seconds for its last event. */
  async function writeEnd(event: Uint8Array): Promise<boolean> {
    try {
      await settled(Promise.resolve(to.write(event)), winner.io.signal, deps.clock);
      return true;
    } catch {
      return false;
    }
  }
}

/** The event that ends it honestly; null where none can be added. `first`: nothing of the answer was passed on. */
function endOf(inbound: Inbound, live: Live, error: OwnError, first: boolean): Uint8Array | null {
  if (live.source.encoded || live.source.amid() || live.events === null) return null;
  const { framing, reader } = live.events;
  return inbound.protocol.errorEvent(error, inbound.requestId, { framing, sequence: reader.sequence(), first });
}

function broken(end: RelayEnd) {
  if (end.kind === "broken") return end.how;
  if (end.kind !== "stopped") return null;
  return end.why === "drain" ? "drain" : "ended";
}

function errorFor({ end, untold }: Relayed, clientError: boolean): OwnError | null {
  if (untold !== null) {
    const message = untold.message || "The upstream ended its answer with an error.";
    return { code: clientError ? "invalid_request" : "attempts_failed", message };
  }
  // Where the client has heard the upstream's own error, a second one would be our invention.
  if (end.kind === "answered" || end.kind === "client_left") return null;
  if (end.kind === "stopped") {
    return stoppedError(end.why) ?? { code: "timed_out", message: "The answer took too long to be read." };
  }
  switch (end.how) {
    case "error_event":
      return null;
    case "stall":
      return { code: "timed_out", message: "The upstream went silent in the middle of its answer." };
    case "cut":
      return { code: "attempts_failed", message: "The upstream's connection broke in the middle of its answer." };
    case "no_terminal":
      return { code: "attempts_failed", message: "The upstream ended its answer before it was whole." };
  }
}

function outcomeOf(end: RelayEnd) {
  return end.kind === "stopped" ? "ended" : end.kind;
}

function slotEnd(end: RelayEnd, how: AttemptEnd): AttemptEnd {
  if (end.kind === "broken") return "failed";
  if (end.kind === "stopped") return "called_off";
  return how;
}
