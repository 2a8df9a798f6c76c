import { describe, expect, test } from "bun:test";
import { providerView } from "../../http/admin/world.ts";
import { CONFIG, requestView, watchWorld } from "./world.ts";

const OFTEN = ["providers", "readyz", "sessions"];
const ALL = ["config", "providers", "readyz", "requests", "sessions"];
/** Longer than a drawing waits. */
const DRAWN_MS = 200;
/** Longer than the rest between two times of asking. */
const RESTED_MS = 500;
const away = () => Promise.reject(new TypeError("Failed to fetch"));
const unanswered = () => new Promise<Response>(() => {});

/** A watch that listens, and has shown all there is. */
async function listening() {
  const world = watchWorld();
  await world.clock.advance(RESTED_MS);
  expect(world.asked()).toEqual([...ALL, "events"].sort());
  expect(world.seen()).toMatchObject({ listening: true, silence: "", requests: [], config: CONFIG });
  return world;
}

/** Nothing is left of it. */
async function expectEnded({ clock, asked, end, shown }: Awaited<ReturnType<typeof listening>>) {
  end();
  await clock.advance(0);
  asked();
  const drawn = shown.length;
  expect(clock.sleepers()).toBe(0);
  await clock.advance(60_000);
  expect([asked(), shown.length]).toEqual([[], drawn]);
}

test("all is asked for at first, then every 2 s what no event tells; the end ends it", async () => {
  const world = await listening();
  for (let turn = 0; turn < 3; turn++) {
    await world.clock.advance(2_000);
    expect(world.asked()).toEqual(OFTEN);
  }
  await expectEnded(world);
});

test("a page that nobody looks at asks for nothing, and goes on listening", async () => {
  const world = await listening();
  world.hide(true);
  world.stream()?.tell("request_finished", requestView());
  await world.clock.advance(30_000);
  expect(world.asked()).toEqual([]);
  expect(world.seen()?.requests).toEqual([requestView()]);
  world.hide(false);
  await world.refresh();
  expect(world.asked()).toEqual(ALL);
  await expectEnded(world);
});

describe("events", () => {
  test("of a moment are drawn at once, the newest first", async () => {
    const world = await listening();
    const drawn = world.shown.length;
    for (let time = 1; time <= 50; time++)
      world.stream()?.tell("override", { time_ms: time, provider: "a", override: "reset" });
    await world.clock.advance(DRAWN_MS);
    expect(world.shown.length).toBe(drawn + 1);
    expect(world.seen()?.decisions.map(({ timeMs }) => timeMs)).toEqual(Array.from({ length: 50 }, (_, i) => 50 - i));
    await expectEnded(world);
  });

  test("that change providers make it ask at once, a storm of them no storm of requests", async () => {
    const world = await listening();
    const event = { time_ms: 1, provider: "a", state: "open", reason: "failures" };
    world.stream()?.tell("breaker", event);
    await world.clock.advance(0);
    expect(world.asked()).toEqual(OFTEN);
    for (let turn = 0; turn < 100; turn++) {
      world.stream()?.tell("breaker", event);
      await world.clock.advance(5);
    }
    const asked = world.asked();
    expect(asked.length).toBeGreaterThanOrEqual(OFTEN.length);
    expect(asked.length).toBeLessThanOrEqual(2 * OFTEN.length);
    await world.clock.advance(RESTED_MS);
    world.asked();
    world.stream()?.tell("reload", { time_ms: 2, result: "applied", problems: [], notes: [] });
    await world.clock.advance(RESTED_MS);
    expect(world.asked()).toContain("config");
    await expectEnded(world);
  });

  test("while something is asked for: what is asked then is newer than they are", async () => {
    const world = await listening();
    const first = Promise.withResolvers<Response>();
    world.answers["providers"] = () => first.promise;
    const done = world.refresh();
    await world.clock.advance(0);
    world.answers["providers"] = () => Response.json({ providers: [providerView({ enabled: false })] });
    world.stream()?.tell("override", { time_ms: 1, provider: "fast", override: "disabled" });
    await world.clock.advance(0);
    first.resolve(Response.json({ providers: [providerView()] }));
    await done;
    await world.clock.advance(RESTED_MS);
    expect(world.seen()?.providers).toMatchObject([{ enabled: false }]);
    await expectEnded(world);
  });

  test("of requests that end while the list of them is on its way are kept", async () => {
    const world = await listening();
    const list = Promise.withResolvers<Response>();
    world.answers["requests"] = () => list.promise;
    const done = world.refresh();
    await world.clock.advance(0);
    world.stream()?.tell("request_finished", requestView({ request_id: "new" }));
    await world.clock.advance(0);
    list.resolve(Response.json({ requests: [requestView({ request_id: "old" })] }));
    await done;
    await world.clock.advance(DRAWN_MS);
    expect(world.seen()?.requests?.map(({ request_id }) => request_id)).toEqual(["new", "old"]);
    await expectEnded(world);
  });
});

