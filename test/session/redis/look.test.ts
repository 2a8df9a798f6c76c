import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { secret } from "../../../src/core/secret.ts";
import type { HostPort, RedisPlace } from "../../../src/session/redis/connect.ts";
import { look } from "../../../src/session/redis/look.ts";
import { freePort } from "../../world/free-port.ts";
import {
  type Certificate,
  certificate,
  describeWithRedis,
  redisServer,
  type RedisServer,
  type ServerOptions,
} from "../../world/redis.ts";

describeWithRedis("a look at servers that cannot be spoken to", () => {
  const owned = new AsyncDisposableStack();
  let made: Certificate;
  let authority: string;
  let plain: RedisServer;
  let encrypted: RedisServer;
  beforeAll(async () => {
    made = owned.adopt(await certificate("127.0.0.1"), ({ remove }) => remove());
    authority = readFileSync(made.ca, "utf8");
    plain = await server({ listen: "tcp" });
    encrypted = await server({ listen: "tls", tls: made });
  });
  afterAll(() => owned.disposeAsync());

  async function server(options: ServerOptions): Promise<RedisServer> {
    const started = await redisServer(options);
    owned.defer(() => started.stop());
    return started;
  }

  /** What it says of them; `tls` is what the place's own kind of saying so says. */
  async function said(where: RedisPlace, tls = false, trusted: string | null = authority): Promise<readonly string[]> {
    return (await look({ where, tls, authority: trusted })).map(({ message }) => message);
  }

  test("has nothing to say where they answer, with a refusal too", async () => {
    const locked = await server({ listen: "tcp", args: ["--requirepass", "right"], password: "right" });
    for (const { url } of [plain, encrypted, locked]) expect(await said(single(url))).toEqual([]);
    const { url } = await server({});
    expect(await said(single(url))).toEqual([]);
  });

  test("TLS to a server without it", async () => {
    const at = `127.0.0.1:${plain.port}`;
    const line = `redis: the server at ${at} does not speak TLS: name its TLS port, or`;
    expect(await said(single(`rediss://${at}`))).toEqual([`${line} write redis:// to go without`]);
    expect(await said(cluster(plain), true)).toEqual([`${line} leave out sessions.redis.tls`]);
    expect(await said(sentinel(plain), true)).toEqual([`${line} leave out sessions.redis.tls`]);
  });

  test("no TLS to a server that wants it", async () => {
    const at = `127.0.0.1:${encrypted.port}`;
    const line = `redis: the server at ${at} speaks TLS:`;
    expect(await said(single(`redis://${at}`))).toEqual([`${line} write rediss:// instead of redis://`]);
    expect(await said(cluster(encrypted))).toEqual([`${line} set sessions.redis.tls: true`]);
    expect(await said(sentinel(encrypted))).toEqual([`${line} set sessions.redis.tls: true`]);
  });

  test("a server that wants TLS and a certificate of its clients", async () => {
    const strict = await server({ listen: "tls", tls: made, args: ["--tls-auth-clients", "yes"] });
    expect(await said(cluster(strict))).toEqual([expect.stringContaining("speaks TLS")]);
    expect(await said(cluster(strict), true)).toEqual([expect.stringContaining("CERTIFICATE_REQUIRED")]);
  });

  test("the master that sentinels tell of, when it is spoken to in another way than they are", async () => {
    const over = await server({ listen: "tls", tls: made, sentinel: true, config: watching(plain) });
    expect(await said(sentinel(over), true)).toEqual([
      expect.stringContaining(`127.0.0.1:${plain.port} does not speak TLS`),
    ]);
    const bare = await server({ listen: "tcp", sentinel: true, config: watching(encrypted) });
    expect(await said(sentinel(bare))).toEqual([expect.stringContaining(`127.0.0.1:${encrypted.port} speaks TLS`)]);
    const fitting = await server({ listen: "tcp", sentinel: true, config: watching(plain) });
    expect(await said(sentinel(fitting))).toEqual([]);
    expect(await said({ ...sentinel(fitting), name: "other" })).toEqual([
      `the sentinel at 127.0.0.1:${fitting.port} knows no master named other`,
    ]);
  });

  test("a certificate that is not trusted or for another name, which clients of clusters and sentinels keep to themselves", async () => {
    for (const place of [cluster(encrypted), sentinel(encrypted)]) {
      expect(await said(place, true, null)).toEqual([expect.stringMatching(/self.signed/)]);
      const nodes = [{ host: "localhost", port: encrypted.port }];
      expect(await said({ ...place, nodes }, true)).toEqual([expect.stringMatching(/does not match/)]);
    }
  });

  test("one server that answers is enough", async () => {
    const nobody = { port: await freePort() };
    expect(await said(cluster(nobody, plain))).toEqual([]);
    expect(await said(cluster(nobody, encrypted))).toEqual([
      expect.stringContaining("ECONNREFUSED"),
      expect.stringContaining("speaks TLS"),
    ]);
  });

  test("a server that hangs is given up", async () => {
    const hanging = await server({ listen: "tcp" });
    hanging.pause();
    expect(await said(cluster(hanging))).toHaveLength(1);
    expect(await said(cluster(hanging), true)).toHaveLength(1);
    hanging.resume();
  });

  test("tells no password", async () => {
    let heard = "";
    using listener = Bun.listen({
      hostname: "127.0.0.1",
      port: 0,
      socket: {
        data(socket, bytes) {
          heard += bytes.toString();
          socket.end();
        },
      },
    });
    expect(await said(single(`redis://user:canary@127.0.0.1:${listener.port}`))).toHaveLength(1);
    expect(heard).toContain("PING");
    expect(heard).not.toContain("canary");
  });
});

type Port = Pick<RedisServer, "port">;

const nodesOf = (servers: readonly Port[]): readonly HostPort[] =>
  servers.map(({ port }) => ({ host: "127.0.0.1", port }));
const single = (url: string) => ({ kind: "single", url: secret(url) }) as const;
const cluster = (...servers: readonly Port[]) => ({ kind: "cluster", nodes: nodesOf(servers) }) as const;
const sentinel = (...servers: readonly Port[]) =>
  ({ kind: "sentinel", name: "slots", nodes: nodesOf(servers) }) as const;
const watching = ({ port }: Port) => `sentinel monitor slots 127.0.0.1 ${port} 1`;
