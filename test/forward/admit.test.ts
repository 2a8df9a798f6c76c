import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { background } from "../../src/core/background.ts";
import { secret } from "../../src/core/secret.ts";
import type { Admission } from "../../src/forward/admission.ts";
import { type Admitting, type AdmitWish, admitting } from "../../src/forward/admit.ts";
import type { Next } from "../../src/forward/race-rules.ts";
import type { Unadmitted } from "../../src/forward/unadmitted.ts";
import { type Breaker, breaker } from "../../src/provider/breaker.ts";
import { type Cooldowns, cooldowns } from "../../src/provider/cooldown.ts";
import type { Provider } from "../../src/provider/provider.ts";
import type { Slots } from "../../src/session/slots.ts";
import { provider } from "../provider/world.ts";
import { type HandClock, handClock } from "../world/clock.ts";
import { memorySlots } from "./memory-slots.ts";

const RULES = { failures: 1, openMs: 30_000, successes: 1 };
const never = new AbortController().signal;

let clock: HandClock;
let slots: Slots;
let cooling: Cooldowns;
let breakers: Map<string, Breaker>;
let jobs: ReturnType<typeof background>;
beforeEach(() => {
  clock = handClock();
  cooling = cooldowns(clock);
  breakers = new Map();
  jobs = background((_, error) => {
    throw error;
  });
  const forgetHome = async () => {};
  slots = memorySlots({
    clock,
    background: jobs,
    observe: () => {},
    waitMax: 2,
    idle: () => "yield",
    forgetHome,
  }).slots;
});
/** Nothing is left: no lease, no waiter, no probe that nobody makes, no timer. */
afterEach(async () => {
  expect([slots.leases(), slots.waiting()]).toEqual([0, 0]);
  await slots.close(1_000);
  await jobs.drained();
  expect(clock.sleepers()).toBe(0);
});

const breakerOf = (name: string) => {
  const found = breakers.get(name) ?? breaker(clock, () => {});
  breakers.set(name, found);
  return found;
};
const breakOpen = (name: string) => breakerOf(name).permit(RULES)?.settle("failed");

function admits(providers: readonly Provider[], more: Partial<AdmitWish> = {}): Admitting {
  return admitting(
    { clock, slots, cooldowns: cooling, breakerOf },
    {
      ranking: { order: providers.map((one) => ({ provider: one, why: "rank" as const })), out: [] },
      model: "m",
      session: "mine",
      entered: Promise.resolve(null),
      displace: true,
      waitMs: 0,
      untilMs: Number.POSITIVE_INFINITY,
      ...more,
    },
  );
}
const one = (limits: Partial<Provider["limits"]> = {}, name = "a") =>
  provider(name, { limits: { sessions: 0, requests: 0, ...limits }, breaker: RULES });

/** Another session's lease, running until it is released. */
async function occupy(name: string, session = "other") {
  const asked = await slots.acquire(
    {
      scope: `provider:${name}`,
      session,
      limits: { sessions: 0, requests: 99 },
      rpm: 0,
      displace: false,
      onEnded: () => {},
    },
    never,
  );
  if (asked.kind !== "granted") throw new Error("the slot was refused");
  return asked.held;
}
async function given(next: Next<Admission, Unadmitted> | Promise<Next<Admission, Unadmitted>>) {
  const found = await next;
  if (found.kind === "none") throw new Error(`nobody: ${found.why.code}`);
  await found.candidate[Symbol.asyncDispose]();
  return found.candidate.provider.name;
}
const why = async (next: Promise<Next<Admission, Unadmitted>>) => {
  const found = await next;
  return found.kind === "none" ? found.why : found.kind;
};
/** What a search that was called off says. */
const gone = (next: Promise<unknown>) =>
  next.then(
    () => "admitted",
    (error: unknown) => (error instanceof Error ? error.message : "odd"),
  );

