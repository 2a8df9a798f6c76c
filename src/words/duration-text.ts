/** Milliseconds for people, two figures at most: `850ms`, `1.5s`, `42s`, `3m20s`, `2h5m`, `3d4h`. */
export function durationText(ms: number): string {
  const rounded = Math.max(0, Math.round(ms));
  if (rounded < 1_000) return `${rounded}ms`;
  if (rounded < 10_000) return `${Math.round(rounded / 100) / 10}s`;
  const seconds = Math.round(rounded / 1_000);
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3_600) return pair(seconds, { unit: 60, names: ["m", "s"] });
  const minutes = Math.round(seconds / 60);
  if (minutes < 24 * 60) return pair(minutes, { unit: 60, names: ["h", "m"] });
  return pair(Math.round(minutes / 60), { unit: 24, names: ["d", "h"] });
}

function pair(count: number, { unit, names }: { unit: number; names: readonly [string, string] }): string {
  const rest = count % unit;
  return `${Math.floor(count / unit)}${names[0]}${rest === 0 ? "" : `${rest}${names[1]}`}`;
}
