import { describe, expect, test } from "bun:test";
import { figuresOf } from "../../../src/page/browser/figures.ts";
import { attemptRecord, requestRecord } from "../../observe/records.ts";

const answered = requestRecord();
const broken = requestRecord({ attempts: [attemptRecord({ outcome: "broken" })] });
const down = requestRecord({ status: 503, error: "providers_down", provider: "", attempts: [], ttft_ms: null });
const hedge = (result: "won" | "lost") =>
  requestRecord({ hedge: result, attempts: [attemptRecord({ outcome: "lost" }), attemptRecord({ kind: "hedge" })] });

test("of nothing there is nothing to say", () => {
  expect(figuresOf([])).toEqual({
    requests: 0,
    answered: null,
    ttftP50: null,
    ttftP99: null,
    hedged: null,
    hedgesWon: null,
    lostTokens: { input: 0, output: 0, estimated: false },
  });
});

describe("answered", () => {
  test("is the share of those that were answered to their end", () => {
    expect(figuresOf([answered, answered, broken, down]).answered).toBe(0.5);
  });

  test.each([
    ["left before its answer", { status: 499 }],
    ["left in the middle of it", { attempts: [attemptRecord({ outcome: "client_left" })] }],
    ["asked for what nobody serves", { status: 404, error: "no_provider", provider: "", attempts: [] }],
    ["asked for what the upstream refuses", { status: 400 }],
  ] as const)("does not count a client that %s", (_, own) => {
    expect(figuresOf([answered, requestRecord(own)])).toMatchObject({ answered: 1, requests: 2 });
    expect(figuresOf([requestRecord(own)]).answered).toBeNull();
  });

  test("does count that there was no room", () => {
    expect(figuresOf([answered, requestRecord({ status: 429, error: "providers_full" })]).answered).toBe(0.5);
  });
});

test("the first token is told by the nearest that was seen, without those that had none", () => {
  const some = (count: number) =>
    Array.from({ length: count }, (_, index) => requestRecord({ ttft_ms: (count - index) * 10 }));
  expect(figuresOf([...some(100), down])).toMatchObject({ ttftP50: 500, ttftP99: 990 });
  expect(figuresOf(some(3))).toMatchObject({ ttftP50: 20, ttftP99: 30 });
  expect(figuresOf(some(1))).toMatchObject({ ttftP50: 10, ttftP99: 10 });
});

test("hedged is the share of those that somebody was asked for, won the share of these", () => {
  const requests = [hedge("won"), hedge("lost"), hedge("lost"), answered, down];
  expect(figuresOf(requests)).toMatchObject({ hedged: 0.75, hedgesWon: 1 / 3 });
  expect(figuresOf([answered])).toMatchObject({ hedged: 0, hedgesWon: null });
});

test("the losers' tokens are those of attempts that lost, and estimated when one of them is", () => {
  const tokens = { input: 100, output: 7, cached: 0, estimated: false };
  const lost = attemptRecord({ outcome: "lost", tokens });
  const guessed = attemptRecord({ outcome: "lost", tokens: { ...tokens, output: 1, estimated: true } });
  const won = attemptRecord({ tokens });
  const unknown = attemptRecord({ outcome: "lost" });
  const of = (...attempts: (typeof lost)[]) => figuresOf([requestRecord({ attempts })]).lostTokens;
  expect(of(lost, won, unknown)).toEqual({ input: 100, output: 7, estimated: false });
  expect(of(lost, guessed)).toEqual({ input: 200, output: 8, estimated: true });
});
