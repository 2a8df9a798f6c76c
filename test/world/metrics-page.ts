/** One line of a page for Prometheus. */
export type Sample = Readonly<{ name: string; labels: Readonly<Record<string, string>>; value: number }>;

export type MetricsPage = Readonly<{
  text: string;
  /** Families by name, with their type (`counter`, `gauge`, `histogram`). */
  types: ReadonlyMap<string, string>;
  samples: readonly Sample[];
  /** The sum over the samples whose labels include these. */
  sum(name: string, labels?: Readonly<Record<string, string>>): number;
}>;

export async function metricsPage(url: string): Promise<MetricsPage> {
  return readMetrics(await (await fetch(`${url}/metrics`)).text());
}

function readMetrics(text: string): MetricsPage {
  const lines = text.split("\n");
  const types = new Map(lines.flatMap((line) => (line.startsWith("# TYPE ") ? [typeOf(line)] : [])));
  const samples = lines.filter((line) => line !== "" && !line.startsWith("#")).map(sampleOf);
  return {
    text,
    types,
    samples,
    sum: (name, labels = {}) =>
      samples
        .filter((sample) => sample.name === name)
        .filter((sample) => Object.entries(labels).every(([label, value]) => sample.labels[label] === value))
        .reduce((sum, { value }) => sum + value, 0),
  };
}

function typeOf(line: string): readonly [string, string] {
  const [name = "", type = ""] = line.slice("# TYPE ".length).split(" ");
  return [name, type];
}

function sampleOf(line: string): Sample {
  const parts = /^([a-z_]+)(?:\{(.*)\})? (\S+)$/.exec(line);
  if (!parts) throw new Error(`no sample: ${line}`);
  const [, name = "", labels = "", value = ""] = parts;
  const pairs = [...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, label = "", text = ""]) => [label, text] as const);
  return { name, labels: Object.fromEntries(pairs), value: Number(value) };
}