describe("a feed", () => {
  test("that ends is told, all is asked for again, and it is listened to again", async () => {
    const world = await listening();
    world.stream()?.end();
    await world.clock.advance(DRAWN_MS);
    expect(world.asked()).toEqual(ALL);
    expect(world.seen()?.listening).toBe(false);
    await world.clock.advance(1_000 + DRAWN_MS);
    expect(world.asked()).toContain("events");
    expect(world.seen()?.listening).toBe(true);
    await expectEnded(world);
  });

  test("that others fill is asked for less and less often, all else every 2 s", async () => {
    const events = () => Response.json({ error: { code: "too_many_listeners" } }, { status: 503 });
    const world = watchWorld({ events });
    await world.clock.advance(0);
    const tries: number[] = [];
    let polls = 0;
    for (let second = 1; second <= 80; second++) {
      await world.clock.advance(1_000);
      const asked = world.asked();
      if (asked.includes("events")) tries.push(second);
      polls += asked.filter((one) => one === "requests").length;
    }
    expect(world.seen()).toMatchObject({ listening: false, silence: "", config: CONFIG });
    expect(tries).toEqual([1, 3, 7, 15, 30, 45, 60, 75]);
    expect(polls).toBeGreaterThanOrEqual(80 / 2 - 8);
    await expectEnded(world);
  });

  test("that a proxy keeps back is not listened to, and given up after 45 s", async () => {
    const world = watchWorld({ events: unanswered });
    await world.clock.advance(44_000);
    expect(world.seen()).toMatchObject({ listening: false, requests: [] });
    expect(world.asked().filter((one) => one === "events")).toHaveLength(1);
    await world.clock.advance(3_000);
    expect(world.asked()).toContain("events");
    await expectEnded(world);
  });

  test("without a keep-alive for 45 s is begun anew", async () => {
    const world = await listening();
    await world.clock.advance(40_000);
    world.stream()?.send(": keep-alive\n\n");
    await world.clock.advance(40_000);
    expect(world.asked()).not.toContain("events");
    await world.clock.advance(7_000);
    expect(world.asked()).toContain("events");
    expect(world.streams).toHaveLength(2);
    expect(world.seen()?.listening).toBe(true);
    await expectEnded(world);
  });
});

describe("an instance", () => {
  test("that is gone is told, what is known of it stays, and it goes on when it is back", async () => {
    const world = await listening();
    const before = { ...world.answers };
    for (const what of [...ALL, "events"]) world.answers[what] = away;
    world.stream()?.end();
    await world.clock.advance(DRAWN_MS);
    expect(world.seen()).toMatchObject({ silence: "no answer from the instance", readiness: null, listening: false });
    expect(world.seen()?.providers).toHaveLength(1);
    Object.assign(world.answers, before);
    await world.clock.advance(2_000);
    expect(world.seen()).toMatchObject({ silence: "", listening: true, readiness: { ready: true } });
    await expectEnded(world);
  });

  test("that hangs is taken for gone after 10 s", async () => {
    const world = await listening();
    world.answers["providers"] = unanswered;
    await world.clock.advance(2_000 + 10_000 + DRAWN_MS);
    expect(world.seen()?.silence).toBe("no answer from the instance");
    await expectEnded(world);
  });

  test("whose store is away says so in its own words", async () => {
    const world = await listening();
    const message = "the session store does not answer";
    world.answers["sessions"] = () => Response.json({ error: { code: "store_down", message } }, { status: 503 });
    await world.clock.advance(2_000 + DRAWN_MS);
    expect(world.seen()?.silence).toBe(message);
    await expectEnded(world);
  });

  test.each([401, 403])("that refuses with %d ends the watch, once", async (status) => {
    const world = await listening();
    for (const what of ["providers", "sessions"]) world.answers[what] = () => new Response(null, { status });
    await world.clock.advance(60_000);
    expect(world.refused).toEqual([status]);
    expect(world.clock.sleepers()).toBe(0);
    await expectEnded(world);
  });

  test("that has too many wrong tokens from here refuses a new visitor, and keeps one who is in", async () => {
    const slow = () => Response.json({ error: { message: "too many wrong tokens" } }, { status: 429 });
    const inside = await listening();
    inside.answers["providers"] = slow;
    await inside.clock.advance(2_000 + DRAWN_MS);
    expect(inside.refused).toEqual([]);
    expect(inside.seen()?.silence).toBe("too many wrong tokens");
    await expectEnded(inside);
    const outside = watchWorld({ events: slow });
    await outside.clock.advance(DRAWN_MS);
    expect(outside.refused).toEqual([429]);
    await expectEnded(outside);
  });
});
