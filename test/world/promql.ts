import type { MetricsPage, Sample } from "./metrics-page.ts";

/** What is found in one or more scrapes, at a moment: series with their labels, or a bare number. */
export type Series = Readonly<{ labels: Readonly<Record<string, string>>; value: number }>;
type Value = number | readonly Series[];

export type Scrape = Readonly<{ atS: number; samples: readonly Sample[] }>;

/**
 * Evaluates the little of PromQL that the README's rules are written in: selectors, `rate`, `sum`, `max` and `min`
 * (with `by`), `/`, `>` and `==`. Instants are of the last scrape. A rate is the increase from the first scrape that has
 * the series over all the time there is: as in Prometheus, a series needs two samples to have one.
 */
export function evaluate(expression: string, scrapes: readonly Scrape[]): readonly Series[] {
  const reader = tokens(expression);
  const value = comparison(reader, scrapes);
  if (reader.peek() !== "") throw new Error(`not understood from ${reader.peek()}: ${expression}`);
  if (typeof value === "number") throw new Error(`a number and no series: ${expression}`);
  return value;
}

/** Scrapes with what a recording rule makes of them, at each moment by what was known then. */
export function recorded(name: string, expression: string, scrapes: readonly Scrape[]): readonly Scrape[] {
  return scrapes.map((scrape, at) => {
    const made = evaluate(expression, scrapes.slice(0, at + 1)).map((series) => ({ ...series, name }));
    return { ...scrape, samples: [...scrape.samples, ...made] };
  });
}

export function scraped({ samples }: Pick<MetricsPage, "samples">, atS: number): Scrape {
  return { atS, samples };
}

type Reader = Readonly<{ peek(): string; take(): string; expect(token: string): void }>;

function tokens(expression: string): Reader {
  const all = expression.match(/[a-zA-Z_:][\w:]*|\d+(?:\.\d+)?|"[^"]*"|\[5m\]|==|=~|!~|\S/g) ?? [];
  let at = 0;
  const take = () => all[at++] ?? "";
  return {
    peek: () => all[at] ?? "",
    take,
    expect(token) {
      const found = take();
      if (found !== token) throw new Error(`${found} where ${token} should be: ${expression}`);
    },
  };
}

function comparison(reader: Reader, scrapes: readonly Scrape[]): Value {
  const left = quotient(reader, scrapes);
  const sign = reader.peek();
  if (sign !== ">" && sign !== "==") return left;
  reader.take();
  const right = quotient(reader, scrapes);
  if (typeof left === "number" || typeof right !== "number") throw new Error("only series are compared, with a number");
  return left.filter(({ value }) => (sign === ">" ? value > right : value === right));
}

function quotient(reader: Reader, scrapes: readonly Scrape[]): Value {
  const left = operand(reader, scrapes);
  if (reader.peek() !== "/") return left;
  reader.take();
  const right = operand(reader, scrapes);
  if (typeof left === "number" || typeof right === "number") throw new Error("only series are divided");
  return left.flatMap(({ labels, value }) => {
    const other = right.find((series) => keyOf(series.labels) === keyOf(labels));
    return other ? [{ labels, value: value / other.value }] : [];
  });
}

const AGGREGATES = {
  sum: (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0),
  max: (values: readonly number[]) => Math.max(...values),
  min: (values: readonly number[]) => Math.min(...values),
};

function operand(reader: Reader, scrapes: readonly Scrape[]): Value {
  const word = reader.take();
  if (/^\d/.test(word)) return Number(word);
  if (word === "rate") return rate(reader, scrapes);
  const aggregate = Object.entries(AGGREGATES).find(([name]) => name === word)?.[1];
  if (!aggregate) return select(matcher(word, reader), scrapes.at(-1));
  const kept = reader.peek() === "by" ? (reader.take(), names(reader)) : [];
  reader.expect("(");
  const inner = comparison(reader, scrapes);
  reader.expect(")");
  if (typeof inner === "number") throw new Error("only series are aggregated");
  const labelsOf = ({ labels }: Series) =>
    Object.fromEntries(kept.flatMap((name) => (name in labels ? [[name, labels[name] ?? ""] as const] : [])));
  const groups = Map.groupBy(inner, (series) => keyOf(labelsOf(series)));
  return [...groups.values()].map((group) => ({
    labels: group[0] ? labelsOf(group[0]) : {},
    value: aggregate(group.map(({ value }) => value)),
  }));
}

function rate(reader: Reader, scrapes: readonly Scrape[]): readonly Series[] {
  reader.expect("(");
  const matches = matcher(reader.take(), reader);
  reader.expect("[5m]");
  reader.expect(")");
  const seconds = (scrapes.at(-1)?.atS ?? 0) - (scrapes[0]?.atS ?? 0);
  return select(matches, scrapes.at(-1)).flatMap(({ labels, value }) => {
    const values = scrapes.flatMap((scrape) =>
      select(matches, scrape).flatMap((series) => (keyOf(series.labels) === keyOf(labels) ? [series.value] : [])),
    );
    return values.length > 1 ? [{ labels, value: (value - (values[0] ?? 0)) / seconds }] : [];
  });
}

/** What a selector picks, read on from behind its name. */
function matcher(name: string, reader: Reader): (sample: Sample) => boolean {
  if (!/^[a-zA-Z_:]/.test(name)) throw new Error(`no metric: ${name}`);
  const demands: ((sample: Sample) => boolean)[] = [];
  if (reader.peek() === "{") {
    reader.take();
    while (reader.peek() !== "}") {
      const [label, sign, quoted] = [reader.take(), reader.take(), reader.take()];
      const text = quoted.slice(1, -1);
      const pattern = new RegExp(`^(?:${text})$`);
      const value = (sample: Sample) => sample.labels[label] ?? "";
      if (sign === "=") demands.push((sample) => value(sample) === text);
      else if (sign === "=~") demands.push((sample) => pattern.test(value(sample)));
      else if (sign === "!~") demands.push((sample) => !pattern.test(value(sample)));
      else throw new Error(`no sign of a matcher: ${sign}`);
      if (reader.peek() === ",") reader.take();
    }
    reader.take();
  }
  return (sample) => sample.name === name && demands.every((holds) => holds(sample));
}

function select(matches: (sample: Sample) => boolean, scrape: Scrape | undefined): readonly Series[] {
  return (scrape?.samples ?? []).filter(matches).map(({ labels, value }) => ({ labels, value }));
}

function names(reader: Reader): readonly string[] {
  reader.expect("(");
  const found: string[] = [];
  while (reader.peek() !== ")")
    if (reader.peek() === ",") reader.take();
    else found.push(reader.take());
  reader.take();
  return found;
}

function keyOf(labels: Readonly<Record<string, string>>): string {
  return JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));
}
