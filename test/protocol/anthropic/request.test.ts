import { describe, expect, test } from "bun:test";
import { readAnthropic } from "../../../src/protocol/anthropic/request.ts";
import { facts, jsonBytes, operation } from "../request-world.ts";

const UUID = "0f9c1d2e-3b4a-4c5d-8e6f-7a8b9c0d1e2f";
const read = (body: object) => facts(readAnthropic(operation("anthropic"), jsonBytes({ model: "m", ...body })));

test("counting tokens never streams", () => {
  const counted = readAnthropic(operation("anthropic", "count"), jsonBytes({ model: "m", stream: true }));
  expect(facts(counted).stream).toBe(false);
});

describe("the session in metadata.user_id", () => {
  test.each([
    [`user_abc_account_${UUID}_session_${UUID}`, UUID],
    [`user_abc_account__session_${UUID}`, UUID],
    [`user_abc_account_any_session_thing_session_${UUID}`, UUID],
    [JSON.stringify({ device_id: "d", session_id: "s-1" }), "s-1"],
  ])("%s", (userId, id) => {
    expect(read({ metadata: { user_id: userId } }).sessions).toEqual([{ source: "metadata.user_id", id }]);
  });

  test.each([
    "user-1234",
    `user_abc_session_${UUID}`,
    `abc_account_x_session_${UUID}`,
    "user_abc_account_x_session_",
    "user_abc_account_x_session_not-a-uuid",
    `{"session_id":""}`,
    `{"session_id":5}`,
    `{"session_id":`,
    "{}",
    "",
  ])("a person is no session: %s", (userId) => {
    expect(read({ metadata: { user_id: userId } }).sessions).toEqual([]);
  });

  test("nor is a text of thousands of characters", () => {
    const userId = JSON.stringify({ session_id: "x".repeat(5_000) });
    expect(read({ metadata: { user_id: userId } }).sessions).toEqual([]);
  });

  test("comes before the ids that mean the same everywhere", () => {
    const metadata = { user_id: JSON.stringify({ session_id: "a" }), session_id: "c" };
    expect(read({ metadata, prompt_cache_key: "b" }).sessions.map((session) => session.id)).toEqual(["a", "b", "c"]);
  });
});

describe("what binds it to an account", () => {
  const message = (...content: object[]) => ({ messages: [{ role: "user", content }] });

  test.each([
    ["a container", { container: "container_1" }],
    ["MCP servers", { mcp_servers: [{ type: "url", url: "https://mcp.test" }] }],
    ["a file", message({ type: "document", source: { type: "file", file_id: "file_1" } })],
    ["an upload to a container", message({ type: "container_upload", file_id: "file_1" })],
    [
      "a file in a tool's result",
      message({ type: "tool_result", content: [{ type: "image", source: { type: "file", file_id: "f" } }] }),
    ],
  ])("%s", (_, body) => {
    expect(read(body).binding).toBe("account");
  });

  test.each([
    ["an image", message({ type: "image", source: { type: "base64", data: "AA" } })],
    ["a tool whose input has a file_id of its own", message({ type: "tool_use", input: { file_id: "x" } })],
    ["no servers", { mcp_servers: [] }],
    ["no container", { container: null }],
  ])("not %s", (_, body) => {
    expect(read(body).binding).toBe("free");
  });
});

test("the seed is the first user message, whatever follows", () => {
  const first = { role: "user", content: "hi" };
  const one = read({ system: "s", messages: [first] }).contentSeed;
  const more = [
    { role: "assistant", content: "yo" },
    { role: "user", content: "again" },
  ];
  expect(read({ system: "s", messages: [first, ...more] }).contentSeed).toBe(one);
  expect(read({ system: "t", messages: [first] }).contentSeed).not.toBe(one);
});
