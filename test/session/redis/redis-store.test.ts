import { afterEach, beforeEach, expect, test } from "bun:test";
import { systemClock } from "../../../src/core/clock.ts";
import { secret } from "../../../src/core/secret.ts";
import type { Held } from "../../../src/session/slot.ts";
import { freePort } from "../../world/free-port.ts";
import { describeWithRedis, redisServer, type RedisServer } from "../../world/redis.ts";
import { respProxy } from "../../world/resp-proxy.ts";
import { IMPATIENT_MS, type Member, type MemberOptions, member, SCOPE, until } from "./fleet.ts";
import { judge } from "./history.ts";

const LEASE_TTL_MS = 600;
const key = (kind: string) => `hedgerow:{${SCOPE}}:active_session${kind}`;

describeWithRedis("the shared store", () => {
  let server: RedisServer;
  let members: Member[];
  beforeEach(async () => {
    server = await redisServer({ listen: "tcp" });
    members = [];
  });
  afterEach(async () => {
    for (const one of members) await one.close();
    await server.stop();
  });

  const join = async (name: string, more: Partial<MemberOptions> = {}) => {
    const where = { kind: "single" as const, url: secret(server.url) };
    const one = await member({ where, name, leaseTtlMs: LEASE_TTL_MS, ...more });
    members.push(one);
    return one;
  };
  const grants = async (one: Member, sessions: readonly string[], limit: number) => {
    const held: Held[] = [];
    for (const session of sessions) {
      const granted = await one.ask(session, limit);
      if (granted) held.push(granted);
    }
    return held;
  };
  /** Leases that live in the server, by its own clock. */
  const liveLeases = async () => {
    const [seconds = "0", micros = "0"] = (await server.admin.time()).map(String);
    return server.admin.zcount(key("_leases"), `(${Number(seconds) * 1000 + Number(micros) / 1000}`, "+inf");
  };
  /** Of members, by the server's own account. */
  const connections = async () => String(await server.admin.client("LIST")).split("name=hedgerow ").length - 1;
  const storeEvents = (one: Member) => one.events.filter((event) => event.kind === "store").map((event) => event.up);

  test("instances know of each other, and of one that left", async () => {
    const one = await join("one");
    const two = await join("two");
    await until(() => one.store.instances() === 2 && two.store.instances() === 2);
    members = [one];
    await two.close();
    await until(() => one.store.instances() === 1);
  });

  test("a server that stood still grants nothing of what it was asked meanwhile: everybody has been told already", async () => {
    using proxy = respProxy(server);
    const one = await join("one", { timeoutMs: IMPATIENT_MS, leaseTtlMs: 60_000 });
    const two = await join("two", {
      where: { kind: "single", url: secret(`redis://127.0.0.1:${proxy.port}`) },
      timeoutMs: IMPATIENT_MS,
      leaseTtlMs: 60_000, // nothing lapses while this test runs
    });
    const running = [...(await grants(one, ["a"], 4)), ...(await grants(two, ["b"], 4))];
    server.pause();
    const late = await grants(two, ["c", "d", "e", "f"], 4);
    await until(() =>
      two.events.some((event) => event.kind === "store_call" && event.op === "heartbeat" && event.failed),
    );
    expect(two.store.state()).toBe("down");
    proxy.cutOff(); // what it asked for is on its way still, and it can take nothing back
    server.resume();
    await until(async () => (await connections()) === 1 && one.store.state() === "up");
    expect(await liveLeases()).toBe(2);
    expect(await server.admin.info("errorstats")).toMatch(/errorstat_DEADLINE:count=[1-9]/); // it was asked, late
    proxy.mend();
    await until(() => two.store.state() === "up");
    expect(await liveLeases()).toBe(2 + late.length);
    for (const held of running.slice(0, 1)) one.give(held);
    for (const held of [...running.slice(1), ...late]) two.give(held);
    await until(async () => (await liveLeases()) === 0);
  });

  test("a server that stands still for two lease ttls: what runs is restored, and nothing else remains", async () => {
    const one = await join("one", { timeoutMs: IMPATIENT_MS });
    const two = await join("two", { timeoutMs: IMPATIENT_MS });
    await until(() => one.store.instances() === 2 && two.store.instances() === 2);
    const running = await grants(one, ["a", "b"], 4);
    expect(running).toHaveLength(2);
    server.pause();
    const late = await grants(two, ["c", "d", "e"], 4); // until it gives up asking, then by its share of two
    expect(late).toHaveLength(2);
    await until(() => two.store.state() === "down");
    await systemClock.sleep(2 * LEASE_TTL_MS + 1);
    server.resume();
    await until(() => one.store.state() === "up" && two.store.state() === "up");
    await until(async () => (await liveLeases()) === 4);
    expect(await one.ask("f", 4)).toBeNull();
    for (const held of running) one.give(held);
    for (const held of late) two.give(held);
    await until(async () => (await liveLeases()) === 0);
    await until(async () => (await one.slots.count([SCOPE]))[0]?.sessions === 0);
    expect(storeEvents(two)).toEqual([false, true]);
  });

  test("a server that was killed and came back empty gets the leases and the releases it missed", async () => {
    const one = await join("one");
    const running = await grants(one, ["a", "b", "c"], 4);
    await server.crash();
    await until(() => one.store.state() === "down");
    const [first, ...rest] = running;
    if (first) one.give(first, "done");
    const late = await grants(one, ["d"], 4);
    await server.restart();
    await until(() => one.store.state() === "up");
    await until(async () => (await liveLeases()) === 3);
    // The one that was answered meanwhile goes on counting, though the server never knew it.
    await until(async () => (await one.slots.count([SCOPE]))[0]?.sessions === 4);
    for (const held of [...rest, ...late]) one.give(held);
    await until(async () => (await one.slots.count([SCOPE]))[0]?.sessions === 1);
    expect(storeEvents(one)).toEqual([false, true]);
  });

  test("a server that came back empty admits nobody before it knows who runs", async () => {
    const one = await join("one");
    const running = await grants(one, ["a", "b", "c"], 3);
    await server.crash();
    await until(() => one.store.state() === "down");
    await server.restart();
    let admitted = 0;
    await until(async () => {
      const asked = await Promise.all(["x", "y", "z"].map((session) => one.ask(session, 3)));
      admitted += asked.filter((held) => held !== null).length;
      return one.store.state() === "up" && (await liveLeases()) >= 3;
    });
    expect(admitted).toBe(0);
    expect(running).toHaveLength(3);
  });

  test("a server that was flushed knows all running sessions again after a heartbeat", async () => {
    const one = await join("one");
    const two = await join("two");
    const held = [...(await grants(one, ["a", "b"], 0)), ...(await grants(two, ["b", "c"], 0))];
    await server.admin.flushall();
    await until(async () => (await liveLeases()) === 4);
    expect(await one.slots.count([SCOPE])).toEqual([{ sessions: 3, requests: 4 }]);
    expect(held).toHaveLength(4);
  });

  test("a session whose lease a full server lost resides as soon as there is room for it", async () => {
    const one = await join("one", { leaseTtlMs: 60_000 }); // no heartbeat comes to help
    const [held] = await grants(one, ["a"], 4);
    await server.admin.flushall();
    await server.admin.config("SET", "maxmemory", "1");
    if (held) one.give(held, "done");
    await until(() => one.notices("releases_kept") === 1);
    expect(one.store.state()).toBe("up");
    expect(await server.admin.keys(`*${SCOPE}*`)).toEqual([]);
    await server.admin.config("SET", "maxmemory", "0");
    await until(async () => (await one.slots.count([SCOPE]))[0]?.sessions === 1);
    await until(() => one.notices("releases_replayed") === 1);
  });

  test("replies that are lost leave no slot behind", async () => {
    using proxy = respProxy(server);
    const one = await join("one", {
      where: { kind: "single", url: secret(`redis://127.0.0.1:${proxy.port}`) },
      timeoutMs: IMPATIENT_MS,
    });
    proxy.loseReplies();
    const held = await grants(one, ["a", "b", "c", "d", "e"], 3);
    expect(held).toHaveLength(3);
    await until(() => one.store.state() === "down");
    for (const one_ of held) one.give(one_);
    proxy.mend();
    await until(() => one.store.state() === "up");
    await until(async () => (await liveLeases()) === 0);
    expect(await one.ask("f", 1)).not.toBeNull();
  });

  test("a client that reconnects tells the server again what it holds, without an outage being told", async () => {
    using proxy = respProxy(server);
    const one = await join("one", {
      where: { kind: "single", url: secret(`redis://127.0.0.1:${proxy.port}`) },
      leaseTtlMs: 60_000, // no heartbeat comes to help
    });
    await grants(one, ["a"], 0);
    await until(async () => (await liveLeases()) === 1);
    await server.admin.flushall();
    proxy.mend();
    await until(async () => (await liveLeases()) === 1);
    expect(storeEvents(one)).toEqual([]);
  });

  test("a slot costs one command to get and one to give back", async () => {
    using proxy = respProxy(server);
    const one = await join("one", {
      where: { kind: "single", url: secret(`redis://127.0.0.1:${proxy.port}`) },
      leaseTtlMs: 60_000,
    });
    await until(async () => (await server.admin.exists("hedgerow:{instances}")) === 1);
    const before = proxy.commands().length;
    const names = () =>
      proxy
        .commands()
        .slice(before)
        .map(({ words }) => words[0]?.toUpperCase());
    const [held] = await grants(one, ["a"], 5);
    expect(names()).toEqual(["EVALSHA"]);
    if (held) one.give(held, "done");
    await until(async () => (await liveLeases()) === 0);
    expect(names()).toEqual(["EVALSHA", "EVALSHA"]);
  });

  test("a store that is not there at the start: degraded, and up once it is; refused where nobody may decide without it", async () => {
    const port = await freePort();
    const where = { kind: "single" as const, url: secret(`redis://127.0.0.1:${port}`) };
    await server.stop();
    const refused = member({ where, name: "one", whenDown: "refuse" }).then(
      () => null,
      (error: unknown) => error,
    );
    expect(await refused).toMatchObject({ code: "store_unreachable" });
    const two = await join("two", { where });
    expect(two.store.state()).toBe("down");
    expect(await grants(two, ["a", "b", "c"], 2)).toHaveLength(2);
    server = await redisServer({ listen: "tcp", port });
    await until(() => two.store.state() === "up");
    await until(async () => (await liveLeases()) === 2);
  });

  test("many instances at once never exceed the limit, and give back all they took", async () => {
    const patient = { leaseTtlMs: 5000 };
    const all = [await join("one", patient), await join("two", patient), await join("three", patient)];
    const work = async (one: Member, at: number) => {
      for (let round = 0; round < 40; round++) {
        const held = await one.ask(`s${(at * 7 + round * 3) % 11}`, 4);
        await systemClock.sleep(1);
        if (held) one.give(held, round % 3 === 0 ? "reverted" : "failed");
      }
    };
    await Promise.all(all.flatMap((one, at) => [0, 1, 2, 3].map((lane) => work(one, at * 4 + lane))));
    const verdict = judge(
      all.flatMap((one) => one.history),
      SCOPE,
    );
    expect(verdict).toMatchObject({ unreleased: [], twice: [] });
    expect(verdict.peakSessions).toBeLessThanOrEqual(4);
    expect(verdict.grants).toBeGreaterThan(100);
    await until(async () => (await liveLeases()) === 0);
    await until(async () => (await server.admin.keys(`*${SCOPE}*`)).length === 0);
  });
});
