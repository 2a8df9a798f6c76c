import {
  type Static,
  type TArray,
  type TObject,
  type TProperties,
  type TSchema,
  type TUnsafe,
  Type,
} from "@sinclair/typebox";
import type { Format } from "./format.ts";
import { duration, ratio, type Range, size, within } from "./quantity.ts";

/** What every key says of itself. `default` is in the language of the file; a key without one is either optional or required. */
export type About = Readonly<{ description: string; default?: string }>;

/** One line of a table with keys of the user's own, in the order of the file. */
export type Line<Value> = Readonly<{ key: string; value: Value }>;

/**
 * A text that `format` reads. Its static type is what comes out of reading, so the type of the whole schema is the type
 * of the finished configuration. `fromFile`: the text is a path, and what counts is the file's content.
 */
export function text<Value>(
  format: Format<Value>,
  about: About,
  options: Readonly<{ fromFile?: boolean }> = {},
): TUnsafe<Value> {
  return Type.Unsafe<Value>({ type: "string", reads: format, ...options, ...about });
}

/** Milliseconds. */
export function durationKey(about: About & Range): TUnsafe<number> {
  const { from, to, ...rest } = about;
  return text(durationWithin({ from, to }), rest);
}

/** Everything that lives in the store ends within a day, so that the day-long expiry of its keys is litter collection only. */
export function durationWithin(range: Range): Format<number> {
  return within(duration, range.to === undefined ? { ...range, below: "24h" } : range);
}

/** Bytes. */
export function sizeKey(about: About & Range): TUnsafe<number> {
  const { from, to, ...rest } = about;
  return text(within(size, { from, to }), rest);
}

/** 0..1. */
export function ratioKey(about: About & Range): TUnsafe<number> {
  const { from, to, ...rest } = about;
  return text(within(ratio, { from, to }), rest);
}

export function choice<const Word extends string>(words: readonly Word[], about: About): TUnsafe<Word> {
  return Type.Unsafe<Word>({ type: "string", enum: words, ...about });
}

export function integer(
  about: Readonly<{ description: string; default?: number; minimum: number; maximum?: number }>,
): TUnsafe<number> {
  return Type.Unsafe<number>({ type: "integer", ...about });
}

export function flag(about: Readonly<{ description: string; default?: boolean }>): TUnsafe<boolean> {
  return Type.Unsafe<boolean>({ type: "boolean", ...about });
}

export function list<Item extends TSchema>(
  items: Item,
  about: Readonly<{ description: string; default?: readonly string[]; minItems?: number; maxItems: number }>,
): TArray<Item> {
  return Type.Array(items, { uniqueItems: true, ...about });
}

export function table<Value>(
  about: Readonly<{ description: string; keys: Format<string>; values: Format<Value>; default?: readonly [] }>,
): TUnsafe<readonly Line<Value>[]> {
  return Type.Unsafe<readonly Line<Value>[]>({ type: "object", ...about });
}

/** `like`: its keys are those of another section, which stand in for those left out here. */
export function section<Keys extends TProperties>(
  keys: Keys,
  about: Readonly<{ description: string; like?: string; ignored?: string }>,
): TObject<Keys> {
  return Type.Object(keys, { additionalProperties: false, ...about });
}

/** The static type, read-only all the way down. */
export type Value<Schema extends TSchema> = Frozen<Static<Schema>>;

export type Frozen<T> = T extends (...args: never) => unknown
  ? T
  : T extends readonly (infer Item)[]
    ? readonly Frozen<Item>[]
    : T extends object
      ? { readonly [Key in keyof T]: Frozen<T[Key]> }
      : T;