describe("attempts are admitted", () => {
  test("down the ranking, each provider once", async () => {
    const it = admits([one(), one({}, "b")]);
    expect(await given(it.next("first", never))).toBe("a");
    expect(await given(it.next("failover", never))).toBe("b");
    expect(await why(it.next("failover", never))).toEqual({ code: "none_left", backInMs: null });
  });

  test("once more where a provider has another key", async () => {
    const a = one();
    const it = admits([a, one({}, "b")]);
    await given(it.next("first", never));
    it.again(a);
    expect(await given(it.next("failover", never))).toBe("b");
    expect(await given(it.next("failover", never))).toBe("a");
  });

  test("past those that are full, open or cooling", async () => {
    const running = await occupy("a");
    breakOpen("b");
    cooling.rest({ provider: "c", key: null, model: "m", ms: 5_000, limited: false });
    const it = admits([one({ requests: 1 }), one({}, "b"), one({}, "c"), one({}, "d")]);
    expect(await given(it.next("first", never))).toBe("d");
    running.release("reverted");
  });

  test("with keys that take turns, however often somebody was asked in vain", async () => {
    const keys = [secret("first-key"), secret("second-key")];
    const running = await occupy("a");
    await why(admits([provider("a", { keys, limits: { sessions: 1, requests: 0 } })]).next("first", never));
    const taken: unknown[] = [];
    for (let round = 0; round < 3; round++) {
      const next = await admits([provider("a", { keys })]).next("first", never);
      if (next.kind === "go") taken.push(next.candidate.key?.reveal());
      if (next.kind === "go") await next.candidate[Symbol.asyncDispose]();
    }
    expect(taken).toEqual(["first-key", "second-key", "first-key"]);
    running.release("reverted");
  });
});

describe("an idle session's slot", () => {
  const rest = async () => (await occupy("a", "idle")).release("done");

  test("is taken only when nobody else has room", async () => {
    await rest();
    expect(await given(admits([one({ sessions: 1 }), one({}, "b")]).next("first", never))).toBe("b");
    expect(await given(admits([one({ sessions: 1 })]).next("first", never))).toBe("a");
  });

  test("is kept where idle sessions are held", async () => {
    await rest();
    expect(await why(admits([one({ sessions: 1 })], { displace: false }).next("first", never))).toMatchObject({
      code: "providers_full",
    });
  });
});

describe("who refused for sessions", () => {
  test("is remembered, for a home among them is lost", async () => {
    const running = await occupy("a");
    const it = admits([one({ sessions: 1 }), one({}, "b")]);
    await given(it.next("first", never));
    expect([...it.refusedForSessions()]).toEqual(["a"]);
    running.release("reverted");
  });

  test("is not who refused for requests, nor who refused a hedge", async () => {
    const running = await occupy("a");
    const it = admits([one({ requests: 1 }), one({}, "b")]);
    await given(it.next("first", never));
    const hedged = admits([one({ sessions: 1 })]);
    expect(await why(hedged.next("hedge", never))).toEqual({ code: "providers_full", backInMs: null });
    expect([...it.refusedForSessions(), ...hedged.refusedForSessions()]).toEqual([]);
    running.release("reverted");
  });
});

describe("a hedge", () => {
  test("leaves the last tenth of the slots alone", async () => {
    const limits = { sessions: 10, requests: 20 };
    const running = await Promise.all(Array.from({ length: 9 }, (_, at) => occupy("a", `other-${at}`)));
    expect(await given(admits([one(limits)]).next("hedge", never))).toBe("a");
    running.push(await occupy("a", "one-more"));
    expect(await why(admits([one(limits)]).next("hedge", never))).toMatchObject({ code: "providers_full" });
    for (const held of running) held.release("reverted");
  });

  test("displaces nobody", async () => {
    (await occupy("a", "idle")).release("done");
    expect(await why(admits([one({ sessions: 1 })]).next("hedge", never))).toMatchObject({ code: "providers_full" });
  });

  test("goes to no provider that is open, half open or cooling", async () => {
    breakOpen("a");
    breakOpen("b");
    await clock.advance(RULES.openMs);
    breakOpen("a");
    cooling.rest({ provider: "c", key: null, model: null, ms: 5_000, limited: true });
    const it = admits([one({}, "a"), one({}, "b"), one({}, "c")]);
    expect(await why(it.next("hedge", never))).toEqual({ code: "providers_down", backInMs: null });
    expect(await given(it.next("failover", never))).toBe("b");
  });
});

