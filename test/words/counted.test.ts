import { expect, test } from "bun:test";
import { counted } from "../../src/words/counted.ts";

test("one is one, and all else is several", () => {
  expect([0, 1, 2, 11].map((number) => counted(number, "lease"))).toEqual([
    "0 leases",
    "1 lease",
    "2 leases",
    "11 leases",
  ]);
});
