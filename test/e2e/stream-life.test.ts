import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { PROTOCOL_NAMES } from "../../src/protocol/protocol.ts";
import {
  answer,
  cutMidStream,
  gzipped,
  headersThenSilence,
  inTurn,
  noHeaders,
  pingsOnly,
  resetAtOnce,
  splitEvery,
  stallMidStream,
  status,
} from "../../src/simulator/behaviour.ts";
import { pause, stall, waitFor } from "../../src/simulator/script.ts";
import type { Behave } from "../../src/simulator/simulator.ts";
import { ask, begin, hearUntil, PLAIN_TEXT } from "../world/http.ts";
import { rawAsk } from "../world/raw.ts";
import { eventually, startWorld } from "../world/scripted-upstream.ts";
import { endedAtOnce, exchanges, PATIENT } from "./leaving.ts";

setDefaultTimeout(120_000);

const says = (text: string, pace: Parameters<typeof answer>[0] = {}) => answer({ ...pace, reply: { pieces: [text] } });
const afterMs =
  (ms: number, inner: Behave): Behave =>
  async (request) => [pause(ms), ...(await inner(request))];
/** No timeout of ours could do in its stead what the hedge is there for. */
const hedging = (after: string, more: Readonly<Record<string, unknown>> = {}) => ({
  config: { defaults: { hedge: { after, budget: "100%", ...more }, timeouts: PATIENT } },
});
const markOf = (heard: Readonly<{ headers: Headers }>) => heard.headers.get("x-hedgerow-hedge");
const range = (count: number) => Array.from({ length: count }, (_, at) => at);

