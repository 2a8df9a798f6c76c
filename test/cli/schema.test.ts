import { expect, test } from "bun:test";
import { schema } from "../../src/cli/schema.ts";
import { scriptedTerminal } from "./world.ts";

test("hedgerow schema prints JSON and nothing else", () => {
  const { terminal, out, err } = scriptedTerminal();
  expect(schema(terminal)).toBe(0);
  expect(JSON.parse(out())).toMatchObject({
    $schema: "http://json-schema.org/draft-07/schema#",
    properties: { server: { properties: { port: { default: 8787 } } } },
    required: ["providers"],
  });
  expect(err()).toBe("");
});
