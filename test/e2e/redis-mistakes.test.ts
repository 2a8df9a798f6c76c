import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Hedgerow, runHedgerow, startHedgerow } from "../world/binary.ts";
import { freePort } from "../world/free-port.ts";
import { type Certificate, certificate, describeWithRedis, redisServer, type RedisServer } from "../world/redis.ts";
import { respProxy } from "../world/resp-proxy.ts";
import { configText, eventually, providerEntry } from "../world/scripted-upstream.ts";

setDefaultTimeout(60_000);

type Refused = Readonly<{ code: number; stderr: string }>;

describeWithRedis("a store that is set up wrongly is told in one line at the start", () => {
  const owned = new AsyncDisposableStack();
  let plain: RedisServer;
  beforeAll(async () => {
    plain = await server({ args: ["--repl-diskless-sync-delay", "0"] });
  });
  afterAll(() => owned.disposeAsync());

  async function server(options: Parameters<typeof redisServer>[0]): Promise<RedisServer> {
    const started = await redisServer({ listen: "tcp", ...options });
    owned.defer(() => started.stop());
    return started;
  }

  test("a wrong password, and none where one is asked for", async () => {
    const locked = await server({ args: ["--requirepass", "open-sesame"], password: "open-sesame" });
    const { port } = locked;
    expect(await refused({ url: `redis://:guessed@127.0.0.1:${port}` })).toEqual({
      code: 2,
      stderr:
        "hedgerow: redis: the username or password is wrong (WRONGPASS invalid username-password pair or user is disabled.)\n",
    });
    const keyless = await refused({ url: `redis://127.0.0.1:${port}` });
    expect(keyless.code).toBe(2);
    expect(keyless.stderr).toStartWith(
      "hedgerow: redis: the server asks for a password: set sessions.redis.password (NOAUTH ",
    );
  });

  test("a certificate for another name, and one that nobody trusts", async () => {
    const other = await ownedCertificate("redis.example.com");
    const elsewhere = await server({ listen: "tls", tls: other });
    const trusted = await refused({ url: elsewhere.url }, { NODE_EXTRA_CA_CERTS: other.ca });
    expect(trusted.code).toBe(2);
    expect(trusted.stderr).toStartWith("hedgerow: redis: the server's TLS certificate is for another name (");
    const untrusted = await refused({ url: elsewhere.url });
    expect(untrusted.code).toBe(2);
    expect(untrusted.stderr).toStartWith(
      "hedgerow: redis: the server's TLS certificate is not trusted: name the file of its authority in sessions.redis.ca (",
    );
    const nodes = [`127.0.0.1:${elsewhere.port}`];
    for (const place of [{ cluster: nodes }, { sentinel: { name: "slots", nodes } }]) {
      const named = await refused({ ...place, tls: true, ca: other.ca });
      expect(named.code).toBe(2);
      expect(named.stderr).toStartWith("hedgerow: redis: the server's TLS certificate is for another name (");
      expect((await refused({ ...place, tls: true })).stderr).toContain("certificate is not trusted: name the file");
    }
  });

  test("TLS that the server does not speak, and none where it does", async () => {
    const tls = await server({ listen: "tls", tls: await ownedCertificate("127.0.0.1") });
    const [encrypted, bare] = [`127.0.0.1:${tls.port}`, `127.0.0.1:${plain.port}`];
    expect(await refused({ url: `redis://${encrypted}` })).toEqual({
      code: 2,
      stderr: `hedgerow: redis: the server at ${encrypted} speaks TLS: write rediss:// instead of redis://\n`,
    });
    expect(await refused({ url: `rediss://${bare}` })).toEqual({
      code: 2,
      stderr: `hedgerow: redis: the server at ${bare} does not speak TLS: name its TLS port, or write redis:// to go without\n`,
    });
    for (const at of [
      (nodes: string[]) => ({ cluster: nodes }),
      (nodes: string[]) => ({ sentinel: { name: "m", nodes } }),
    ]) {
      expect(await refused(at([encrypted]))).toEqual({
        code: 2,
        stderr: `hedgerow: redis: the server at ${encrypted} speaks TLS: set sessions.redis.tls: true\n`,
      });
      expect(await refused({ ...at([bare]), tls: true })).toEqual({
        code: 2,
        stderr: `hedgerow: redis: the server at ${bare} does not speak TLS: name its TLS port, or leave out sessions.redis.tls\n`,
      });
    }
  });

  test("a cluster where there is a single server, and the reverse", async () => {
    expect(await refused({ cluster: [`127.0.0.1:${plain.port}`] })).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(
        "hedgerow: redis: the server is no cluster: use sessions.redis.url instead of .cluster (",
      ),
    });
    const node = await server({ args: ["--cluster-enabled", "yes"] });
    expect(await refused({ url: node.url })).toEqual({
      code: 2,
      stderr:
        "hedgerow: redis: the server belongs to a cluster: name its nodes in sessions.redis.cluster instead of sessions.redis.url\n",
    });
  });

  test("a sentinel where a server is to be, and the reverse", async () => {
    const config = `sentinel monitor slots 127.0.0.1 ${plain.port} 1`;
    const sentinel = await server({ sentinel: true, config });
    expect(await refused({ url: sentinel.url })).toEqual({
      code: 2,
      stderr:
        "hedgerow: redis: the server is a sentinel (of slots): name it in sessions.redis.sentinel instead of sessions.redis.url\n",
    });
    const asCluster = await refused({ cluster: [`127.0.0.1:${sentinel.port}`] });
    expect(asCluster.code).toBe(2);
    expect(asCluster.stderr).toMatch(
      /^hedgerow: redis: the servers in sessions\.redis\.cluster are no nodes of one: sentinels are named in sessions\.redis\.sentinel, a single server in \.url \(.*unknown command 'cluster'.*\)\n$/,
    );
    const asSentinel = await refused({ sentinel: { name: "slots", nodes: [`127.0.0.1:${plain.port}`] } });
    expect(asSentinel.code).toBe(2);
    expect(asSentinel.stderr).toMatch(
      /^hedgerow: redis: the servers in sessions\.redis\.sentinel\.nodes are no sentinels: name those, or a single server in sessions\.redis\.url \(.*unknown command 'sentinel'.*\)\n$/,
    );
  });

  test("a database that the server does not have: not counted in another one instead", async () => {
    expect(await refused({ url: `${plain.url}/99` })).toEqual({
      code: 2,
      stderr:
        "hedgerow: redis: the server has no database of the number in sessions.redis.url (ERR DB index is out of range)\n",
    });
    expect(await plain.admin.dbsize()).toBe(0);
    // One that answers only later is told of in the log.
    const port = await freePort();
    await using proxy = await started({ url: `redis://127.0.0.1:${port}/99` });
    const late = await server({ port });
    const told = () => proxy.log().filter(({ error }) => String(error).includes("has no database of the number in"));
    await eventually("it is told", () => told().length > 0);
    expect(await proxy.metric("hedgerow_store_up")).toBe(0);
    expect(await late.admin.dbsize()).toBe(0);
  });

  test("a password in the url that was not encoded, by serve as by check, and without a word of it", async () => {
    for (const verb of ["check", "serve"]) {
      const { code, stdout, stderr } = await run([verb], { url: `redis://:canary%ss@127.0.0.1:${plain.port}` });
      expect(code).toBe(2);
      expect(stdout + stderr).toMatch(
        /^providers\.yaml:\d+:\d+ sessions\.redis\.url: expected .* URL, got \*\*\*: in its user, password and path write % /,
      );
      expect(stdout + stderr).not.toContain("canary");
    }
  });

  test("a replica", async () => {
    const replica = await server({ args: ["--replicaof", "127.0.0.1", String(plain.port)] });
    await eventually("it follows", async () => (await replica.admin.info("replication")).includes("link_status:up"));
    expect(await refused({ url: replica.url })).toEqual({
      code: 2,
      stderr: `hedgerow: redis: the server is a replica of 127.0.0.1:${plain.port}: name the master instead\n`,
    });
  });

  test("a server that is too old", async () => {
    const version = /redis_version:(\S+)/.exec(await plain.admin.info("server"))?.[1] ?? "";
    const old = `6.0${".".padEnd(version.length - 3, "1")}`;
    using proxy = respProxy({
      port: plain.port,
      alter: (said) => said.replace(`redis_version:${version}`, `redis_version:${old}`),
    });
    expect(await refused({ url: `redis://127.0.0.1:${proxy.port}` })).toEqual({
      code: 2,
      stderr: `hedgerow: redis: the server is Redis ${old}; Redis 6.2 or newer, or Valkey, is needed\n`,
    });
  });

  test("a prefix with braces, which would scatter a scope's keys over a cluster", async () => {
    const { code, stderr } = await refused({ url: plain.url, prefix: "hedge{row}" });
    expect(code).toBe(2);
    expect(stderr).toMatch(/^providers\.yaml:\d+:\d+ sessions\.redis\.prefix: expected .*\n$/);
  });

  test("a server that evicts is served with a warning that says what would be lost", async () => {
    const evicting = await server({ args: ["--maxmemory", "64mb", "--maxmemory-policy", "allkeys-lru"] });
    await using proxy = await started({ url: evicting.url });
    expect(warnings(proxy)).toEqual([
      "redis: maxmemory-policy is allkeys-lru: when memory runs short the server would drop the slots of running sessions, " +
        "and limits would be exceeded unseen; with noeviction it refuses instead, which is noticed",
    ]);
  });

  test("one that cannot be reached ends the start with refuse, and is told and degraded with share", async () => {
    const port = await freePort();
    const url = `redis://127.0.0.1:${port}`;
    expect(await refused({ url, when_down: "refuse" })).toEqual({
      code: 1,
      stderr: `hedgerow: redis: cannot be reached: connect ECONNREFUSED 127.0.0.1:${port}\n`,
    });
    await using proxy = await started({ url });
    const told = proxy.log().filter(({ msg }) => msg === "store down");
    expect(told).toMatchObject([
      { level: "warn", reason: `redis: cannot be reached: connect ECONNREFUSED 127.0.0.1:${port}` },
    ]);
    expect(await (await fetch(`${proxy.url}/readyz`)).json()).toMatchObject({ ready: true, store: "degraded" });
    // It is there after all, and in order: no restart is needed.
    const late = await server({ port });
    await eventually("it is used", async () => (await proxy.metric("hedgerow_store_up")) === 1);
    expect(await late.admin.zcard("hedgerow:{instances}")).toBe(1);
  });

  async function ownedCertificate(name: string): Promise<Certificate> {
    const made = await certificate(name);
    owned.defer(() => made.remove());
    return made;
  }
});

type RedisKeys = Readonly<Record<string, unknown>>;

const configOf = (redis: RedisKeys) =>
  configText({ sessions: { store: "redis", redis }, providers: [providerEntry("a", "http://127.0.0.1:9")] });

/** Starts the proxy, which is to end by itself. */
async function refused(redis: RedisKeys, env: Readonly<Record<string, string>> = {}): Promise<Refused> {
  const { code, stderr } = await run(["serve"], redis, env);
  return { code, stderr };
}

async function run(verb: readonly string[], redis: RedisKeys, env: Readonly<Record<string, string>> = {}) {
  const folder = mkdtempSync(join(tmpdir(), "hedgerow-mistake-"));
  try {
    writeFileSync(join(folder, "providers.yaml"), configOf(redis));
    return await runHedgerow(verb, { cwd: folder, env });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const started = (redis: RedisKeys): Promise<Hedgerow> => startHedgerow({ config: configOf(redis) });

function warnings(proxy: Hedgerow): readonly unknown[] {
  return proxy.log().flatMap((line) => (line.level === "warn" ? [line["warning"]] : []));
}
