import type { Clock } from "../core/clock.ts";
import type { ErrorFacts, EventReader, Frame } from "../protocol/protocol.ts";
import { idleWatch } from "./idle-watch.ts";
import type { Live, Opened } from "./opened.ts";
import { pouring, type Write } from "./pouring.ts";
import { joined } from "./source.ts";
import type { Why } from "./stop.ts";

/** How a stream that had begun came to its end. */
export type RelayEnd =
  | Readonly<{ kind: "answered" }>
  /** The upstream's doing: `stall` (it ran out of time), `cut`, `no_terminal`, or its own `error_event`. */
  | Readonly<{ kind: "broken"; how: "stall" | "cut" | "no_terminal" | "error_event" }>
  /** `gone` false: its connection is there, but it has taken nothing for the idle time. */
  | Readonly<{ kind: "client_left"; gone: boolean }>
  /** Ours: an operator ended the session, its lease was lost, or a drain ran out of patience. */
  | Readonly<{ kind: "stopped"; why: Why }>;

/** What came of passing an answer on. */
export type Relayed = Readonly<{
  end: RelayEnd;
  /** The upstream's own error, where the client has not heard of it yet. */
  untold: ErrorFacts | null;
  /** Something of the answer was passed on. */
  begun: boolean;
}>;

export type RelayTo = Readonly<{
  write: Write;
  /** Milliseconds for which the upstream may say nothing, and for which the client may take nothing; 0 = no limit. */
  idleMs: number;
  /** The upstream may be silent for as long as it likes: it works on one whole answer. */
  patient: boolean;
}>;

/** An upstream that has said all there is, or that it failed, should then close: it keeps a slot no longer than this. */
const LINGER_MS_MAX = 5_000;

/**
 * Passes a begun answer on until it ends, event by whole event: what is unfinished when the upstream breaks never
 * reaches the client, nor does an error of the upstream that no client would hear of as it stands, or what comes after
 * it. Waits for the client as well as for the upstream, so a slow reader holds memory flat; the silences of the one are
 * not counted against the other. Never rejects.
 */
export async function relay(clock: Clock, winner: Opened, live: Live, to: RelayTo): Promise<Relayed> {
  const { io } = winner;
  const { source, events } = live;
  const reader = events?.reader ?? null;
  let waitsFor: "upstream" | "client" = "upstream";
  let gone = true;
  using idle = idleWatch(clock, to.idleMs, () => {
    gone = waitsFor === "upstream";
    io.stop(gone ? "idle_timeout" : "client_left");
  });
  using client = pouring(to.write, io.signal);
  const slow = async (taken: Promise<boolean>): Promise<boolean> => {
    waitsFor = "client";
    idle.begin();
    const is = await taken;
    idle.end();
    waitsFor = "upstream";
    return is;
  };
  const untaken = (): Relayed => ({ end: untakenEnd(io.stopped(), gone), untold: null, begun: true });

  // Judged before it came here: an error that is the answer, as a library would not take it.
  if (reader?.failed() && !reader.heard()) return overFor(winner, live, { clean: true, untold: true, begun: false });
  for (const bytes of live.head) {
    const taken = client.pour(bytes);
    if (taken !== true && !(taken && (await slow(taken)))) return untaken();
  }
  live.headDone();
  let lingers = false;
  for (;;) {
    if (!lingers && reader !== null && (reader.over() || reader.failed() !== null)) {
      lingers = true;
      io.limit(LINGER_MS_MAX, "idle_timeout");
    }
    if (!to.patient) idle.begin();
    const piece = await source.next();
    idle.end();
    if (piece.kind !== "frames" || io.stopped() !== null) {
      return overFor(winner, live, { clean: piece.kind === "end", untold: false, begun: true });
    }
    const at = reader === null ? -1 : untoldAt(reader, piece.frames, piece.unended);
    const apart = !piece.unended || reader === null || reader.ended();
    // Of bytes that come encoded none can be left out: they are not passed on at all.
    const pass = at === -1 ? piece.pass : joined(source.encoded ? [] : piece.frames.slice(0, at));
    if (pass.byteLength > 0 && apart) {
      const taken = client.pour(pass);
      if (taken !== true && !(taken && (await slow(taken)))) return untaken();
    }
    if (at !== -1) return overFor(winner, live, { clean: true, untold: true, begun: true });
  }
}

/** Watches frames; answers which of them holds an error of the upstream that the client would not hear of, else -1. */
function untoldAt(reader: EventReader, frames: readonly Frame[], unended: boolean): number {
  let failed = reader.failed() !== null;
  let at = 0;
  for (const frame of frames) {
    reader.watch(frame);
    if (!failed && reader.failed() !== null) {
      if (unended || !reader.heard()) return at;
      failed = true;
    }
    at++;
  }
  return -1;
}

/** What it means that nothing more is passed on. `clean`: the upstream's connection ended as it should. */
function overFor(
  { io, clientError }: Opened,
  { events }: Live,
  so: Readonly<{ clean: boolean; untold: boolean; begun: boolean }>,
): Relayed {
  const { clean, begun } = so;
  const reader = events?.reader;
  const stopped = io.stopped();
  const over = (end: RelayEnd, untold: ErrorFacts | null = null): Relayed => ({ end, untold, begun });
  if (stopped === "client_left") return over({ kind: "client_left", gone: true });
  const failed = reader?.failed() ?? null;
  if (failed !== null) {
    // An array that its upstream's error leaves open is no JSON.
    const untold = so.untold || (events?.framing === "json-array" && !reader?.over());
    // An error that is the client's own is its answer.
    return over(clientError ? { kind: "answered" } : { kind: "broken", how: "error_event" }, untold ? failed : null);
  }
  // Once all was said nothing that happens to the connection can harm the answer.
  const whole = reader ? reader.ended() : clean && stopped === null;
  if (whole) return over({ kind: "answered" });
  if (stopped === "idle_timeout" || stopped === "total_timeout") return over({ kind: "broken", how: "stall" });
  if (stopped !== null) return over({ kind: "stopped", why: stopped });
  return over({ kind: "broken", how: clean ? "no_terminal" : "cut" });
}

function untakenEnd(stopped: Why | null, gone: boolean): RelayEnd {
  if (stopped === null || stopped === "client_left") return { kind: "client_left", gone };
  return { kind: "stopped", why: stopped };
}
