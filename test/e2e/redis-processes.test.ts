import { afterEach, beforeEach, expect, test } from "bun:test";
import { SCOPE, until } from "../session/redis/fleet.ts";
import { judge, nowMs, type Seen } from "../session/redis/history.ts";
import { describeWithRedis, redisServer, type RedisServer } from "../world/redis.ts";

const LIMIT = 4;
/** Long enough that a busy machine keeps its heartbeats. */
const LEASE_TTL_MS = 4000;
const KEY = `hedgerow:{${SCOPE}}:active_session_leases`;

type Worker = Readonly<{
  name: string;
  history: Seen[];
  /** SIGKILL; when it was sent. */
  kill(): Promise<number>;
  /** Ends in good order. */
  finish(): Promise<void>;
}>;

function startWorker(name: string, url: string): Worker {
  const script = `${import.meta.dir}/../session/redis/worker.ts`;
  const child = Bun.spawn([process.execPath, script, url, name, String(LEASE_TTL_MS), String(LIMIT)], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "inherit",
  });
  const history: Seen[] = [];
  const read = async () => {
    let text = "";
    const decoder = new TextDecoder();
    for await (const chunk of child.stdout) {
      const lines = (text + decoder.decode(chunk, { stream: true })).split("\n");
      text = lines.pop() ?? "";
      for (const line of lines) history.push(JSON.parse(line) as Seen);
    }
  };
  const reading = read();
  const ended = async () => {
    await child.exited;
    await reading;
  };
  return {
    name,
    history,
    async kill() {
      const atMs = nowMs();
      child.kill("SIGKILL");
      await ended();
      return atMs;
    },
    async finish() {
      await child.stdin.end();
      await ended();
    },
  };
}

describeWithRedis("several processes that share one store", () => {
  let server: RedisServer;
  let workers: Worker[] = [];
  beforeEach(async () => {
    server = await redisServer({ listen: "tcp" });
  });
  afterEach(async () => {
    for (const worker of workers) await worker.kill();
    await server.stop();
  });

  test("one is killed: its leases lapse within the ttl, nobody else's change, and the limit holds throughout", async () => {
    const leases = async () => {
      const entries = await server.admin.zrangebyscore(KEY, "-inf", "+inf", "WITHSCORES");
      return Array.from({ length: entries.length / 2 }, (_, at) => ({
        member: String(entries[2 * at]),
        untilMs: Number(entries[2 * at + 1]),
      }));
    };
    workers = ["one", "two", "three"].map((name) => startWorker(name, server.url));
    await until(() => workers.every(({ history }) => history.length > 40));
    const [victim, ...others] = workers;
    if (!victim) throw new Error("no worker was started");
    await until(async () =>
      (await leases()).some(({ member }) => member.startsWith("one.") && member.includes("kept-")),
    );
    const killedMs = await victim.kill();
    const left = (await leases()).filter(({ member }) => member.startsWith("one."));
    // Its last renewal or claim was sent before it died, so none of its leases can outlive that by more than the ttl.
    const [seconds = 0, micros = 0] = (await server.admin.time()).map(Number);
    const serverMs = Math.ceil(seconds * 1000 + micros / 1000);
    for (const { untilMs } of left) expect(untilMs).toBeLessThanOrEqual(serverMs + LEASE_TTL_MS);
    await until(async () => !(await leases()).some(({ member }) => member.startsWith("one.")));
    const kept = (await leases()).map(({ member }) => member).filter((member) => member.includes("kept-"));
    expect(new Set(kept.map((member) => member.split(".")[0]))).toEqual(new Set(["two", "three"]));
    const since = others.map(({ history }) => history.length);
    await until(() => others.every(({ history }, at) => history.length > (since[at] ?? 0) + 40));
    for (const other of others) await other.finish();
    const verdict = judge(
      workers.flatMap(({ history }) => history),
      SCOPE,
      new Map([[victim.name, killedMs]]),
    );
    expect(verdict).toMatchObject({ unreleased: [], twice: [] });
    expect(verdict.peakSessions).toBeLessThanOrEqual(LIMIT);
    await until(async () => (await leases()).length === 0);
  }, 60_000);
});