describe("in line", () => {
  test("the request waits for the first slot there is, and says for how long", async () => {
    const running = [await occupy("a"), await occupy("b")];
    const it = admits([one({ sessions: 1 }), one({ sessions: 1 }, "b")], { waitMs: 10_000 });
    const next = it.next("first", never);
    await clock.advance(3_000);
    running[1]?.release("reverted");
    await clock.advance(0);
    expect(await given(next)).toBe("b");
    expect(it.waitedMs()).toBe(3_000);
    running[0]?.release("reverted");
  });

  test("it gives up after its wait, all attempts together", async () => {
    const running = await occupy("a");
    const it = admits([one({ sessions: 1 })], { waitMs: 10_000 });
    const next = it.next("first", never);
    await clock.advance(10_000);
    expect(await why(next)).toEqual({ code: "providers_full", backInMs: 1_000 });
    expect(await why(it.next("failover", never))).toMatchObject({ code: "providers_full" });
    expect(it.waitedMs()).toBe(10_000);
    running.release("reverted");
  });

  test("it waits no longer than the request may take at all", async () => {
    const running = await occupy("a");
    const it = admits([one({ sessions: 1 })], { waitMs: 10_000, untilMs: 4_000 });
    const next = it.next("first", never);
    await clock.advance(4_000);
    expect(await why(next)).toMatchObject({ code: "providers_full" });
    expect(await why(it.next("failover", never))).toEqual({ code: "too_late", backInMs: null });
    running.release("reverted");
  });

  test("a provider that fell ill meanwhile gives its slot back, and the others are asked anew", async () => {
    const running = [await occupy("a"), await occupy("b")];
    const it = admits([one({ sessions: 1 }), one({ sessions: 1 }, "b")], { waitMs: 10_000 });
    const next = it.next("first", never);
    await clock.advance(1_000);
    breakOpen("a");
    running[0]?.release("reverted");
    await clock.advance(1_000);
    expect([slots.leases("provider:a"), slots.waiting()]).toEqual([0, 1]);
    running[1]?.release("reverted");
    await clock.advance(0);
    expect(await given(next)).toBe("b");
  });

  test("there is no room for more than so many", async () => {
    const running = await occupy("a");
    const client = new AbortController();
    const waiting = [0, 1].map((at) =>
      admits([one({ sessions: 1 })], { waitMs: 10_000, session: `s${at}` }).next("first", client.signal),
    );
    await clock.advance(0);
    expect(await why(admits([one({ sessions: 1 })], { waitMs: 10_000 }).next("first", never))).toMatchObject({
      code: "providers_full",
    });
    const left = waiting.map(gone);
    client.abort(new Error("left"));
    expect(await Promise.all(left)).toEqual(["left", "left"]);
    running.release("reverted");
  });
});

describe("a probe", () => {
  test("is free again when there was no slot for it, or its client left while asking", async () => {
    breakOpen("a");
    await clock.advance(RULES.openMs);
    const running = await occupy("a");
    expect(await why(admits([one({ sessions: 1 })]).next("first", never))).toMatchObject({ code: "providers_full" });
    const client = new AbortController();
    const asked = admits([one({ requests: 9 })]).next("first", client.signal);
    const left = gone(asked);
    client.abort(new Error("left"));
    expect(await left).toBe("left");
    running.release("reverted");
    expect(await given(admits([one()]).next("first", never))).toBe("a");
  });
});
