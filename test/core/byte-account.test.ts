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

test("a share grows and shrinks within what is left", () => {
  const account = byteAccount(() => 10);
  const others = account.take(4);
  const share = account.share();
  expect([share.resize(6), account.used()]).toEqual([true, 10]);
  expect([share.resize(7), account.used()]).toEqual([false, 10]);
  expect([share.resize(2), account.used()]).toEqual([true, 6]);
  others?.[Symbol.dispose]();
  expect([share.resize(10), account.take(1), account.used()]).toEqual([true, null, 10]);
});

test("a share that was given back takes no more", () => {
  const account = byteAccount(() => 10);
  const share = account.share();
  share.resize(6);
  share[Symbol.dispose]();
  expect([share.resize(1), account.used()]).toEqual([false, 0]);
  share[Symbol.dispose]();
  expect(account.used()).toBe(0);
});

test("less is granted also where a reload has left too little", () => {
  let bytesMax = 10;
  const account = byteAccount(() => bytesMax);
  const share = account.share();
  share.resize(10);
  bytesMax = 2;
  expect([share.resize(11), share.resize(10), share.resize(5), account.used()]).toEqual([false, true, true, 5]);
});
