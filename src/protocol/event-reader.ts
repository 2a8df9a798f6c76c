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
  /** All of the answer was noted. */
  ended(): boolean;
  /** The last event there can be was noted. */
  over(): boolean;
  /** The official libraries take an error told so for one; what is in no framing at all all of them pass over. */
  hears(told: Told, frame: Frame): boolean;
}>;

/** OpenAI's last event. Relays add it to the streams of other protocols too, where it says nothing. */
export const DONE = "[DONE]";

/** Reads the events of one stream by its protocol's rules. */
export function eventReader(rules: StreamRules, tally: TokenTally): EventReader {
  let failed: ErrorFacts | null = null;
  let heard = false;
  let array: "none" | "open" | "closed" = "none";

  const frameSeen = (frame: Frame) => {
    if (frame.kind === "element") array = "open";
    if (frame.kind === "close") array = "closed";
  };
  const fail = (error: ErrorFacts, isHeard: boolean): Seen => {
    failed = error;
    heard = isHeard;
    return { level: "error", error };
  };
  const hears = (told: Told, frame: Frame) => frame.kind !== "bare" && rules.hears(told, frame);
  return {
    classify(frame) {
      frameSeen(frame);
      // Too large to be held back until it is whole.
      if (frame.kind === "piece") return { level: "content" };
      if (frame.data === "") return { level: "liveness" };
      const body = bodyOf(frame);
      if (!body) return fail(senseless("invalid_stream"), false);
      const told = rules.told(frame, body);
      const failure = rules.failure(told);
      if (failure) return fail(failure, hears(told, frame));
      if (frame.kind === "bare") return fail(senseless("invalid_stream"), false);
      rules.note(told);
      const chars = payloadChars(rules.payload(told));
      if (chars > 0) tally.read(frame.data.length, chars);
      const seen = chars > 0 ? "content" : rules.level(told);
      return typeof seen === "string" ? { level: seen } : seen.error ? fail(seen.error, hears(told, frame)) : seen;
    },
    watch(frame) {
      frameSeen(frame);
      if (frame.data === "") return;
      if (rules.generates(frame)) tally.passed(frame.data.length);
      if (frame.kind !== "bare" && !rules.tells(frame)) return;
      const body = bodyOf(frame);
      if (!body) return;
      const told = rules.told(frame, body);
      const failure = failed === null ? rules.failure(told) : null;
      if (failure) fail(failure, hears(told, frame));
      rules.note(told);
    },
    ended: () => rules.ended() && array !== "open",
    over: () => rules.over() || array === "closed",
    failed: () => failed,
    heard: () => heard,
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
