import { beforeEach, describe, expect, test } from "bun:test";
import { type Breaker, type BreakerState, breaker, type Permit } from "../../src/provider/breaker.ts";
import { type HandClock, handClock } from "../world/clock.ts";

const RULES = { failures: 3, openMs: 1_000, successes: 2 };

let clock: HandClock;
let told: string[];
let it: Breaker;
beforeEach(() => {
  clock = handClock();
  told = [];
  it = breaker(clock, (state: BreakerState, reason: string) => told.push(`${state} ${reason}`));
});

function given(): Permit {
  const permit = it.permit(RULES);
  if (!permit) throw new Error("no permit was given");
  return permit;
}
const settle = (...outcomes: ("ok" | "failed" | "unknown")[]) => {
  for (const outcome of outcomes) given().settle(outcome);
};
const broken = () => {
  const permit = given();
  permit.settle("ok");
  permit.broke();
};
const halfOpen = async () => {
  settle("failed", "failed", "failed");
  await clock.advance(RULES.openMs);
  told = [];
};

describe("closed", () => {
  test("lets everybody through at once", () => {
    expect([it.permit(RULES), it.permit(RULES)]).not.toContain(null);
    expect(it.state()).toBe("closed");
  });

  test("opens at so many failures in a row", () => {
    settle("failed", "failed");
    expect(it.state()).toBe("closed");
    settle("failed");
    expect(it.state()).toBe("open");
    expect(told).toEqual(["open failures"]);
  });

  test("counts anew after a success", () => {
    settle("failed", "failed", "ok", "failed", "failed");
    expect(it.state()).toBe("closed");
  });

  test("counts nothing that says nothing about the provider", () => {
    settle("failed", "failed", "unknown", "failed");
    expect(it.state()).toBe("open");
  });

  test("opens when every stream breaks after its first words", () => {
    broken();
    broken();
    expect(it.state()).toBe("closed");
    broken();
    expect(it.state()).toBe("open");
  });

  test("opens on streams that break side by side, though each began well", () => {
    for (let round = 0; round < 2; round++) {
      const both = [given(), given()];
      for (const permit of both) permit.settle("ok");
      for (const permit of both) permit.broke();
    }
    expect(it.state()).toBe("open");
  });

  test("does not open on one stream that breaks long after a bad run, when many went well since", () => {
    settle("failed", "failed");
    const long = given();
    long.settle("ok");
    settle("ok", "ok", "ok", "ok");
    long.broke();
    expect(it.state()).toBe("closed");
  });
});

describe("open", () => {
  beforeEach(() => settle("failed", "failed", "failed"));

  test("lets nobody through until its time is over", async () => {
    expect(it.permit(RULES)).toBeNull();
    expect(it.opensInMs()).toBe(1_000);
    await clock.advance(999);
    expect(it.permit(RULES)).toBeNull();
    await clock.advance(1);
    expect([it.state(), it.opensInMs()]).toEqual(["half_open", 0]);
    given();
    expect(told).toEqual(["open failures", "half_open open_time_over"]);
  });

  test("closes at an operator's word, with nothing counted", () => {
    it.reset();
    expect(it.state()).toBe("closed");
    settle("failed", "failed");
    expect(it.state()).toBe("closed");
    expect(told).toEqual(["open failures", "closed reset"]);
  });
});

describe("half open", () => {
  beforeEach(halfOpen);

  test("lets one probe through at a time", () => {
    const probe = given();
    expect(it.permit(RULES)).toBeNull();
    probe.settle("ok");
    given();
  });

  test("is freed by a probe that found out nothing, and goes on asking", () => {
    given().settle("unknown");
    expect(it.state()).toBe("half_open");
    settle("ok", "ok");
    expect(it.state()).toBe("closed");
  });

  test("closes after so many good probes", () => {
    settle("ok");
    expect(it.state()).toBe("half_open");
    settle("ok");
    expect(told).toEqual(["half_open open_time_over", "closed probes_succeeded"]);
  });

  test("opens again with one bad probe, for the whole time", () => {
    settle("ok", "failed");
    expect([it.state(), it.opensInMs()]).toEqual(["open", 1_000]);
    expect(told.at(-1)).toBe("open probe_failed");
  });

  test("opens again with a probe that breaks after its content", () => {
    broken();
    expect(it.state()).toBe("open");
  });
});

describe("a permit of an earlier state", () => {
  test("does not decide for the probe", async () => {
    const [failing, fine, breaking, leaving] = [given(), given(), given(), given()];
    breaking.settle("ok");
    await halfOpen();
    const probe = given();
    failing.settle("failed");
    fine.settle("ok");
    leaving.settle("unknown");
    breaking.broke();
    expect(it.permit(RULES)).toBeNull();
    probe.settle("ok");
    settle("ok");
    expect(it.state()).toBe("closed");
  });

  test("of a probe that closed it still counts when its stream breaks", async () => {
    await halfOpen();
    settle("ok");
    const probe = given();
    probe.settle("ok");
    probe.broke();
    settle("failed", "failed");
    expect(it.state()).toBe("open");
  });
});
