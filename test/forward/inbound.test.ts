import { describe, expect, test } from "bun:test";
import { ownAnswer } from "../../src/forward/inbound.ts";
import { PROTOCOLS } from "../../src/protocol/registry.ts";

describe("an answer of our own", () => {
  test("is in the caller's envelope, with its code and the request's id beside it", async () => {
    const answer = ownAnswer(PROTOCOLS.gemini, { code: "no_provider", message: "nobody" }, "r1", 404);
    expect(await answer.json()).toEqual({ error: { code: 404, message: "nobody", status: "NOT_FOUND", details: [] } });
    expect(answer.status).toBe(404);
    expect(Object.fromEntries(answer.headers)).toEqual({
      "content-type": "application/json",
      "x-hedgerow-error": "no_provider",
      "x-hedgerow-request-id": "r1",
    });
  });

  const headers = (more: object) => {
    const answer = ownAnswer(PROTOCOLS.anthropic, { code: "providers_down", message: "", ...more }, "r", 503);
    return [answer.headers.get("retry-after"), answer.headers.get("x-should-retry")];
  };
  test("says when to come back in whole seconds, one at least", () => {
    expect(headers({ retryAfterMs: 1 })).toEqual(["1", null]);
    expect(headers({ retryAfterMs: 2_001 })).toEqual(["3", null]);
  });

  test("says not to come back only where no time is known", () => {
    expect(headers({ exhausted: true })).toEqual([null, "false"]);
    expect(headers({ exhausted: true, retryAfterMs: 5_000 })).toEqual(["5", null]);
    expect(headers({})).toEqual([null, null]);
  });
});
