/**
 * A key or password. Printing, logging or serialising it shows stars: what wants the value must say `reveal`, and
 * there are few such places (the upstream request, the store's connection, the comparison of client keys).
 */
export type Secret = Readonly<{ reveal(): string; last4: string; toJSON(): string; toString(): string }>;

export const HIDDEN = "***";

export function secret(value: string): Secret {
  // Short values would be given away by their tail.
  const last4 = value.length >= 12 ? value.slice(-4) : HIDDEN;
  return Object.freeze({
    reveal: () => value,
    last4,
    toJSON: () => HIDDEN,
    toString: () => HIDDEN,
    [Symbol.for("nodejs.util.inspect.custom")]: () => HIDDEN,
  });
}
