import { expect, test } from "bun:test";
import { nearest } from "../../src/config/nearest.ts";

const KEYS = ["name", "protocols", "base_url", "api_key", "api_keys", "timeouts", "limits", "models", "model_map"];

test.each([
  ["base-url", "base_url"],
  ["baseurl", "base_url"],
  ["apikey", "api_key"],
  ["api_keyss", "api_keys"],
  ["nmae", "name"],
  ["timeout", "timeouts"],
  ["protocol", "protocols"],
  ["limit", "limits"],
  ["Name", "name"],
])("%s is meant to be %s", (word, meant) => expect(nearest(word, KEYS)).toBe(meant));

test.each(["", "x", "weight", "headers", "nothing-like-it"])("%j is near none", (word) => {
  expect(nearest(word, KEYS)).toBeNull();
});
