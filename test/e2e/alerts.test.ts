import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { answer, cutMidStream, inTurn, noHeaders, resetAtOnce, status } from "../../src/simulator/behaviour.ts";
import type { Behave } from "../../src/simulator/simulator.ts";
import { firing } from "../world/alerts.ts";
import { type Asking, ask, begin, hear, hearUntil } from "../world/http.ts";
import { metricsPage } from "../world/metrics-page.ts";
import { BEGUN, heldOpen } from "../world/operate.ts";
import { type Scrape, scraped } from "../world/promql.ts";
import { describeWithRedis, redisServer, type RedisServer } from "../world/redis.ts";
import { eventually, startWorld, type World } from "../world/scripted-upstream.ts";

setDefaultTimeout(60_000);

type House = World<"a">;

/** A scrape as Prometheus has it: with `up`, and with nothing else where nobody answers. */
async function scrape(url: string, atS: number): Promise<Scrape> {
  const page = await metricsPage(url).catch(() => ({ samples: [] }));
  const labels = { job: "hedgerow", instance: url };
  const up = { name: "up", labels, value: page.samples.length > 0 ? 1 : 0 };
  return scraped({ samples: [...page.samples, up] }, atS);
}

/** What fires while this goes on: it is done before each of two scrapes, so that every series has two samples. */
async function during(house: Pick<House, "url">, goesOn: () => Promise<unknown>): Promise<readonly string[]> {
  const scrapes: Scrape[] = [];
  for (const atS of [0, 60]) {
    await goesOn();
    scrapes.push(await scrape(house.url, atS));
  }
  return firing(scrapes);
}

let serial = 0;
async function requests({ url, hedgerow }: House, count: number, asking: Asking = {}): Promise<void> {
  const before = await hedgerow.metric("hedgerow_requests_total");
  for (let turn = 0; turn < count; turn++) await ask(url, "anthropic", { session: `session-${++serial}`, ...asking });
  await eventually("all are counted", async () => (await hedgerow.metric("hedgerow_requests_total")) >= before + count);
}

/** One every other time, for as long as it goes on. */
function alternating(odd: Behave, even: Behave): Behave {
  let arrived = 0;
  return (request) => (++arrived % 2 === 1 ? odd : even)(request);
}

const PATIENT = { breaker: { failures: 1_000 }, retry: { same: 0 } };

describe("HedgerowRequestsFail", () => {
  test.each<[string, Behave, Readonly<Record<string, unknown>>, string]>([
    ["every second answer of the only provider is a 500", alternating(answer(), status(500)), {}, "upstream_error"],
    ["streams break", cutMidStream, PATIENT, "broken"],
    ["connections are reset", resetAtOnce, PATIENT, "attempts_failed"],
    ["nothing comes", noHeaders, { ...PATIENT, timeouts: { first_token: "100ms" } }, "timed_out"],
    ["the breaker is open", status(500), { breaker: { failures: 1, open: "10m" } }, "providers_down"],
  ])("fires where %s", async (_, behave, defaults, outcome) => {
    await using house = await startWorld({ a: behave }, { config: { defaults } });
    expect(await during(house, () => requests(house, 6))).toContain("HedgerowRequestsFail");
    expect(await house.hedgerow.metric("hedgerow_requests_total", { outcome })).toBeGreaterThanOrEqual(6);
  });

  test("fires where there is no room for bodies", async () => {
    const config = { server: { port: 0, max_body: "1MiB", max_buffered: "1MiB" } };
    await using house = await startWorld({ a: alternating(noHeaders, answer()) }, { config });
    const leaving = new AbortController();
    const large = { prompt: "x".repeat(700_000) };
    const first = ask(house.url, "anthropic", { ...large, signal: leaving.signal }).catch(() => "left");
    await eventually("it is here", () => house.upstream.a.running() === 1);
    expect(await during(house, () => requests(house, 2, large))).toEqual(["HedgerowRequestsFail"]);
    expect(await house.hedgerow.metric("hedgerow_requests_total", { outcome: "overloaded" })).toBe(4);
    leaving.abort();
    expect(await first).toBe("left");
  });

  test("does not fire for what clients do wrong, however much of it there is", async () => {
    const clients = [{ name: "team", key: "key-of-the-team-0123", limits: { requests: 1 } }];
    await using house = await startWorld(
      { a: inTurn(answer(), answer(), status(400)) },
      { each: { models: ["model-1"] }, config: { clients, admin: { token: "token-0123456789" } } },
    );
    const own = { authorization: "Bearer key-of-the-team-0123" };
    const fired = await during(house, async () => {
      await requests(house, 3, { headers: own });
      await requests(house, 3, { headers: { authorization: "Bearer nobody's" } });
      await requests(house, 3, { headers: own, model: "unheard-of" });
    });
    expect(fired).toEqual([]);
    for (const outcome of ["answered", "client_error", "unauthorized", "no_provider"])
      expect(await house.hedgerow.metric("hedgerow_requests_total", { outcome })).toBeGreaterThan(0);
  });
});

