import { describe, expect, test } from "bun:test";
import { pathOf, targetOf } from "../../src/http/target.ts";

describe("what a request asks for", () => {
  test.each([
    ["http://localhost:8787/v1/messages?key=a%20b", "/v1/messages", "?key=a%20b"],
    ["/livez?x=1", "/livez", "?x=1"],
    ["//v1/messages", "//v1/messages", ""],
    ["http://[::/livez", "/livez", ""],
    ["http://host:99999/livez", "/livez", ""],
    ["/to?http://elsewhere/livez", "/to", "?http://elsewhere/livez"],
    ["http://host", "", ""],
  ])("%s is read whatever the Host", (url, path, search) => {
    expect(pathOf(url)).toBe(path);
    expect(targetOf(url)).toMatchObject({ pathname: path === "" ? "/" : path, search });
  });

  test("has its dots resolved", () => {
    expect(targetOf("/v1/../v1/messages").pathname).toBe("/v1/messages");
  });
});
