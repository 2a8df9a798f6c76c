import { describe, expect, test } from "bun:test";
import type { Loss } from "../../src/forward/attempt.ts";
import { failureOf, stoppedError, unadmitted } from "../../src/forward/own-errors.ts";
import type { Why } from "../../src/forward/stop.ts";
import { provider } from "../provider/world.ts";

const shownAnswer = { status: 529, headers: new Headers(), body: new Uint8Array(), retryAfterMs: null };
const loss = (at: string, more: Readonly<{ shown?: boolean; stopped?: Why }> = {}) =>
  ({ provider: provider(at), shown: more.shown ? shownAnswer : null, stopped: more.stopped ?? null }) as Loss;

describe("when every attempt failed", () => {
  test("the last upstream answer that may be shown is", () => {
    const losses = [loss("a", { shown: true }), loss("b", { shown: true }), loss("c", { stopped: "total_timeout" })];
    expect(failureOf(losses, null)).toEqual({ kind: "shown", provider: "b", answer: shownAnswer });
  });

  test("else how the last one ended decides, and nobody should try again", () => {
    const code = (losses: readonly Loss[]) => {
      const failure = failureOf(losses, { code: "providers_full", backInMs: 5 });
      return failure.kind === "own" ? [failure.error.code, failure.error.exhausted] : [];
    };
    expect(code([loss("a"), loss("b", { stopped: "first_token_timeout" })])).toEqual(["timed_out", true]);
    expect(code([loss("a", { stopped: "connect_timeout" }), loss("b")])).toEqual(["attempts_failed", true]);
  });

  test("and where none was made, why nobody could be asked", () => {
    expect(failureOf([], { code: "providers_full", backInMs: 5_000 })).toMatchObject({
      kind: "own",
      error: { code: "providers_full", retryAfterMs: 5_000 },
    });
  });
});

test("each reason why nobody could be asked has its code and its time", () => {
  const told = (why: Parameters<typeof unadmitted>[0]) => {
    const { code, retryAfterMs, exhausted } = unadmitted(why);
    return [code, retryAfterMs, exhausted];
  };
  expect(told({ code: "providers_down", backInMs: 7_000 })).toEqual(["providers_down", 7_000, undefined]);
  expect(told({ code: "providers_down", backInMs: null })).toEqual(["providers_down", 1_000, undefined]);
  expect(told({ code: "off_hours", backInMs: 3_600_000 })).toEqual(["providers_down", 3_600_000, undefined]);
  for (const code of ["account_disabled", "account_removed", "account_barred"] as const)
    expect(told({ code })).toEqual(["providers_down", undefined, true]);
  expect(told({ code: "store_down", backInMs: null })).toEqual(["store_down", 1_000, undefined]);
  expect(told({ code: "too_late", backInMs: null })).toEqual(["timed_out", undefined, true]);
  expect(told("no_provider")).toEqual(["no_provider", undefined, undefined]);
  expect(told(null)).toEqual(["providers_down", 1_000, undefined]);
});

test("what was stopped from our side is told, and a client that left is told nothing", () => {
  expect(stoppedError("session_ended")).toMatchObject({ code: "attempts_failed", exhausted: true });
  expect(stoppedError("lease_lost")).toMatchObject({ code: "attempts_failed" });
  expect(stoppedError("drain")).toMatchObject({ code: "draining" });
  for (const why of ["client_left", "lost_race", null] as const) expect(stoppedError(why)).toBeNull();
});
