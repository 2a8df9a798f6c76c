import { senseless } from "./error-facts.ts";
import { isObject, type JsonObject } from "./json-body.ts";
import { parsed, payloadChars } from "./payload.ts";
import type { ErrorFacts, EventReader, Frame, Level, Seen } from "./protocol.ts";
import type { TokenTally } from "./tokens.ts";

/** One event as its protocol reads it: its name where it has one, and its object. */
export type Told = Readonly<{ name: string; body: JsonObject }>;

/** What one protocol knows about the events of one stream; may remember earlier ones. */
export type StreamRules = Readonly<{
  told(frame: Frame, body: JsonObject): Told;
  failure(told: Told): ErrorFacts | null;
  /** Takes note of usage, ids and ends, before content and after it. */
  note(told: Told): void;
  /** The values that are content, if there is something in them. */
  payload(told: Told): readonly unknown[];
  /** Before content: what an event without a payload means. */
  level(told: Told): Level | Seen;
  /** After content, from the text alone: the frame may have something to note or be a failure. */
  tells(frame: Frame): boolean;
  /** After content: the frame is one of those that carry what is generated. */
  generates(frame: Frame): boolean;
  /** The terminal event was noted. */
  ended(): boolean;
}>;

/** OpenAI's last event. Relays add it to the streams of other protocols too, where it says nothing. */
export const DONE = "[DONE]";

/** Reads the events of one stream by its protocol's rules. */
export function eventReader(rules: StreamRules, tally: TokenTally): EventReader {
  let failed: ErrorFacts | null = null;
  let array: "none" | "open" | "closed" = "none";

  const frameSeen = (frame: Frame) => {
    if (frame.kind === "element") array = "open";
    if (frame.kind === "close") array = "closed";
  };
  const wrong = (error: ErrorFacts): Seen => {
    failed = error;
    return { level: "error", error };
  };
  return {
    classify(frame) {
      frameSeen(frame);
      // Too large to be held back until it is whole.
      if (frame.kind === "piece") return { level: "content" };
      if (frame.data === "") return { level: "liveness" };
      const body = bodyOf(frame);
      if (!body) return wrong(senseless("invalid_stream"));
      const told = rules.told(frame, body);
      const failure = rules.failure(told);
      if (failure) return wrong(failure);
      if (frame.kind === "bare") return wrong(senseless("invalid_stream"));
      rules.note(told);
      const chars = payloadChars(rules.payload(told));
      if (chars > 0) tally.read(frame.data.length, chars);
      const seen = chars > 0 ? "content" : rules.level(told);
      return typeof seen === "string" ? { level: seen } : seen.error ? wrong(seen.error) : seen;
    },
    watch(frame) {
      frameSeen(frame);
      if (frame.data === "") return;
      if (rules.generates(frame)) tally.passed(frame.data.length);
      if (frame.kind !== "bare" && !rules.tells(frame)) return;
      const body = bodyOf(frame);
      if (!body) return;
      const told = rules.told(frame, body);
      failed ??= rules.failure(told);
      rules.note(told);
    },
    ended: () => rules.ended() && array !== "open",
    failed: () => failed,
    usage: tally.usage,
    aliases: () => [],
    sequence: () => -1,
  };
}

/** The frame's object; of a bare array its first, which is where an error would be; null where there is none. */
function bodyOf(frame: Frame): JsonObject | null {
  if (frame.data === DONE) return {};
  const value = parsed(frame.data);
  const object: unknown = frame.kind === "bare" && Array.isArray(value) ? value[0] : value;
  return isObject(object) ? object : null;
}
