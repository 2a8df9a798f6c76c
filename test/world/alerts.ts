import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { evaluate, recorded, type Scrape } from "./promql.ts";

type Rule = Readonly<{ record?: string; alert?: string; expr: string }>;

/** The rules that the README gives to users of Prometheus, as they stand there. */
const RULES: readonly Rule[] = rulesOf(readFileSync("README.md", "utf8"));

export const ALERTS: readonly string[] = RULES.flatMap(({ alert }) => (alert === undefined ? [] : [alert]));

/** The alerts whose expression holds after these scrapes; how long it has to hold (`for`) is Prometheus' own affair. */
export function firing(scrapes: readonly Scrape[]): readonly string[] {
  const whole = RULES.reduce(
    (known, { record, expr }) => (record === undefined ? known : recorded(record, expr, known)),
    scrapes,
  );
  return RULES.flatMap(({ alert, expr }) => (alert !== undefined && evaluate(expr, whole).length > 0 ? [alert] : []));
}

function rulesOf(readme: string): readonly Rule[] {
  const [, text] = /```yaml\n(# hedgerow\.rules\.yml\n[\s\S]*?)```/.exec(readme) ?? [];
  const { groups } = parse(text ?? "groups: []") as { groups: readonly { rules: readonly Rule[] }[] };
  return groups.flatMap(({ rules }) => rules);
}
