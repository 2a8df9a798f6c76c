import type { Clock } from "../core/clock.ts";
import { idleWatch } from "./idle-watch.ts";
import type { Live, Opened } from "./opened.ts";
import type { Why } from "./stop.ts";

/** How a stream that had begun came to its end. */
export type RelayEnd =
  | Readonly<{ kind: "answered" }>
  /** The upstream's doing: `stall` (idle timeout), `cut`, `no_terminal`, or its own `error_event`, which the client has seen. */
  | Readonly<{ kind: "broken"; how: "stall" | "cut" | "no_terminal" | "error_event" }>
  | Readonly<{ kind: "client_left" }>
  /** Ours: an operator ended the session, its lease was lost, or a drain ran out of patience. */
  | Readonly<{ kind: "stopped"; why: Why }>;

/** Takes bytes for the client; resolves when there is room for more. */
export type Write = (bytes: Uint8Array) => Promise<void> | void;

/**
 * Passes a begun answer on until it ends, event by whole event: what is unfinished when the upstream breaks never
 * reaches the client. Waits for the client as well as for the upstream, so a slow reader holds memory flat; only the
 * upstream's silences count against `idleMs`.
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
  for (const bytes of live.head) await to.write(bytes);
  for (;;) {
    idle.begin();
    const piece = await source.next();
    idle.end();
    const stopped = io.stopped();
    if (stopped === "client_left") return { kind: "client_left" };
    if (piece.kind === "frames" && stopped === null) {
      if (reader) for (const frame of piece.frames) reader.watch(frame);
      const apart = !piece.unended || reader === null || reader.ended();
      if (piece.pass.byteLength > 0 && apart) await to.write(piece.pass);
      continue;
    }
    // After the terminal event nothing that happens to the connection can harm the answer.
    const whole = reader ? reader.ended() : piece.kind === "end" && stopped === null;
    if (reader?.failed()) return { kind: "broken", how: "error_event" };
    if (whole) return { kind: "answered" };
    if (stopped === "idle_timeout") return { kind: "broken", how: "stall" };
    if (stopped !== null) return { kind: "stopped", why: stopped };
    return { kind: "broken", how: piece.kind === "end" ? "no_terminal" : "cut" };
  }
}
