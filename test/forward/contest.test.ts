import { afterEach, describe, expect, test } from "bun:test";
import { secret } from "../../src/core/secret.ts";
import type { HedgeRules, Provider } from "../../src/provider/provider.ts";
import { provider } from "../provider/world.ts";
import {
  type Act,
  after,
  closing,
  error,
  errorEvent,
  fails,
  hand,
  opening,
  ping,
  said,
  silent,
  sse,
  start,
} from "./upstream.ts";
import { type ForwardWorld, forwardWorld, type WorldRules } from "./world.ts";

let it: ForwardWorld;
afterEach(() => it.over());

const KEY = [secret("a-key-of-the-proxy")];
const SOON: HedgeRules = { after: 1_000, minMs: 0, maxMs: 30_000, coldMs: 1_000 };

function world(names: readonly string[], more: Partial<Provider> = {}, rules: WorldRules = {}) {
  it = forwardWorld(
    names.map((name, priority) => provider(name, { keys: KEY, priority, hedge: SOON, ...more })),
    rules,
  );
}
const hedges = () => it.told("hedge").map(({ provider, result }) => `${provider} ${result}`);
const attempts = () =>
  it
    .records()
    .at(-1)
    ?.attempts.map(({ provider, kind, outcome }) => `${provider} ${kind} ${outcome}`);

describe("a late stream", () => {
  test("is started beside the first; the first content wins, the other is called off", async () => {
    world(["a", "b"]);
    it.script("a", after(5_000, sse(said("late"))));
    it.script("b", after(500, sse(said("hello"))));
    const heard = await it.hear();
    expect(heard.text).toBe(said("hello"));
    expect(heard.headers.get("x-hedgerow-hedge")).toBe("won");
    expect(heard.headers.get("x-hedgerow-attempts")).toBe("2");
    expect(hedges()).toEqual(["a won"]);
    expect(attempts()).toEqual(["a first lost", "b hedge answered"]);
    expect(it.records()[0]).toMatchObject({ hedge: "won", hedge_after_ms: 1_000, ttft_ms: 1_500 });
    expect(await it.count("a")).toEqual({ sessions: 0, requests: 0 });
  });

  test("wins after all, and the hedge leaves no trace", async () => {
    world(["a", "b"]);
    it.script("a", after(1_500, sse(said("hello"))));
    it.script("b", silent);
    const heard = await it.hear();
    expect([heard.text, heard.headers.get("x-hedgerow-hedge")]).toEqual([said("hello"), "lost"]);
    expect(hedges()).toEqual(["a lost"]);
    expect(attempts()).toEqual(["a first answered", "b hedge lost"]);
    expect(await it.count("b")).toEqual({ sessions: 0, requests: 0 });
    expect(it.breaker("b").state()).toBe("closed");
  });

  test("in time arms the hedge and does not need it", async () => {
    world(["a", "b"]);
    it.script("a", after(900, sse(said("hello"))));
    expect((await it.hear()).headers.get("x-hedgerow-hedge")).toBe("idle");
    expect(it.asked).toEqual(["a:a-key-of-the-proxy"]);
  });

  test("is not satisfied by headers, preludes or pings", async () => {
    world(["a", "b"]);
    const pinging = hand();
    it.script("a", pinging.act);
    it.script("b", sse(said("hello")));
    const heard = it.hear();
    pinging.say(start);
    for (let second = 0; second < 3; second++) {
      pinging.say(ping);
      await it.clock.advance(1_000);
    }
    expect((await heard).text).toBe(said("hello"));
    expect(pinging.cancelled()).toBe(true);
  });

  test("that has begun to generate is given half the delay more, once", async () => {
    world(["a", "b"]);
    const generating = hand();
    it.script("a", generating.act);
    it.script("b", sse(said("hello")));
    const heard = it.hear();
    generating.say(start + opening);
    await it.clock.advance(1_400);
    expect(it.asked.length).toBe(1);
    await it.clock.advance(200);
    expect(it.asked.length).toBe(2);
    await heard;
  });

  test("keeps an answer without content back while another may still bring some", async () => {
    world(["a", "b"]);
    it.script("a", after(1_200, sse(start + closing)));
    it.script("b", after(2_000, sse(said("hello"))));
    expect((await it.hear()).text).toBe(said("hello"));
    expect(attempts()).toEqual(["a first lost", "b hedge answered"]);
  });

  test("is settled by the first one's own 400", async () => {
    world(["a", "b"]);
    it.script("a", after(1_500, error(400, "invalid_request_error")));
    it.script("b", silent);
    expect((await it.hear()).status).toBe(400);
  });

  test("goes on elsewhere at once when one of two fails, whatever the budget", async () => {
    world(["a", "b", "c"], {}, { hedgeShare: 0 });
    it.script("a", after(500, fails("connect")));
    it.script("b", after(500, sse(start + errorEvent("overloaded_error"))));
    it.script("c", sse(said("hello")));
    expect(await it.hear()).toMatchObject({ status: 200, text: said("hello") });
    expect(attempts()).toEqual(["a first failed", "b failover failed", "c failover answered"]);
    expect(it.records()[0]).toMatchObject({ ttft_ms: 1_000 });
  });

  test("and its hedge's failure are told when all fail", async () => {
    world(["a", "b"]);
    it.script("a", after(1_500, error(503)));
    it.script("b", after(1_000, error(529, "overloaded_error")));
    const heard = await it.hear();
    expect([heard.status, heard.headers.get("x-hedgerow-hedge")]).toEqual([529, "lost"]);
  });
});

