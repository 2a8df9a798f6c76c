import { pino } from "pino";
import { prettyFactory } from "pino-pretty";
import type { Clock } from "../core/clock.ts";
import type { Observer } from "../core/events.ts";
import { type LineStream, lineWriter } from "./line-writer.ts";
import { type LogLevel, logLine } from "./log-lines.ts";

export type LogFormat = "json" | "pretty" | "auto";

export type LogRules = Readonly<{
  level: LogLevel;
  /** `auto`: pretty on a terminal, JSON into anything else. */
  format: LogFormat;
  /** Where the lines go; standard output unless a test says otherwise. */
  stream?: LineStream & Readonly<{ isTTY?: boolean }>;
  /** Colours of the pretty form: a terminal without NO_COLOR. */
  colour: boolean;
  clock: Clock;
}>;

/** The log: lines are made before `observe` returns, written in the order of the events, and never by a worker. */
export type Log = Readonly<{
  observe: Observer;
  setLevel(level: LogLevel): void;
  /** Lines that could not be written, since the start. */
  dropped(): number;
  /** Resolves when all lines so far are out, or lost. */
  written(): Promise<void>;
}>;

export function openLog(rules: LogRules): Log {
  const stream = rules.stream ?? process.stdout;
  const writer = lineWriter(stream, {
    after: rules.clock.after,
    onResumed: (lost) => logger.warn({ lost }, "log lines were lost"),
  });
  const isPretty = rules.format === "pretty" || (rules.format === "auto" && stream.isTTY === true);
  const prettify = isPretty ? prettyLines(rules.colour) : null;
  const logger = pino(
    {
      level: rules.level,
      base: null,
      timestamp: () => `,"time":"${new Date(rules.clock.wallMs()).toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write: (line: string) => writer.write(prettify === null ? line : prettify(line)) },
  );
  return {
    observe(event) {
      const { level, msg, fields } = logLine(event);
      if (logger.isLevelEnabled(level)) logger[level](fields(), msg);
    },
    setLevel(level) {
      logger.level = level;
    },
    dropped: writer.dropped,
    written: writer.written,
  };
}

/**
 * What JSON leaves as it is and a terminal may obey or hide: DEL and the C1 controls (U+009B begins a command as ESC [
 * does), line and paragraph separators, whatever turns the direction of writing, and what has no shape of its own.
 */
const UNSEEN = /[\u007f-\u009f\u2028\u2029]|\p{Cf}|\p{Default_Ignorable_Code_Point}/gu;

/**
 * Fields stay JSON on one line, and what cannot be seen is written as JSON would write it: nothing that a client sent can
 * move the cursor of the terminal it is read on, or be read there as something else.
 */
function prettyLines(colorize: boolean): (line: string) => string {
  const prettify = prettyFactory({ colorize, singleLine: true, translateTime: "SYS:HH:MM:ss.l" });
  return (line) => prettify(line).replace(UNSEEN, escaped);
}

function escaped(character: string): string {
  const units = Array.from({ length: character.length }, (_, at) => character.charCodeAt(at));
  return units.map((unit) => `\\u${unit.toString(16).padStart(4, "0")}`).join("");
}