describe("the race", () => {
  test("both providers slow at once: the budget holds the extra load, every request completes", async () => {
    const slow = answer({ headMs: 300 });
    await using world = await startWorld({ a: slow, b: slow }, hedging("50ms", { budget: "10%" }));
    const heard = await Promise.all(range(60).map((at) => ask(world.url, "anthropic", { session: `s${at}` })));
    for (const answered of heard) expect(answered).toMatchObject({ status: 200, said: PLAIN_TEXT, terminal: true });
    expect(world.upstream.a.arrived()).toBe(60);
    // 10 % of 60, and the burst of 5.
    expect(world.upstream.b.arrived()).toBeLessThanOrEqual(11);
    expect(world.upstream.b.arrived()).toBeGreaterThan(0);
    await world.idle();
  });

  test("a budget that runs out stops no running attempt", async () => {
    await using world = await startWorld(
      { a: afterMs(2_000, answer()), b: answer({ headMs: 400 }) },
      hedging("50ms", { budget: "1%" }),
    );
    const heard = await Promise.all(range(12).map((at) => ask(world.url, "anthropic", { session: `s${at}` })));
    for (const answered of heard) expect(answered).toMatchObject({ status: 200, said: PLAIN_TEXT, terminal: true });
    await world.idle();
    const hedges = world.upstream.b.exchanges();
    expect(hedges.length).toBeGreaterThan(0);
    expect(hedges.length).toBeLessThanOrEqual(6);
    for (const hedge of hedges) expect(hedge.end()?.how).toBe("answered");
    expect(await world.hedgerow.metric("hedgerow_hedges_total", { result: "denied_budget" })).toBeGreaterThan(0);
  });

  test("the winner's body fails after it won: an honest end, no third provider", async () => {
    await using world = await startWorld({ a: noHeaders, b: cutMidStream, c: answer() }, hedging("100ms"));
    const heard = await ask(world.url, "anthropic");
    expect(heard).toMatchObject({ status: 200, said: "The hedge grows ", terminal: false, error: true });
    expect([markOf(heard), world.upstream.c.arrived()]).toEqual(["won", 0]);
    await world.idle();
  });

  test("a hedge launched while the first answers: never two winners", async () => {
    // The first answers when the hedge has arrived, so that each has its first content at the same moment.
    let hedge = Promise.withResolvers<void>();
    const first: Behave = async (request) => [waitFor(hedge.promise), ...(await says("from a")(request))];
    const second: Behave = (request) => {
      hedge.resolve();
      return says("from b")(request);
    };
    const { defaults } = hedging("20ms").config;
    // A first that always loses would open its breaker, and be asked no more.
    const config = { defaults: { ...defaults, breaker: { failures: 100 } } };
    await using world = await startWorld({ a: first, b: second }, { config });
    for (const at of range(30)) {
      hedge = Promise.withResolvers();
      const heard = await ask(world.url, "openai-chat", { session: `s${at}` });
      expect(world.upstream.b.arrived()).toBe(at + 1);
      expect(heard).toMatchObject({ status: 200, clean: true, terminal: true, error: false });
      expect([heard.said, markOf(heard)]).toEqual(
        heard.headers.get("x-hedgerow-provider") === "a" ? ["from a", "lost"] : ["from b", "won"],
      );
      expect(new Set(heard.body.match(/chatcmpl-sim\d+/g)).size).toBe(1);
    }
    await world.idle();
  });

  test("headers at once and content late: hedged at the delay", async () => {
    await using world = await startWorld(
      { a: says("from a", { firstMs: 60_000 }), b: says("from b") },
      hedging("100ms"),
    );
    const heard = await ask(world.url, "openai-responses");
    expect(heard).toMatchObject({ said: "from b", terminal: true });
    expect(markOf(heard)).toBe("won");
    expect((await world.upstream.a.exchanges()[0]?.ended)?.how).toBe("left");
    await world.idle();
  });

  test.each([
    { after: "100ms", first_token: "10m", mark: "won" },
    { after: "off", first_token: "500ms", mark: "off" },
  ])("pings and never content (hedge after: $after)", async ({ after, first_token, mark }) => {
    await using world = await startWorld(
      { a: pingsOnly(20), b: says("from b") },
      { config: { defaults: { hedge: { after }, timeouts: { ...PATIENT, first_token } } } },
    );
    const heard = await ask(world.url, "anthropic");
    expect(heard).toMatchObject({ said: "from b", terminal: true, error: false });
    expect(markOf(heard)).toBe(mark);
    expect((await world.upstream.a.exchanges()[0]?.ended)?.how).toBe("left");
    await world.idle();
  });

  test("the first provider's 400 during a hedge settles it", async () => {
    await using world = await startWorld({ a: afterMs(400, status(400)), b: noHeaders }, hedging("100ms"));
    const heard = await ask(world.url, "anthropic");
    expect(heard).toMatchObject({ status: 400, error: true });
    expect(heard.body).toContain("simulated 400");
    expect((await world.upstream.b.exchanges()[0]?.ended)?.how).toBe("left");
    await world.idle();
  });

  test("all fail with different errors: the last upstream answer that may be shown", async () => {
    await using world = await startWorld({
      a: status(500, { message: "first" }),
      b: status(529, { message: "second" }),
      c: resetAtOnce,
      d: status(401, { message: "your key is wrong" }),
    });
    const heard = await ask(world.url, "anthropic");
    expect(heard.status).toBe(529);
    expect(heard.body).toContain("second");
    expect(heard.headers.get("x-hedgerow-attempts")).toBe("4");
    expect(heard.headers.get("x-should-retry") === "false" || heard.headers.has("retry-after")).toBe(true);
    await world.idle();
  });

  test("a session at its provider's limit can still be hedged elsewhere", async () => {
    await using world = await startWorld(
      { a: inTurn(says("from a"), noHeaders), b: says("from b") },
      { ...hedging("100ms"), only: { a: { limits: { sessions: 1 } } } },
    );
    expect(await ask(world.url, "anthropic", { session: "mine" })).toMatchObject({ said: "from a" });
    expect(await ask(world.url, "anthropic", { session: "mine" })).toMatchObject({ said: "from b", terminal: true });
    await world.idle();
    // The rescue leaves no residence at the rescuer.
    expect(await world.hedgerow.metric("hedgerow_sessions", { provider: "a" })).toBe(1);
    expect(await world.hedgerow.metric("hedgerow_sessions", { provider: "b" })).toBe(0);
  });

  test("500 concurrent hedged streams end with nothing left", async () => {
    await using world = await startWorld({ a: answer({ headMs: 800 }), b: answer() }, hedging("200ms"));
    const heard = await Promise.all(range(500).map((at) => rawAsk(world.url, "anthropic", { session: `s${at}` })));
    expect(heard.filter((answered) => answered.said === PLAIN_TEXT && answered.terminal && answered.clean).length).toBe(
      500,
    );
    await world.idle();
    await eventually("no upstream request runs", () => world.upstream.a.running() + world.upstream.b.running() === 0);
    expect(await world.hedgerow.metric("hedgerow_hedges_total", { result: "won" })).toBeGreaterThan(0);
  });
});