describe("a hedge is denied", () => {
  const late: Act = after(4_500, sse(said("hello")));

  test("by the budget, counted once for a request, and the running attempt goes on", async () => {
    world(["a", "b"], {}, { hedgeShare: 0 });
    it.script("a", late);
    const heard = await it.hear();
    expect([heard.text, heard.headers.get("x-hedgerow-hedge")]).toEqual([said("hello"), "idle"]);
    expect(hedges()).toEqual(["a denied_budget"]);
    expect(it.records()[0]).toMatchObject({ hedge_denied: "budget" });
  });

  test("where the other has its last tenth of slots left, and gives its ticket back", async () => {
    world(["a", "b"], { limits: { sessions: 0, requests: 2 } });
    const others = [hand(), hand()];
    for (const { act } of others) it.script("b", act);
    // 90 % of 2 is 1.8: with two running there is no room for a hedge.
    const running = others.map((_, at) => it.ask({ session: `other-${at}`, boundTo: "b", binding: "account" }));
    await it.clock.advance(0);
    it.script("a", late);
    await it.hear();
    expect(hedges()).toEqual(["a denied_full"]);
    for (const other of others) {
      other.say(said("x"));
      other.end();
    }
    for (const one of running) await (await one).text();
  });

  test("where the other is ill", async () => {
    world(["a", "b"]);
    for (let at = 0; at < 5; at++)
      it.breaker("b").permit({ failures: 5, openMs: 3_600_000, successes: 2 })?.settle("failed");
    it.script("a", late);
    await it.hear();
    expect(it.asked.length).toBe(1);
    await it.over();
    world(["a", "b", "c"]);
    it.script("a", late);
    const heard = it.hear();
    await it.clock.advance(10);
    for (const name of ["b", "c"])
      it.cooling.rest({ provider: name, key: null, model: null, ms: 60_000, limited: true });
    await heard;
    expect(hedges()).toEqual(["a denied_health"]);
  });

  test("where it is not to be hedged: no stream, one provider, a binding, or one at once", async () => {
    const never: [readonly string[], Parameters<ForwardWorld["ask"]>[0], WorldRules][] = [
      [["a", "b"], { stream: false }, {}],
      [["a"], {}, {}],
      [["a", "b"], { binding: "failover_only" }, {}],
      [["a", "b"], { binding: "account" }, {}],
      [["a", "b"], {}, { hedgeAtOnceMax: 1 }],
      [["a", "b"], {}, { hedgeAttemptsMax: 1 }],
    ];
    for (const [names, ask, rules] of never) {
      world(names, {}, rules);
      it.script("a", after(4_500, ask?.stream === false ? error(400, "invalid_request_error") : sse(said("hello"))));
      expect((await it.hear(ask)).headers.get("x-hedgerow-hedge")).toBe("off");
      expect(it.asked.length).toBe(1);
      if (names !== never.at(-1)?.[0]) await it.over();
    }
  });
});

