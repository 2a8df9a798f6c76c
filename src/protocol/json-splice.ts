/**
 * Where a value stands: member names from the top down, `*` for every element of an array.
 * `["requests", "*", "model"]` is the `model` of each of `requests`.
 */
export type JsonPath = readonly string[];

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;

/** Names of ours are shorter than this even with every character escaped (six bytes each). */
const KEY_BYTES_MAX = 256;

/**
 * Replaces the value of every top-level member named `key`, duplicates included, and leaves all other bytes as they are;
 * the same array where there is none. `body` must hold valid JSON (what follows a fault in it is left alone).
 */
export function spliceTopLevelString(body: Uint8Array, key: string, value: string): Uint8Array {
  return spliceStrings(body, [[key]], () => value);
}

/**
 * Replaces whatever stands at one of `paths` (duplicates included) by the string `replace` makes of it; it is given the
 * old string, or null where another kind of value stood. All other bytes stay; the same array where nothing stands there.
 */
export function spliceStrings(
  body: Uint8Array,
  paths: readonly JsonPath[],
  replace: (old: string | null) => string,
): Uint8Array {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const found: Span[] = [];
  visit(bytes, blanks(bytes, 0), paths, found);
  if (found.length === 0) return body;
  const pieces: Uint8Array[] = [];
  let from = 0;
  for (const span of found) {
    const old = bytes[span.from] === QUOTE ? stringAt(bytes, span) : null;
    pieces.push(bytes.subarray(from, span.from), Buffer.from(JSON.stringify(replace(old))));
    from = span.to;
  }
  pieces.push(bytes.subarray(from));
  return Buffer.concat(pieces);
}

type Span = Readonly<{ from: number; to: number }>;

/** Returns where the value that begins at `at` ends. Goes as deep as the paths do; what no path leads into is skipped flat. */
function visit(bytes: Buffer, at: number, paths: readonly JsonPath[], found: Span[]): number {
  const open = bytes[at];
  const target = paths.some((path) => path.length === 0);
  if (target || paths.length === 0 || (open !== OPEN_BRACE && open !== OPEN_BRACKET)) {
    const to = skipValue(bytes, at);
    if (target) found.push({ from: at, to });
    return to;
  }
  const close = open === OPEN_BRACE ? CLOSE_BRACE : CLOSE_BRACKET;
  const elements = open === OPEN_BRACKET ? below(paths, "*") : [];
  let next = blanks(bytes, at + 1);
  while (next < bytes.length && bytes[next] !== close) {
    let inside = elements;
    if (open === OPEN_BRACE) {
      const end = skipString(bytes, next);
      inside = below(paths, keyAt(bytes, { from: next, to: end }));
      next = blanks(bytes, end);
      if (bytes[next] !== COLON) return bytes.length;
      next = blanks(bytes, next + 1);
    }
    next = blanks(bytes, visit(bytes, next, inside, found));
    if (bytes[next] === COMMA) next = blanks(bytes, next + 1);
    else if (bytes[next] !== close) return bytes.length;
  }
  return next + 1;
}

function below(paths: readonly JsonPath[], step: string | null): readonly JsonPath[] {
  return step === null ? [] : paths.filter((path) => path[0] === step).map((path) => path.slice(1));
}

/** Null for names too long to be one of ours. `"\u006dodel"` is `model` too. */
function keyAt(bytes: Buffer, span: Span): string | null {
  return span.to - span.from > KEY_BYTES_MAX ? null : stringAt(bytes, span);
}

function stringAt(bytes: Buffer, span: Span): string | null {
  try {
    return String(JSON.parse(bytes.toString("utf8", span.from, span.to)));
  } catch {
    return null;
  }
}

function blanks(bytes: Buffer, at: number): number {
  let next = at;
  while (next < bytes.length && isBlank(bytes[next])) next++;
  return next;
}

function isBlank(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

/** Counts brackets instead of recursing: no depth of nesting can overflow it. */
function skipValue(bytes: Buffer, at: number): number {
  let depth = 0;
  for (let next = at; next < bytes.length; ) {
    const byte = bytes[next];
    if (byte === QUOTE) {
      next = skipString(bytes, next);
      if (depth === 0) return next;
      continue;
    }
    if (byte === OPEN_BRACE || byte === OPEN_BRACKET) depth++;
    else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
      if (depth === 0) return next;
      if (--depth === 0) return next + 1;
    } else if (depth === 0 && (byte === COMMA || isBlank(byte))) return next;
    next++;
  }
  return bytes.length;
}

/**
 * From an opening quote to behind the closing one. Images are strings of megabytes, so the next quote is found natively;
 * it closes the string unless an odd number of backslashes stands before it.
 */
function skipString(bytes: Buffer, open: number): number {
  for (let from = open + 1; ; ) {
    const quote = bytes.indexOf(QUOTE, from);
    if (quote < 0) return bytes.length;
    let slash = quote - 1;
    while (bytes[slash] === BACKSLASH) slash--;
    if ((quote - slash) % 2 === 1) return quote + 1;
    from = quote + 1;
  }
}
