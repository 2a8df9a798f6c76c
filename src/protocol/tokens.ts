import type { Usage } from "./protocol.ts";

/** Token counts as an upstream gave them; undefined where it did not. `input` includes what was `cached`. */
export type Counts = Readonly<{ input?: number | undefined; output?: number | undefined; cached?: number | undefined }>;

/** Adds up what one stream says about its tokens, and guesses where it says nothing. */
export type TokenTally = Readonly<{
  /** The upstream's own counts; of several the largest stands, for they only grow. */
  say(counts: Counts): void;
  /** A frame of `frameChars` that was read and holds `contentChars` of content: the rest is the envelope of all like it. */
  read(frameChars: number, contentChars: number): void;
  /** A frame like those that were read, not read itself. */
  passed(frameChars: number): void;
  /** Null while nothing was said and nothing generated. */
  usage(): Usage | null;
}>;

/** A rule of thumb for English and code: https://platform.openai.com/tokenizer */
const CHARS_PER_TOKEN = 4;
/** Envelope of a delta where none was read: those of the four protocols have 80 to 250 characters. */
const ENVELOPE_CHARS = 150;

export function tokenTally(requestBytes: number): TokenTally {
  let input: number | undefined;
  let output: number | undefined;
  let cached: number | undefined;
  let envelopeChars = ENVELOPE_CHARS;
  let contentChars = 0;
  return {
    say(counts) {
      input = larger(input, counts.input);
      output = larger(output, counts.output);
      cached = larger(cached, counts.cached);
    },
    read(frameChars, chars) {
      envelopeChars = frameChars - chars;
      contentChars += chars;
    },
    passed(frameChars) {
      // Even the smallest delta has a character in it.
      contentChars += Math.max(1, frameChars - envelopeChars);
    },
    usage() {
      if (input === undefined && output === undefined && contentChars === 0) return null;
      return {
        input: input ?? promptTokens(requestBytes),
        output: output ?? Math.ceil(contentChars / CHARS_PER_TOKEN),
        cached: cached ?? 0,
        estimated: input === undefined || output === undefined,
      };
    },
  };
}

/** What an attempt has cost that was called off before its upstream said anything: its prompt, if it was read at all. */
export function promptUsage(requestBytes: number): Usage {
  return { input: promptTokens(requestBytes), output: 0, cached: 0, estimated: true };
}

function promptTokens(requestBytes: number): number {
  return Math.ceil(requestBytes / CHARS_PER_TOKEN);
}

/** The usage of a whole answer; null where it says none. Answers that generate nothing (embeddings) say input alone. */
export function saidUsage({ input, output, cached }: Counts): Usage | null {
  return input === undefined ? null : { input, output: output ?? 0, cached: cached ?? 0, estimated: false };
}

/** A count in JSON; undefined for anything else. */
export function tokenCount(value: unknown): number | undefined {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}

/** The sum of those that were said; undefined if none was. */
export function tokenSum(...counts: readonly (number | undefined)[]): number | undefined {
  const said = counts.filter((count) => count !== undefined);
  return said.length === 0 ? undefined : said.reduce((sum, count) => sum + count, 0);
}

function larger(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? (a ?? b) : Math.max(a, b);
}