describe("a first attempt that keeps losing to its hedge", () => {
  test("opens its breaker, so a black hole is found though hedges cover it", async () => {
    world(["a", "b"], { breaker: { failures: 3, openMs: 60_000, successes: 2 } }, { hedgeShare: 1 });
    for (let at = 0; at < 3; at++) {
      it.script("a", silent);
      it.script("b", sse(said("hello")));
      await it.hear({ session: `session-${at}` });
    }
    expect(it.breaker("a").state()).toBe("open");
  });

  test("is forgiven by any content of its own", async () => {
    world(["a", "b"], { breaker: { failures: 3, openMs: 60_000, successes: 2 } }, { hedgeShare: 1 });
    for (const wins of [false, false, true, false, false]) {
      it.script("a", wins ? sse(said("x")) : silent);
      if (!wins) it.script("b", sse(said("hello")));
      await it.hear({ session: `session-${it.asked.length}` });
    }
    expect(it.breaker("a").state()).toBe("closed");
  });
});

describe("a home", () => {
  const race = async (homeWins: boolean) => {
    const home = (await it.homes.read("session"))[0]?.home.provider ?? "a";
    const other = home === "a" ? "b" : "a";
    it.script(home, homeWins ? after(1_500, sse(said("x"))) : silent);
    it.script(other, homeWins ? silent : sse(said("x")));
    return it.hear();
  };
  const home = async () => (await it.homes.read("session"))[0]?.home.provider;

  test("is not moved by one rescue, which leaves no residence at the rescuer", async () => {
    world(["a", "b"], {}, { hedgeShare: 1 });
    it.script("a", sse(said("x")));
    await it.hear();
    const rescued = await race(false);
    expect(rescued.headers.get("x-hedgerow-provider")).toBe("b");
    expect(await home()).toBe("a");
    expect(await it.count("b")).toEqual({ sessions: 0, requests: 0 });
    expect(await it.count("a")).toEqual({ sessions: 1, requests: 0 });
  });

  test("moves when it lost two of its last three races", async () => {
    world(["a", "b"], {}, { hedgeShare: 1 });
    it.script("a", sse(said("x")));
    await it.hear();
    await race(false);
    await race(true);
    await race(false);
    expect(await home()).toBe("b");
    expect(await it.count("b")).toEqual({ sessions: 1, requests: 0 });
  });

  test("moves when it failed, or refused for sessions; not when it refused for requests", async () => {
    world(["a", "b"], { limits: { sessions: 1, requests: 1 } }, { idle: "hold" });
    it.script("a", sse(said("x")), error(500));
    it.script("b", sse(said("x")));
    await it.hear();
    expect((await it.hear()).headers.get("x-hedgerow-sticky")).toBe("moved");
    expect(await home()).toBe("b");

    const running = hand();
    it.script("b", running.act);
    const busy = it.ask();
    await it.clock.advance(0);
    it.script("a", sse(said("x")));
    await it.hear();
    expect(await home()).toBe("b");
    running.say(said("x"));
    running.end();
    await (await busy).text();
  });
});

test("a session at its provider's limit can still be hedged elsewhere", async () => {
  world(["a", "b"], { limits: { sessions: 1, requests: 0 } });
  it.script("a", silent);
  it.script("b", sse(said("hello")));
  expect((await it.hear()).text).toBe(said("hello"));
});

test("many hedged streams at once leave nothing", async () => {
  world(["a", "b"], {}, { hedgeShare: 1 });
  for (let at = 0; at < 100; at++) {
    it.script("a", after(800 + at * 20, sse(said("late"))));
    it.script("b", after(300 + at, sse(said("hello"))));
  }
  const all = await Promise.all(Array.from({ length: 100 }, (_, at) => it.hear({ session: `session-${at}` })));
  expect(all.every(({ text }) => text === said("late") || text === said("hello"))).toBe(true);
});
