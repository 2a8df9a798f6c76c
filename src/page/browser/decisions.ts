import type { AttemptRecord } from "../../core/events.ts";
import { durationText } from "../../words/duration-text.ts";
import type { Told, Tone } from "../../words/tone.ts";
import type { FeedEvent } from "./feed.ts";

/** Something the proxy decided or noticed, in a line. `requestId`: "" where it is about no request. */
export type Decision = Told & Readonly<{ timeMs: number; requestId: string }>;

/** Null for what a request's own row tells better. */
export function decisionOf(event: FeedEvent): Decision | null {
  const told = tell(event);
  if (told === null) return null;
  return { ...told, timeMs: event.data.time_ms, requestId: event.data.request_id ?? "" };
}

function tell({ kind, data }: FeedEvent): Told | null {
  switch (kind) {
    case "attempt_started":
      return data.attempt === "hedge" ? say("dim", `${data.provider}: asked as a hedge`) : null;
    case "attempt_ended":
      return attemptEnded(data);
    case "hedge":
      return say(data.result === "won" ? "good" : "dim", `${data.provider}: hedge ${spaced(data.result)}`);
    case "stream_broken":
      return say("bad", `${data.provider}: stream broken (${spaced(data.how)})`);
    case "breaker":
      return say(BREAKER[data.state], `${data.provider}: breaker ${spaced(data.state)}${because(data.reason)}`);
    case "cooldown":
      return say("warn", `${data.provider}: ${resting(data)} rests ${durationText(data.ms)}${because(data.reason)}`);
    case "store":
      return data.up ? say("good", "store up") : say("bad", `store down${because(data.reason)}`);
    case "reload":
      if (data.result !== "refused") return say("good", `config ${data.result}`);
      return say("bad", `config refused, the last good one stays: ${data.problems.join("; ")}`);
    case "override":
      return say("warn", `${data.provider}: ${data.override} by an operator`);
    case "notice":
      return say(NOTICE[data.level], noticeWords(data.what, data.fields));
    case "request_finished":
      return null;
    // Kinds that are bookkeeping: the feed may tell more than is typed here.
    default:
      return null;
  }
}

const BREAKER = { open: "bad", half_open: "warn", closed: "good" } as const;
const NOTICE = { error: "bad", warn: "warn", info: "dim", debug: "dim" } as const;

function say(tone: Tone, text: string): Told {
  return { tone, text };
}

/** Only what went wrong: an answered attempt is its request's row, and so is one that lost its race. */
function attemptEnded({ provider, outcome, reason, ms, key }: AttemptRecord): Told | null {
  if (outcome !== "failed" && outcome !== "broken") return null;
  const which = key === undefined ? provider : `${provider} (key ${key})`;
  return say(outcome === "broken" ? "bad" : "warn", `${which}: ${outcome} after ${durationText(ms)}${because(reason)}`);
}

function resting({ what, key, model }: Readonly<{ what: string; key: string; model: string }>): string {
  if (what === "provider") return "all of it";
  const parts = [key === "" ? "" : `key ${key}`, model].filter((part) => part !== "");
  return parts.join(", ") || what;
}

function noticeWords(what: string, fields: Readonly<Record<string, string | number | boolean>>): string {
  return [spaced(what), ...Object.entries(fields).map(([name, value]) => `${name}=${value}`)].join(" ");
}

function because(reason: string): string {
  return reason === "" ? "" : `, ${spaced(reason)}`;
}

function spaced(word: string): string {
  return word.replaceAll("_", " ");
}
