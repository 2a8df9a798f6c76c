import { describe, expect, test } from "bun:test";
import { PROTOCOL_NAMES } from "../../src/protocol/protocol.ts";
import { PROTOCOLS } from "../../src/protocol/registry.ts";

describe.each(PROTOCOL_NAMES)("%s", (name) => {
  const protocol = PROTOCOLS[name];

  test("is found under its own name", () => {
    expect(protocol.name).toBe(name);
  });

  test("maps a top-level model and leaves a nested one alone", () => {
    const body = new TextEncoder().encode(`{"a":{"model":"x"},"model":"old"}`);
    expect(new TextDecoder().decode(protocol.withModel(body, "new"))).toBe(`{"a":{"model":"x"},"model":"new"}`);
  });

  test("puts our errors into its envelope", () => {
    const { error } = JSON.parse(protocol.envelope({ code: "overloaded", message: "m" }, "req_1"));
    expect(error.message).toBe("m");
  });
});

test("keys go where each vendor wants them", () => {
  expect(PROTOCOL_NAMES.map((name) => PROTOCOLS[name].auth)).toEqual([
    "x-api-key",
    "bearer",
    "bearer",
    "x-goog-api-key",
  ]);
});
