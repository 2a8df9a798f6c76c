import { describe, expect, test } from "bun:test";
import type { FeedEvent } from "../../../src/page/browser/feed.ts";
import { after, changesState, NOTHING_YET, REQUESTS_MAX, withAnswers } from "../../../src/page/browser/snapshot.ts";
import { requestView } from "./world.ts";

const finished = (request_id: string, time_ms = 1): FeedEvent => ({
  kind: "request_finished",
  data: requestView({ request_id, time_ms }),
});
const override = (time_ms: number): FeedEvent => ({
  kind: "override",
  data: { time_ms, provider: "a", override: "reset" },
});
const ids = ({ requests }: typeof NOTHING_YET) => requests?.map(({ request_id }) => request_id);
const told = (...events: FeedEvent[]) => events.reduce(after, NOTHING_YET);

describe("requests", () => {
  test("are there once, the newest first, also where an id comes twice", () => {
    expect(ids(told(finished("a"), finished("b"), finished("a")))).toEqual(["b", "a"]);
    expect(ids(told(finished("a", 1), finished("a", 2)))).toEqual(["a", "a"]);
  });

  test("are as many as the instance keeps", () => {
    const many = told(...Array.from({ length: REQUESTS_MAX + 5 }, (_, index) => finished(`r${index}`)));
    expect(many.requests).toHaveLength(REQUESTS_MAX);
    expect(many.requests?.[0]?.request_id).toBe(`r${REQUESTS_MAX + 4}`);
  });
});

describe("a list of requests that was asked for", () => {
  const list = (...some: string[]) => ({ requests: some.map((request_id) => requestView({ request_id, time_ms: 1 })) });

  test("takes the place of what was known before, and what was told meanwhile stays", () => {
    const before = told(finished("forgotten"), finished("a"));
    const meanwhile = [finished("b"), finished("c")].reduce(after, before);
    expect(ids(withAnswers(meanwhile, list("b", "a"), before))).toEqual(["c", "b", "a"]);
  });

  test("is not touched where it was not asked for", () => {
    const before = told(finished("a"));
    expect(ids(withAnswers(before, { silence: "" }, before))).toEqual(["a"]);
  });
});

test("decisions are the last 200, the newest first", () => {
  const { decisions } = told(...Array.from({ length: 205 }, (_, index) => override(index)));
  expect(decisions).toHaveLength(200);
  expect(decisions[0]?.timeMs).toBe(204);
});

test("what is no decision changes nothing", () => {
  expect(after(NOTHING_YET, { kind: "overrun", data: {} } as unknown as FeedEvent)).toBe(NOTHING_YET);
});

test("breakers, cool-downs, overrides, reloads and the store change what is shown of providers", () => {
  const kinds = ["breaker", "cooldown", "override", "reload", "store", "hedge", "notice", "attempt_ended"];
  expect(kinds.filter((kind) => changesState({ kind } as FeedEvent))).toEqual(kinds.slice(0, 5));
});