describe("HedgerowRequestsRefused", () => {
  test("fires where the only provider says 429, and rests for it", async () => {
    await using house = await startWorld({ a: status(429) });
    expect(await during(house, () => requests(house, 3))).toContain("HedgerowRequestsRefused");
  });

  test("fires, and HedgerowNearlyFull too, where one session has the only slot", async () => {
    const held = heldOpen();
    await using house = await startWorld(
      { a: held.behave },
      { each: { limits: { sessions: 1 } }, config: { sessions: { idle: "hold" } } },
    );
    const running = await begin(house.url, "anthropic", { session: "first" });
    await hearUntil(running, BEGUN);
    const fired = await during(house, () => requests(house, 2));
    expect(fired).toEqual(["HedgerowRequestsRefused", "HedgerowNearlyFull"]);
    held.release();
    await hear(running, "anthropic");
  });
});

test("HedgerowBreakerOpen holds from the first opening to the closing, while a probe runs as well", async () => {
  const defaults = { breaker: { failures: 1, open: "100ms", successes: 1 } };
  await using house = await startWorld({ a: status(500) }, { config: { defaults } });
  const now = async () => firing([await scrape(house.url, 0)]);
  const state = () => house.hedgerow.metric("hedgerow_breaker_state");
  expect(await now()).toEqual([]);
  house.upstream.a.behave(inTurn(status(500), noHeaders));
  await ask(house.url, "anthropic");
  expect(await now()).toEqual(["HedgerowBreakerOpen"]);
  await eventually("a probe is let through", async () => (await state()) === 1);
  const leaving = new AbortController();
  const probe = ask(house.url, "anthropic", { signal: leaving.signal }).catch(() => "left");
  await eventually("it runs", () => house.upstream.a.running() === 1);
  expect([await state(), await now()]).toEqual([1, ["HedgerowBreakerOpen"]]);
  leaving.abort();
  expect(await probe).toBe("left");
  house.upstream.a.behave(answer());
  await eventually("it is closed", async () => {
    await ask(house.url, "anthropic");
    return (await state()) === 0;
  });
  expect(await now()).toEqual([]);
});

test("HedgerowDown fires where nobody answers, and none at all where all is well", async () => {
  await using house = await startWorld({ a: answer() }, { each: { limits: { sessions: 100 } } });
  expect(await during(house, () => requests(house, 3))).toEqual([]);
  await house.hedgerow.kill9();
  expect(firing([await scrape(house.url, 0)])).toEqual(["HedgerowDown"]);
});

describeWithRedis("a store that is away", () => {
  let redis: RedisServer;
  beforeEach(async () => {
    redis = await redisServer({ listen: "tcp" });
  });
  afterEach(() => redis.stop());

  test.each([
    ["share", ["HedgerowStoreDown"]],
    ["refuse", ["HedgerowRequestsFail", "HedgerowStoreDown"]],
  ])("with %s fires %j", async (when_down, alerts) => {
    const sessions = { store: "redis", redis: { url: redis.url, timeout: "300ms", when_down } };
    await using house = await startWorld(
      { a: answer() },
      { each: { limits: { sessions: 100 } }, config: { sessions } },
    );
    expect(await during(house, () => requests(house, 2))).toEqual([]);
    await redis.crash();
    await eventually("it is noticed", async () => (await house.hedgerow.metric("hedgerow_store_up")) === 0);
    expect(await during(house, () => requests(house, 2))).toEqual(alerts);
  });
});
