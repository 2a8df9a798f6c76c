import { type Format, parsed, wrong } from "./format.ts";

/** Bounds in the language of the file: from and to are allowed, below is not. */
export type Range = Readonly<{ from?: string | undefined; to?: string | undefined; below?: string }>;

type Units = Readonly<Record<string, number>>;

/** Smallest first. Milliseconds. */
const TIME_UNITS: Units = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };
/** Bytes. */
const SIZE_UNITS: Units = { B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 };

/** Milliseconds, whole. `0` needs no unit: it is the same in all of them. */
export const duration = quantity({
  noun: "duration",
  units: TIME_UNITS,
  bareZero: true,
  bare: "a bare number has no unit; write it like 250ms, 3s, 5m or 2h",
});

/** Bytes, whole. */
export const size = quantity({
  noun: "size",
  units: SIZE_UNITS,
  bareZero: false,
  bare: "a bare number has no unit; write it like 64KiB or 32MiB",
});

/** A share, 0..1. */
export const ratio: Format<number> = {
  expected: "ratio",
  pattern: "^[0-9]+(\\.[0-9]+)?%$",
  hidden: false,
  parse(text) {
    const match = /^([0-9]+(?:\.[0-9]+)?)%$/.exec(text);
    if (match) return parsed(Number(match[1]) / 100);
    return wrong(isNumber(text) ? "a bare number is no ratio; write it like 10%" : "write it like 10%");
  },
  show: (value) => `${Number((value * 100).toFixed(6))}%`,
};

/** The same quantity within bounds. */
export function within(format: Format<number>, range: Range): Format<number> {
  const { from, to, below } = range;
  const limits = [
    ...(from === undefined ? [] : [`>= ${from}`]),
    ...(to === undefined ? [] : [`<= ${to}`]),
    ...(below === undefined ? [] : [`< ${below}`]),
  ];
  const least = bound(format, from, Number.NEGATIVE_INFINITY);
  const most = bound(format, to, Number.POSITIVE_INFINITY);
  const under = bound(format, below, Number.POSITIVE_INFINITY);
  return {
    ...format,
    expected: [format.expected, limits.join(", ")].join(" ").trim(),
    parse(text) {
      const read = format.parse(text);
      if (read.kind === "wrong") return read;
      return read.value >= least && read.value <= most && read.value < under ? read : wrong();
    },
  };
}

function bound(format: Format<number>, text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise;
  const read = format.parse(text);
  if (read.kind === "wrong") throw new Error(`the schema's own bound ${text} is no ${format.expected}`);
  return read.value;
}

function quantity(rules: Readonly<{ noun: string; units: Units; bareZero: boolean; bare: string }>): Format<number> {
  const names = Object.keys(rules.units);
  const pattern = `^(${rules.bareZero ? "0|" : ""}[0-9]+(\\.[0-9]+)?(${names.join("|")}))$`;
  const shape = new RegExp(`^([0-9]+(?:\\.[0-9]+)?)(${names.join("|")})$`);
  const example = `write it like ${names.map((unit) => `5${unit}`).join(", ")}`;
  return {
    expected: rules.noun,
    pattern,
    hidden: false,
    zero: rules.bareZero,
    parse(text) {
      if (rules.bareZero && text === "0") return parsed(0);
      const match = shape.exec(text);
      const unit = match?.[2] === undefined ? undefined : rules.units[match[2]];
      if (!match || unit === undefined) return wrong(isNumber(text) ? rules.bare : example);
      const value = Number(match[1]) * unit;
      return Number.isSafeInteger(value) ? parsed(value) : wrong(`not a whole number of ${names[0]}`);
    },
    show(value) {
      const largest = names.findLast((name) => value % (rules.units[name] ?? 1) === 0 && value > 0) ?? names[1];
      return `${value / (rules.units[largest ?? ""] ?? 1)}${largest}`;
    },
  };
}

function isNumber(text: string): boolean {
  return /^[-+]?[0-9.]+$/.test(text);
}
