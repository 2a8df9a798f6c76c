import type { Clock } from "../core/clock.ts";
import { chunkBytes, headBytes, headerOf, LAST_CHUNK } from "./http-wire.ts";
import type { Script, Step } from "./script.ts";

/** Where an answer's bytes go. */
export type Outlet = Readonly<{
  /** Aborts when the peer has left. */
  left: AbortSignal;
  /** Resolves when the system has taken all of it, or the peer has left. */
  write(bytes: Uint8Array): Promise<void>;
  /** FIN, after what was written. */
  finish(): void;
  /** RST. */
  reset(): void;
}>;

/** How the connection stands after the answer. */
export type Played = "kept" | "closed" | "cut";

/** Plays one script; rejects with the reason of `outlet.left` where the peer leaves while it waits. */
export async function play(script: Script, outlet: Outlet, clock: Clock): Promise<Played> {
  let framing: "chunked" | "length" | "close" = "close";
  for (const step of script) {
    outlet.left.throwIfAborted();
    switch (step.do) {
      case "head":
        framing = framingOf(step);
        await outlet.write(headBytes(step.status, withFraming(step, framing)));
        break;
      case "send":
        if (step.bytes.length > 0) await outlet.write(framing === "chunked" ? chunkBytes(step.bytes) : step.bytes);
        break;
      case "pause":
        await clock.sleep(step.ms, outlet.left);
        break;
      case "wait":
        await Promise.race([step.until, untilAborted(outlet.left)]);
        break;
      case "stall":
        await untilAborted(outlet.left);
        break;
      case "cut":
        outlet.reset();
        return "cut";
      case "close":
        outlet.finish();
        return "closed";
    }
  }
  if (framing === "chunked") await outlet.write(LAST_CHUNK);
  if (framing !== "close") return "kept";
  outlet.finish();
  return "closed";
}

function framingOf(step: Extract<Step, { do: "head" }>): "chunked" | "length" | "close" {
  if (headerOf(step.headers, "content-length") !== undefined) return "length";
  return headerOf(step.headers, "connection")?.toLowerCase() === "close" ? "close" : "chunked";
}

function withFraming(step: Extract<Step, { do: "head" }>, framing: "chunked" | "length" | "close") {
  return framing === "chunked" ? [...step.headers, ["transfer-encoding", "chunked"] as const] : step.headers;
}

function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const onAbort = () => reject(signal.reason);
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
  });
}
