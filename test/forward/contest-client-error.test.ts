import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { secret } from "../../src/core/secret.ts";
import { provider } from "../provider/world.ts";
import { type Act, error, errorEvent, said, silent, sse, start } from "./upstream.ts";
import { type ForwardWorld, forwardWorld } from "./world.ts";

const FAILURES = 3;
const REFUSALS: readonly [string, Act, number][] = [
  ["a 400", error(400, "invalid_request_error"), 400],
  ["an error of the client's inside a 200", sse(start + errorEvent("invalid_request_error")), 200],
];

let it: ForwardWorld;
beforeEach(() => {
  const hedge = { after: 1_000, minMs: 0, maxMs: 0, coldMs: 0 };
  const breaker = { failures: FAILURES, openMs: 60_000, successes: 1 };
  const keys = [secret("a-key-of-the-proxy")];
  it = forwardWorld(
    ["a", "b"].map((name, priority) => provider(name, { keys, priority, hedge, breaker })),
    { hedgeShare: 1 },
  );
});
afterEach(() => it.over());

let asked = 0;
/** A first that is silent, and a hedge that answers as told. */
async function hedged(act: Act) {
  it.script("a", silent);
  it.script("b", act);
  const heard = await it.hear({ session: `session-${++asked}` });
  return { status: heard.status, mark: heard.headers.get("x-hedgerow-hedge"), attempts: it.records().at(-1)?.attempts };
}

describe.each(REFUSALS)("a hedge that answers with %s says nothing about the first", (_, refusal, status) => {
  test("whose breaker stays closed however often the client errs", async () => {
    for (let at = 0; at < FAILURES * 2; at++) {
      expect(await hedged(refusal)).toMatchObject({
        status,
        mark: "won",
        attempts: [
          { provider: "a", kind: "first", outcome: "lost", reason: "lost_to_client_error" },
          { provider: "b", kind: "hedge", outcome: "answered" },
        ],
      });
    }
    expect(it.breaker("a").state()).toBe("closed");
  });

  test("nor ends its run of failures: a black hole is found all the same", async () => {
    for (let at = 0; at < FAILURES; at++) {
      await hedged(refusal);
      expect(it.breaker("a").state()).toBe("closed");
      await hedged(sse(said("hello")));
    }
    expect(it.breaker("a").state()).toBe("open");
  });

  test("and frees the probe that the first was", async () => {
    for (let at = 0; at < FAILURES; at++) await hedged(sse(said("hello")));
    await it.clock.advance(60_000);
    await hedged(refusal);
    expect(it.breaker("a").state()).toBe("half_open");
    it.script("a", sse(said("well again")));
    expect((await it.hear({ session: "after" })).text).toBe(said("well again"));
    expect(it.breaker("a").state()).toBe("closed");
  });
});
