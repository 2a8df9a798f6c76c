import { afterAll, beforeAll, expect, test } from "bun:test";
import { describeWithRedis, redisServer, type RedisServer } from "../../world/redis.ts";
import { START_MS } from "../contract-world.ts";
import { redisWorld } from "./redis-world.ts";
import { perform, traffic } from "./traffic.ts";

const SCOPES = ["provider:main", "client:app"];
/** The longest ttl that the traffic asks for, and the ttl that its sweeps pull back to at most. */
const LONGEST_MS = 60_000;

type Scores = ReadonlyMap<string, number>;
type State = Readonly<{
  sessions: Scores;
  leases: Scores;
  /** When each ends, wherever it is filed. */
  marks: Scores;
  /** Residences that are filed among those of running sessions. */
  running: ReadonlySet<string>;
  refs: Scores;
  /** Which leases are noted beside each session's refs. */
  names: ReadonlyMap<string, readonly string[]>;
}>;
/** So much less a residence's score is while its session has leases. */
const BELOW = 2 ** 43;

/** What the scripts leave in the server, compared with what must hold between its keys after every operation. */
describeWithRedis("what the scripts leave in the server", () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await redisServer();
  });
  afterAll(() => server.stop());

  const scores = async (key: string): Promise<Scores> => {
    const flat = await server.admin.zrangebyscore(key, "-inf", "+inf", "WITHSCORES");
    return new Map(flat.flatMap((member, at) => (at % 2 === 0 ? [[member, Number(flat[at + 1])] as const] : [])));
  };
  const stateOf = async (scope: string): Promise<State> => {
    const key = `hedgerow:{${scope}}:active_session`;
    const [sessions, leases, marks] = await Promise.all([
      scores(`${key}s`),
      scores(`${key}_leases`),
      scores(`${key}_marks`),
    ]);
    const fields = Object.entries(await server.admin.hgetall(`${key}_refs`));
    const noted = fields.filter(([field]) => field.startsWith("L|"));
    const counted = fields.filter(([field]) => !field.startsWith("L|"));
    return {
      sessions,
      leases,
      marks: new Map([...marks].map(([mark, score]) => [mark, score < 0 ? score + BELOW : score])),
      running: new Set([...marks].flatMap(([mark, score]) => (score < 0 ? [mark.slice(2)] : []))),
      refs: new Map(counted.map(([session, count]) => [session, Number(count)])),
      names: new Map(noted.map(([field, names]) => [field.slice(2), names.split("|").filter((name) => name !== "")])),
    };
  };

  /** What is wrong in a scope at a moment; the clock has never gone back. */
  function wrongIn({ sessions, leases, marks, running, refs, names }: State, nowMs: number): string[] {
    const wrong: string[] = [];
    const [entries, until] = [new Map<string, string[]>(), new Map<string, number>()];
    const counts = (session: string, ms: number) => until.set(session, Math.max(ms, until.get(session) ?? 0));
    for (const [member, ms] of leases) {
      const [lease = "", session = ""] = member.split("|");
      entries.set(session, [...(entries.get(session) ?? []), lease]);
      if (ms > nowMs) counts(session, ms);
      if (Buffer.byteLength(member) > 64) wrong.push(`${member} is long`);
    }
    for (const [mark, ms] of marks) if (mark.startsWith("R|") && ms > nowMs) counts(mark.slice(2), ms);
    for (const [mark] of marks) {
      if (mark.startsWith("R|") && running.has(mark.slice(2)) !== entries.has(mark.slice(2)))
        wrong.push(`${mark} is filed wrongly`);
    }
    for (const [session, count] of refs) {
      if (entries.get(session)?.length !== count) wrong.push(`refs of ${session}: ${count}`);
    }
    for (const [session, of] of entries) {
      if (!refs.has(session)) wrong.push(`${session} has no refs`);
      const noted = names.get(session)?.toSorted().join() ?? "";
      if (noted !== of.toSorted().join()) wrong.push(`${session} has ${of.join()}, noted are ${noted}`);
    }
    for (const session of names.keys())
      if (!entries.has(session)) wrong.push(`names of ${session}, which has no lease`);
    for (const [session, ms] of until) if ((sessions.get(session) ?? 0) < ms) wrong.push(`${session} counts too short`);
    for (const [session, ms] of sessions) {
      if (ms > nowMs && ms !== until.get(session)) wrong.push(`${session} counts too long`);
    }
    return wrong;
  }

  test("refs count entries, and a session counts until the latest of its leases and its residence", async () => {
    const world = await redisWorld(server);
    const next = traffic(31);
    let nowMs = START_MS;
    world.setNow(nowMs);
    for (let at = 0; at < 2500; at++) {
      const operation = next();
      if (operation.kind === "pass") nowMs += operation.ms;
      world.setNow(nowMs);
      if (operation.kind === "pass") continue;
      // Pulled back in several bounded steps, a session may count longer than it should until the last one.
      if (operation.kind === "sweep" && operation.ttlMaxMs < LONGEST_MS) continue;
      await perform(world.store, operation);
      for (const scope of SCOPES)
        expect({ at, operation, wrong: wrongIn(await stateOf(scope), nowMs) }).toMatchObject({ wrong: [] });
    }
    await world.close();
  });

  test("complete sweeps leave nothing beyond the longest ttl, and time alone leaves nothing at all", async () => {
    const world = await redisWorld(server);
    const next = traffic(32); // its clock goes back too
    let nowMs = START_MS;
    const sweepAll = async () => {
      for (const scope of SCOPES)
        for (let more = true; more; ) ({ more } = await world.store.sweep(scope, 2, LONGEST_MS));
    };
    for (let at = 0; at < 3000; at++) {
      const operation = next();
      if (operation.kind === "pass") nowMs += operation.ms;
      world.setNow(nowMs);
      if (operation.kind !== "pass") await perform(world.store, operation);
      if (at % 100 !== 99) continue;
      await sweepAll();
      for (const scope of SCOPES) {
        const { sessions, leases, marks } = await stateOf(scope);
        for (const ms of [...sessions.values(), ...leases.values(), ...marks.values()]) {
          expect(ms).toBeGreaterThan(nowMs);
          expect(ms).toBeLessThanOrEqual(nowMs + LONGEST_MS);
        }
      }
    }
    world.setNow(nowMs + LONGEST_MS);
    await sweepAll();
    expect(await server.admin.keys("*")).toEqual([]);
    await world.close();
  });

  test("every key carries an expiry", async () => {
    const world = await redisWorld(server);
    const next = traffic(33);
    world.setNow(START_MS);
    for (let at = 0; at < 300; at++) {
      const operation = next();
      if (operation.kind !== "pass") await perform(world.store, operation);
    }
    const names = await server.admin.keys("*");
    expect(names.length).toBeGreaterThan(4);
    for (const name of names) expect(await server.admin.pttl(name)).toBeGreaterThan(0);
    await world.close();
  });
});
