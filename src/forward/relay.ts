import type { Clock } from "../core/clock.ts";
import { idleWatch } from "./idle-watch.ts";
import type { Live, Opened } from "./opened.ts";
import type { Why } from "./stop.ts";

/** How a stream that had begun came to its end. */
export type RelayEnd =
  | Readonly<{ kind: "answered" }>
  /** The upstream's doing: `stall` (it ran out of time), `cut`, `no_terminal`, or its own `error_event`, which the client has seen. */
  | Readonly<{ kind: "broken"; how: "stall" | "cut" | "no_terminal" | "error_event" }>
  | Readonly<{ kind: "client_left" }>
  /** Ours: an operator ended the session, its lease was lost, or a drain ran out of patience. */
  | Readonly<{ kind: "stopped"; why: Why }>;

/** Takes bytes for the client; resolves when there is room for more. */
export type Write = (bytes: Uint8Array) => Promise<void> | void;

/** An upstream that has said it all may still send its usage, and should then close: it keeps a slot no longer than this. */
const LINGER_MS_MAX = 5_000;

/**
 * Passes a begun answer on until it ends, event by whole event: what is unfinished when the upstream breaks never
 * reaches the client. Waits for the client as well as for the upstream, so a slow reader holds memory flat; only the
 * upstream's silences count against `idleMs`. Never rejects.
 */
export async function relay(
  clock: Clock,
  winner: Opened,
  live: Live,
  to: Readonly<{ write: Write; idleMs: number }>,
): Promise<RelayEnd> {
  const { io } = winner;
  const { source, events } = live;
  const reader = events?.reader ?? null;
  using idle = idleWatch(clock, to.idleMs, () => io.stop("idle_timeout"));
  using client = pouring(to.write, io.signal);
  for (const bytes of live.head) if (!(await client.pour(bytes))) return untaken(io.stopped());
  live.headDone();
  let lingers = false;
  for (;;) {
    if (!lingers && reader?.ended()) {
      lingers = true;
      io.limit(LINGER_MS_MAX, "idle_timeout");
    }
    idle.begin();
    const piece = await source.next();
    idle.end();
    if (piece.kind !== "frames" || io.stopped() !== null) return endOf(winner, live, piece.kind === "end");
    if (reader) for (const frame of piece.frames) reader.watch(frame);
    const apart = !piece.unended || reader === null || reader.ended();
    if (piece.pass.byteLength === 0 || !apart) continue;
    const taken = client.pour(piece.pass);
    if (taken !== true && !(await taken)) return untaken(io.stopped());
  }
}

/** What it means that there is no more to read. `clean`: the upstream's connection ended as it should. */
function endOf({ io, clientError }: Opened, { events }: Live, clean: boolean): RelayEnd {
  const stopped = io.stopped();
  if (stopped === "client_left") return { kind: "client_left" };
  // An error that is the client's own is its answer.
  if (events?.reader.failed()) return clientError ? { kind: "answered" } : { kind: "broken", how: "error_event" };
  // After the terminal event nothing that happens to the connection can harm the answer.
  const whole = events ? events.reader.ended() : clean && stopped === null;
  if (whole) return { kind: "answered" };
  if (stopped === "idle_timeout" || stopped === "total_timeout") return { kind: "broken", how: "stall" };
  if (stopped !== null) return { kind: "stopped", why: stopped };
  return { kind: "broken", how: clean ? "no_terminal" : "cut" };
}

function untaken(stopped: Why | null): RelayEnd {
  return stopped === null || stopped === "client_left" ? { kind: "client_left" } : { kind: "stopped", why: stopped };
}

/**
 * Writes to a client that may have stopped reading: a write that nobody takes would wait for ever, and a slot with it.
 * One listener for all writes of a stream, of which there may be a hundred thousand.
 */
function pouring(write: Write, signal: AbortSignal) {
  let giveUp = () => {};
  const onAbort = () => giveUp();
  signal.addEventListener("abort", onAbort, { once: true });
  return {
    /** False: nobody takes it any more, or everything was called off while nobody did. A promise only when the client is slow. */
    pour(bytes: Uint8Array): boolean | Promise<boolean> {
      if (signal.aborted) return false;
      let taken: Promise<void> | void;
      try {
        taken = write(bytes);
      } catch {
        return false;
      }
      return (
        !taken ||
        new Promise((resolve) => {
          giveUp = () => resolve(false);
          taken.then(() => resolve(true), giveUp);
        })
      );
    },
    [Symbol.dispose]: () => signal.removeEventListener("abort", onAbort),
  };
}
