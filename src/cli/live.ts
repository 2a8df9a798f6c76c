import type { Clock } from "../core/clock.ts";
import type { Terminal } from "./terminal.ts";

export type Picture = Readonly<{ kind: "ok"; text: string }> | Readonly<{ kind: "failed"; message: string }>;

/** Draws the picture of now; the signal says that nobody waits for it any more. Never rejects. */
export type Draw = (signal: AbortSignal) => Promise<Picture>;

/** Often enough to watch a stream come and go, seldom enough not to be a load. */
const REFRESH_MS = 2_000;

const CTRL_C = "\u0003";
/** The other screen, so that the shell's own text is back afterwards; no cursor; lines are cut, not wrapped. */
const ENTER = "\u001b[?1049h\u001b[?25l\u001b[?7l";
const LEAVE = "\u001b[?7h\u001b[?25h\u001b[?1049l";
const HOME = "\u001b[H";
const CLEAR_LINE = "\u001b[K";
const CLEAR_BELOW = "\u001b[J";

/**
 * Draws again and again until `q`, Ctrl-C or the signal. A picture that failed is said in its place and tried again:
 * an instance that restarts is just what one watches. The first one failing ends it, with its message.
 */
export async function live(
  draw: Draw,
  terminal: Terminal,
  { clock, signal }: Readonly<{ clock: Clock; signal: AbortSignal }>,
): Promise<Picture> {
  const first = await draw(signal);
  if (first.kind === "failed") return first;
  const quit = new AbortController();
  const stop = AbortSignal.any([signal, quit.signal]);
  const unlisten = terminal.onKey((key) => {
    if (key === "q" || key === CTRL_C) quit.abort();
  });
  terminal.write(ENTER);
  try {
    for (let picture: Picture = first; !stop.aborted; picture = await draw(stop)) {
      terminal.write(screen(picture, terminal.rows()));
      await clock.sleep(REFRESH_MS, stop).catch(() => {}); // woken by the end, which the loop looks for
    }
  } finally {
    terminal.write(LEAVE);
    unlisten();
  }
  return first;
}

/** Drawn over the last one line by line: clearing first would flicker. */
function screen(picture: Picture, rows: number): string {
  const text = picture.kind === "ok" ? picture.text : picture.message;
  const lines = [...text.split("\n").slice(0, rows - 2), "", "q quits"];
  return HOME + lines.map((line) => line + CLEAR_LINE).join("\r\n") + CLEAR_BELOW;
}
