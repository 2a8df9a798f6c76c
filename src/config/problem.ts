/** A mistake in the configuration and where it is. `path` is "" where it concerns no key; `message` holds no secret. */
export type Problem = Readonly<{ file: string; line: number; column: number; path: string; message: string }>;

/** `providers.yaml:12:5 providers[1].limits.sessions: expected integer >= 0, got -1` */
export function printProblem({ file, line, column, path, message }: Problem): string {
  return `${file}:${line}:${column} ${path === "" ? "" : `${path}: `}${message}`;
}

/** In the order of the file. */
export function inFileOrder(problems: readonly Problem[]): readonly Problem[] {
  return problems.toSorted((a, b) => a.line - b.line || a.column - b.column);
}

/** `base.key`, or `base["odd key"]` where the key would be misread. */
export function keyPath(base: string, key: string): string {
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(key)) return `${base}[${quoted(key)}]`;
  return base === "" ? key : `${base}.${key}`;
}

export function itemPath(base: string, index: number): string {
  return `${base}[${index}]`;
}

const SHOWN_MAX = 60;

/** For a line of its own: in quotes, control characters escaped, cut. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX)}…` : text);
}