describe("homes and hedges", () => {
  test("one rescue does not move a home, two losses of the last three races do", async () => {
    await using world = await startWorld(
      { a: inTurn(answer(), noHeaders, answer(), noHeaders, noHeaders, noHeaders), b: answer() },
      hedging("100ms"),
    );
    const served = async () => {
      const heard = await ask(world.url, "anthropic", { session: "mine" });
      await world.idle();
      return heard.headers.get("x-hedgerow-provider");
    };
    // Answered at home · rescued once · at home, not hedged · a second loss moves it.
    expect([await served(), await served(), await served(), await served()]).toEqual(["a", "b", "a", "b"]);
    const seenByA = world.upstream.a.arrived();
    expect(await served()).toBe("b");
    expect(world.upstream.a.arrived()).toBe(seenByA);
  });

  test("a black hole is found though hedges cover it", async () => {
    await using world = await startWorld(
      { a: noHeaders, b: answer() },
      {
        config: {
          defaults: { hedge: { after: "50ms", budget: "100%" }, breaker: { failures: 3, open: "60s" } },
        },
      },
    );
    for (const at of range(6))
      expect(await ask(world.url, "anthropic", { session: `s${at}` })).toMatchObject({ said: PLAIN_TEXT });
    await world.idle();
    expect(await world.hedgerow.metric("hedgerow_breaker_state", { provider: "a" })).toBe(2);
    expect(world.upstream.a.arrived()).toBe(3);
  });
});

describe("aborts", () => {
  const lastByte: Behave = async (request) => [...(await answer()(request)), stall];
  /** `heard`: what the client waits for; null: until its request has arrived upstream. */
  const POINTS: readonly Readonly<{ where: string; behave: Behave; heard: string | null }>[] = [
    { where: "before headers", behave: noHeaders, heard: null },
    { where: "after headers, before content", behave: headersThenSilence, heard: null },
    { where: "between events", behave: stallMidStream, heard: "grows " },
    { where: "at the last byte", behave: lastByte, heard: "message_stop" },
  ];
  test.each(POINTS)("the client leaves $where: the upstream is told, nothing counts against it", async (point) => {
    const { behave, heard } = point;
    const defaults = { timeouts: PATIENT, breaker: { failures: 1 } };
    await using world = await startWorld({ a: behave }, { config: { defaults } });
    for (const at of range(3)) {
      const leaving = new AbortController();
      const asked = begin(world.url, "anthropic", { session: `s${at}`, signal: leaving.signal });
      if (heard === null) {
        await eventually("the request arrives", () => world.upstream.a.arrived() === at + 1);
        // Nobody sees the headers come in; by then they have.
        await exchanges(world.url, 50);
      } else {
        await hearUntil(await asked, heard);
      }
      leaving.abort();
      await asked.catch(() => null);
      expect(await endedAtOnce(world.url, world.upstream.a.exchanges()[at])).toBe("left");
      await world.idle();
    }
    expect(await world.hedgerow.metric("hedgerow_breaker_state", { provider: "a" })).toBe(0);
  });

  test("the client leaves a hedged request: both upstreams are told", async () => {
    await using world = await startWorld({ a: noHeaders, b: noHeaders }, hedging("50ms"));
    const leaving = new AbortController();
    const asked = begin(world.url, "anthropic", { signal: leaving.signal }).catch(() => "left");
    await eventually("the hedge arrives", () => world.upstream.b.arrived() === 1);
    leaving.abort();
    expect(await asked).toBe("left");
    expect(await endedAtOnce(world.url, world.upstream.a.exchanges()[0])).toBe("left");
    expect(await endedAtOnce(world.url, world.upstream.b.exchanges()[0])).toBe("left");
    await world.idle();
  });
});

describe("bytes on the way", () => {
  test.each(PROTOCOL_NAMES)(
    "%s: answers split at every byte, and gzipped ones, are classified and passed on as they are",
    async (protocol) => {
      const spoken = says("grüße 🌱🌿");
      await using world = await startWorld({ a: splitEvery(3, spoken) });
      expect(await ask(world.url, protocol)).toMatchObject({ said: "grüße 🌱🌿", terminal: true, clean: true });
      world.upstream.a.behave(gzipped(spoken));
      const heard = await ask(world.url, protocol);
      expect(heard.headers.get("content-encoding")).toBe("gzip");
      expect(heard).toMatchObject({ said: "grüße 🌱🌿", terminal: true, clean: true });
      await world.idle();
    },
  );
});
