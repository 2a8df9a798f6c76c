/**
 * How long an upstream asks to be left alone, in milliseconds; null when it does not say. `retry-after-ms` (OpenAI,
 * Azure) is the finest, `retry-after` holds seconds or an HTTP date (RFC 9110, 10.2.3), the body's own word comes last.
 * `wallMs` is now, for dates; a date that has passed is 0.
 */
export function pushbackMs(headers: Headers, bodyMs: number | null, wallMs: number): number | null {
  const fine = positive(headers.get("retry-after-ms"));
  if (fine !== null) return fine;
  const coarse = headers.get("retry-after");
  const seconds = positive(coarse);
  if (seconds !== null) return seconds * 1_000;
  const date = coarse !== null && DATED.test(coarse) ? Date.parse(coarse) : Number.NaN;
  if (!Number.isNaN(date)) return Math.max(0, date - wallMs);
  return bodyMs;
}

/** All three forms of an HTTP date begin with the day of the week; `Date.parse` alone takes "-5" for one. */
const DATED = /^\s*[A-Z][a-z]{2,8},? /;

function positive(text: string | null): number | null {
  return text !== null && /^\s*\d+(\.\d+)?\s*$/.test(text) ? Number(text) : null;
}
