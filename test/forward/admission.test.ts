import { beforeEach, describe, expect, test } from "bun:test";
import { type Admission, admission, type AttemptEnd, cutter } from "../../src/forward/admission.ts";
import { provider } from "../provider/world.ts";

let log: string[];
let it: Admission;
beforeEach(() => {
  log = [];
  it = admission({
    provider: provider("a"),
    key: null,
    upstreamModel: "m",
    cut: () => {},
    permit: { settle: (outcome) => log.push(`breaker ${outcome}`), broke: () => log.push("broke") },
    held: {
      scope: "provider:a",
      session: "s",
      lease: "l",
      sessions: 1,
      isNew: true,
      displaced: [],
      release: (ending) => log.push(`lease ${ending}`),
    },
  });
});

describe("an admission", () => {
  test("that nothing was said about leaves no trace", async () => {
    await it[Symbol.asyncDispose]();
    expect(log).toEqual(["breaker unknown", "lease reverted"]);
  });

  test("tells the breaker once, at once; the first word counts", async () => {
    it.settle("ok");
    it.settle("failed");
    expect(log).toEqual(["breaker ok"]);
    await it[Symbol.asyncDispose]();
    expect(log).toEqual(["breaker ok", "lease reverted"]);
  });

  const rows: [AttemptEnd, string][] = [
    ["answered", "done"],
    ["answered_aside", "reverted"],
    ["failed", "failed"],
    ["called_off", "reverted"],
  ];
  test.each(rows)("%s gives the lease back as %s", async (how, ending) => {
    it.endAs("failed");
    it.endAs(how);
    await it[Symbol.asyncDispose]();
    expect(log.at(-1)).toBe(`lease ${ending}`);
  });
});

test("what ends a lease from elsewhere stops its attempt, and says which", () => {
  for (const [why, stop] of [
    ["ended", "session_ended"],
    ["lost", "lease_lost"],
  ] as const) {
    const before = cutter();
    const told: string[] = [];
    before.onEnded(why);
    before.cut((reason) => told.push(reason));
    const after = cutter();
    after.cut((reason) => told.push(reason));
    after.onEnded(why);
    expect(told).toEqual([stop, stop]);
  }
});
