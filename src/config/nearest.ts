/** The known word that was probably meant, or null. */
export function nearest(word: string, known: readonly string[]): string | null {
  // A third of the letters wrong is another word.
  let most = Math.max(1, Math.floor(word.length / 3));
  let found: string | null = null;
  for (const candidate of known) {
    if (Math.abs(candidate.length - word.length) > most) continue;
    const away = distance(word, candidate);
    if (away > most) continue;
    most = away - 1;
    found = candidate;
  }
  return found;
}

/** Letters added, left out, changed or swapped with their neighbour (Damerau-Levenshtein, optimal string alignment). */
function distance(a: string, b: string): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let least = Math.min(at(last, j) + 1, at(row, j - 1) + 1, at(last, j - 1) + same);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        least = Math.min(least, at(before, j - 2) + 1);
      row.push(least);
    }
    before = last;
    last = row;
  }
  return at(last, b.length);
}

function at(row: readonly number[], index: number): number {
  return row[index] ?? Number.POSITIVE_INFINITY;
}
