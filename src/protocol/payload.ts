/** The JSON value of a text from upstream; undefined where it is none. */
export function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Something is in it: a text that is not empty, an array with elements, an object with fields. */
export function isSaid(value: unknown): boolean {
  if (typeof value === "string") return value !== "";
  if (Array.isArray(value)) return value.length > 0;
  return typeof value === "object" && value !== null && Object.keys(value).length > 0;
}

/** Characters of content in these values; 0: there is none. Structure counts by the texts at its surface, at least 1. */
export function payloadChars(values: readonly unknown[]): number {
  let chars = 0;
  for (const value of values) {
    if (typeof value === "string") chars += value.length;
    else if (isSaid(value)) chars += 1 + textChars(Object.values(Object(value)));
  }
  return chars;
}

function textChars(values: readonly unknown[]): number {
  return values.reduce<number>((sum, value) => sum + (typeof value === "string" ? value.length : 0), 0);
}
