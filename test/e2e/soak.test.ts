import { expect, setDefaultTimeout, test } from "bun:test";
import { PROTOCOL_NAMES } from "../../src/protocol/protocol.ts";
import {
  answer,
  cutMidStream,
  errorInside,
  headersThenSilence,
  noTerminal,
  resetAtOnce,
  stallMidStream,
  status,
} from "../../src/simulator/behaviour.ts";
import type { Behave } from "../../src/simulator/simulator.ts";
import { ask } from "../world/http.ts";
import { eventually, startWorld } from "../world/scripted-upstream.ts";
import { seeded } from "../world/seeded.ts";

setDefaultTimeout(180_000);

const REQUESTS = 1_000;
const AT_ONCE = 40;
const SESSIONS = 60;
/** A third of the clients leave at some moment within this. */
const LEAVE_WITHIN_MS = 150;
const SEED = 20_240_611;

test("1,000 mixed requests with random aborts leave residences only, and those end with the ttl", async () => {
  const random = seeded(SEED);
  const mixed = (healthy: number): Behave => {
    const faults = [status(500), status(529), status(409), errorInside(), resetAtOnce, headersThenSilence].concat([
      stallMidStream,
      cutMidStream,
      noTerminal,
      status(400),
    ]);
    const well = [answer(), answer({ firstMs: 40 }), answer({ gapMs: 10 }), answer({ headMs: 80, gapMs: 5 })];
    return (request) => pick(random() < healthy ? well : faults, random)(request);
  };
  await using world = await startWorld(
    { a: mixed(0.7), b: mixed(0.8), c: mixed(0.95) },
    {
      each: { priority: 0, limits: { sessions: 30 } },
      config: {
        sessions: { ttl: "2s", wait: "500ms" },
        defaults: {
          hedge: { after: "60ms" },
          timeouts: { first_token: "300ms", idle: "200ms", total: "5s" },
          breaker: { failures: 1_000 },
        },
      },
    },
  );
  let begun = 0;
  let ended = 0;
  const client = async () => {
    while (begun < REQUESTS) {
      const serial = begun++;
      const signal = random() < 0.33 ? AbortSignal.timeout(1 + Math.floor(random() * LEAVE_WITHIN_MS)) : undefined;
      await ask(world.url, PROTOCOL_NAMES[serial % 4] ?? "anthropic", {
        session: `s${Math.floor(random() * SESSIONS)}`,
        stream: random() < 0.7,
        ...(signal ? { signal } : {}),
      }).catch(() => {});
      ended += 1;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, client));
  expect(ended).toBe(REQUESTS);

  await world.idle();
  const { a, b, c } = world.upstream;
  await eventually("nothing runs upstream", () => a.running() + b.running() + c.running() === 0);
  for (const provider of ["a", "b", "c"])
    expect(await world.hedgerow.metric("hedgerow_sessions", { provider })).toBeLessThanOrEqual(30);
  await eventually("no session is left", async () => (await world.hedgerow.metric("hedgerow_sessions")) === 0);
  expect(await world.hedgerow.metric("hedgerow_waiting")).toBe(0);
  expect(world.hedgerow.log().filter((record) => record.level === "error")).toEqual([]);
  expect(await world.hedgerow.stop()).toBe(0);
});

const pick = <Value>(values: readonly Value[], random: () => number): Value =>
  values[Math.floor(random() * values.length)] as Value;
