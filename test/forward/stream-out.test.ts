import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { provider } from "../provider/world.ts";
import { json, sse } from "./upstream.ts";
import { type ForwardWorld, forwardWorld } from "./world.ts";

let it: ForwardWorld;
beforeEach(() => {
  it = forwardWorld([provider("a", { protocols: ["openai-responses"] })]);
});
afterEach(() => it.over());

const output = [{ type: "message", content: [{ type: "output_text", text: "x" }] }];
const response = { id: "resp_1", object: "response", status: "completed", output };
const event = (type: string, more: object) => `event: ${type}\ndata: ${JSON.stringify({ type, ...more })}\n\n`;
const streamed = sse(
  event("response.created", { response: { ...response, status: "in_progress", output: [] } }) +
    event("response.output_text.delta", { delta: "x" }) +
    event("response.completed", { response }),
);

describe("the ids of an answer", () => {
  test.each([true, false])("lead back to its session and provider (stream: %p)", async (stream) => {
    it.script("a", stream ? streamed : json(200, response));
    await it.hear({ protocol: "openai-responses", stream, session: "one" });
    expect(await it.homes.readAlias("ann/resp_1")).toEqual({ session: "one", provider: "a" });
  });

  test.each([true, false])("lead nowhere where it is not stored (stream: %p)", async (stream) => {
    it.script("a", stream ? streamed : json(200, response));
    expect(await it.hear({ protocol: "openai-responses", stream, store: false })).toMatchObject({ status: 200 });
    expect(await it.homes.readAlias("ann/resp_1")).toBeNull();
  });
});
