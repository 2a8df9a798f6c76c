import { expect, test } from "bun:test";
import { storedToken } from "../../../src/page/browser/token.ts";

test("a token is kept until it is forgotten", () => {
  const kept = new Map<string, string>();
  const token = storedToken({
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, value) => void kept.set(key, value),
    removeItem: (key) => void kept.delete(key),
  });
  expect(token.read()).toBeNull();
  token.write("secret");
  expect(token.read()).toBe("secret");
  token.write(null);
  expect(token.read()).toBeNull();
  expect(kept.size).toBe(0);
});
