/** Does a model name match a pattern? `*` stands for any run of characters, `?` for exactly one; everything else for itself. */
export function globMatches(glob: string, name: string): boolean {
  let at = 0;
  let star = -1;
  let resumeAt = 0;
  let from = 0;
  // Greedy with one step back per star: linear in practice, and no pattern can make it exponential.
  while (at < name.length) {
    if (glob[from] === "*") {
      star = from++;
      resumeAt = at;
    } else if (from < glob.length && (glob[from] === "?" || glob[from] === name[at])) {
      from++;
      at++;
    } else if (star >= 0) {
      from = star + 1;
      at = ++resumeAt;
    } else {
      return false;
    }
  }
  while (glob[from] === "*") from++;
  return from === glob.length;
}

/** A name that is no pattern can be listed as a model. */
export function isLiteral(glob: string): boolean {
  return !/[*?]/.test(glob);
}
