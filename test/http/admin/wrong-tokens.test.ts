import { expect, test } from "bun:test";
import { wrongTokens } from "../../../src/http/admin/wrong-tokens.ts";

test("no more than 1,024 peers are remembered, the one longest quiet is forgotten", () => {
  const wrong = wrongTokens(() => 0);
  const guess = (peer: string) => {
    for (let index = 0; index < 5; index++) wrong.wrong(peer);
  };
  for (let index = 0; index < 1_024; index++) guess(`peer-${index}`);
  guess("peer-0");
  guess("one-more");
  expect(wrong.waitMs("one-more")).toBe(2_000);
  expect(wrong.waitMs("peer-0")).toBe(12_000);
  expect(wrong.waitMs("peer-1")).toBe(0);
  expect(wrong.waitMs("peer-2")).toBe(2_000);
});
