import { expect, test } from "bun:test";
import { byteAccount } from "../../src/core/byte-account.ts";

test("gives out what is left, and no more", () => {
  const account = byteAccount(() => 10);
  const six = account.take(6);
  expect(account.take(5)).toBeNull();
  expect(account.take(4)).not.toBeNull();
  expect(account.take(0)).not.toBeNull();
  expect(account.used()).toBe(10);
  six?.[Symbol.dispose]();
  six?.[Symbol.dispose]();
  expect(account.used()).toBe(4);
});

test("follows a bound that a reload changes", () => {
  let bytesMax = 1;
  const account = byteAccount(() => bytesMax);
  expect(account.take(2)).toBeNull();
  bytesMax = 2;
  expect(account.take(2)).not.toBeNull();
  bytesMax = 0;
  expect(account.take(0)).toBeNull();
});
