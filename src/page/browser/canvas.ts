import type { Clock } from "../../core/clock.ts";
import { NOTHING_YET, type Snapshot } from "./snapshot.ts";

/** What is known, and its drawing: shortly after a change, with all that has changed by then. */
export type Canvas = Readonly<{
  now(): Snapshot;
  become(snapshot: Snapshot): void;
  change(changed: Partial<Snapshot>): void;
}>;

/** A busy instance finishes hundreds of requests a second; nobody can read more than this. */
const DRAW_MS = 200;

/** Owns a timer while a change waits for its drawing, until the signal ends it. */
export function canvasOf(
  { clock, show }: Readonly<{ clock: Clock; show(snapshot: Snapshot): void }>,
  until: AbortSignal,
): Canvas {
  let snapshot = NOTHING_YET;
  let waiting: (() => void) | null = null;
  until.addEventListener("abort", () => waiting?.(), { once: true });
  const become = (next: Snapshot) => {
    snapshot = next;
    if (until.aborted) return;
    waiting ??= clock.after(DRAW_MS, () => {
      waiting = null;
      show(snapshot);
    });
  };
  return { now: () => snapshot, become, change: (changed) => become({ ...snapshot, ...changed }) };
}
