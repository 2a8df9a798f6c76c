/** How one kind of text in the file is read, shown again and documented. */
export type Format<Value> = Readonly<{
  /** What is expected, as messages and the documentation say it: `duration >= 1s`. */
  expected: string;
  /** What the text looks like, as a JSON Schema pattern; looser than `parse` where a pattern cannot say it. */
  pattern: string;
  /** Never shown, not even where it is wrong. */
  hidden: boolean;
  /** May also be written as the number 0. */
  zero?: boolean;
  parse(text: string): Parsed<Value>;
  /** The value in the language of the file; hidden parts as stars. */
  show(value: Value): string;
}>;

/** `why` adds to "expected …, got …" and never repeats the text itself. */
export type Parsed<Value> = Readonly<{ kind: "value"; value: Value }> | Readonly<{ kind: "wrong"; why: string }>;

export function parsed<Value>(value: Value): Parsed<Value> {
  return { kind: "value", value };
}

export function wrong(why = ""): Parsed<never> {
  return { kind: "wrong", why };
}

/** A format that is no more than a pattern. */
export function matching(expected: string, pattern: string): Format<string> {
  const test = new RegExp(pattern, "u");
  return {
    expected,
    pattern,
    hidden: false,
    parse: (text) => (test.test(text) ? parsed(text) : wrong()),
    show: (text) => text,
  };
}
