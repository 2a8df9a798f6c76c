import { expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { Redis } from "ioredis";
import { type Clock, systemClock } from "../../../src/core/clock.ts";
import { secret } from "../../../src/core/secret.ts";
import type { RedisClient } from "../../../src/session/redis/calls.ts";
import { connect } from "../../../src/session/redis/connect.ts";
import { handClock } from "../../world/clock.ts";
import { describeWithRedis, redisServer, type RedisServer, type ServerOptions } from "../../world/redis.ts";
import { until } from "./fleet.ts";

setDefaultTimeout(60_000);

const KEY = "hedgerow:mark";

describeWithRedis("a connection that is made anew", () => {
  test("to a server that was demoted in use: at once, then once a second, however often it refuses to write", async () => {
    await using owned = new AsyncDisposableStack();
    const [server, elsewhere] = [await ownServer(owned), await ownServer(owned, { listen: "tcp" })];
    const clock = handClock();
    const client = ownClient(owned, server.url, clock);
    await until(() => client.status === "ready");
    const before = await connections(server);
    await server.admin.replicaof("127.0.0.1", elsewhere.port);
    for (let second = 1; second <= 3; second++) {
      const again = readyAgain(client);
      expect(await refusal(client)).toMatch(/READONLY/);
      await again;
      for (let call = 0; call < 20; call++) expect(await refusal(client)).toMatch(/READONLY/);
      expect(await connections(server)).toBe(before + second);
      await clock.advance(1000);
    }
    // Reads go on, and so does everything where it is a master again.
    await server.admin.replicaof("NO", "ONE");
    expect(await client.set(KEY, "1")).toBe("OK");
    expect(await connections(server)).toBe(before + 3);
  });

  test("by a name that leads to the successor by now, while the server that was demoted lives", async () => {
    await using owned = new AsyncDisposableStack();
    const [demoted, successor] = [await ownServer(owned), await ownServer(owned)];
    const elsewhere = await ownServer(owned, { listen: "tcp" });
    const folder = owned.adopt(mkdtempSync(`${tmpdir()}/hedgerow-name-`), (path) => rmSync(path, { recursive: true }));
    const name = `${folder}/s`;
    symlinkSync(demoted.socket ?? "", name);
    const client = ownClient(owned, `redis+unix://${name}`, systemClock);
    await until(() => client.status === "ready");
    expect(await client.set(KEY, "1")).toBe("OK");
    symlinkSync(successor.socket ?? "", `${name}.new`);
    renameSync(`${name}.new`, name);
    await demoted.admin.replicaof("127.0.0.1", elsewhere.port);
    expect(await refusal(client)).toMatch(/READONLY/);
    await until(async () => (await refusal(client)) === null);
    expect(await successor.admin.get(KEY)).toBe("1");
  });

  test("to a server that lets it into its database no more: nothing is written into another one", async () => {
    await using owned = new AsyncDisposableStack();
    const server = await ownServer(owned, { args: ["--user", "app", "on", ">secret", "~*", "+@all"] });
    const client = ownClient(owned, server.url.replace("unix://", "unix://app:secret@") + "?db=3", systemClock);
    let refused = 0;
    client.on("error", (error: Error) => {
      if (/select/.test(error.message)) refused++;
    });
    await until(() => client.status === "ready");
    await server.admin.acl("SETUSER", "app", "-select");
    await server.admin.client("KILL", "USER", "app");
    await until(async () => {
      await refusal(client);
      return refused >= 3;
    });
    expect(await server.admin.dbsize()).toBe(0);
    await server.admin.acl("SETUSER", "app", "+select");
    await until(async () => (await refusal(client)) === null);
    expect(await server.admin.dbsize()).toBe(0);
  });
});

async function ownServer(owned: AsyncDisposableStack, options: ServerOptions = {}): Promise<RedisServer> {
  const server = await redisServer(options);
  owned.defer(() => server.stop());
  return server;
}

function ownClient(owned: AsyncDisposableStack, url: string, clock: Clock): Redis {
  const where = { kind: "single", url: secret(url) } as const;
  const client = connect({
    where,
    username: null,
    password: null,
    tls: false,
    authority: null,
    timeoutMs: 5000,
    clock,
  });
  owned.defer(() => client.disconnect());
  if (!(client instanceof Redis)) throw new Error("a single server has a plain client");
  return client;
}

const readyAgain = (client: RedisClient) => new Promise<void>((resolve) => void client.once("ready", () => resolve()));

/** Why a write is refused; null where it is not. */
function refusal(client: RedisClient): Promise<string | null> {
  return client.set(KEY, "1").then(
    () => null,
    (error: Error) => error.message,
  );
}

/** How many were made to the server so far. */
async function connections(server: RedisServer): Promise<number> {
  return Number(/total_connections_received:(\d+)/.exec(await server.admin.info("stats"))?.[1]);
}
