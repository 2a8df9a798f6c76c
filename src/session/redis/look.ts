import { Redis } from "ioredis";
import { HedgerowError } from "../../core/errors.ts";
import { CONNECT_MS, type ConnectRules, type HostPort, serversOf, type Tls, tlsOf } from "./connect.ts";

/** So many of the servers that are named are looked at; what is wrong with them is mostly the same. */
const SERVERS_MAX = 3;
/** One that takes the connection is given as long again for its answer. */
const ANSWER_MS = 2 * CONNECT_MS;

type LookRules = Pick<ConnectRules, "where" | "tls" | "authority">;

/**
 * Why the servers cannot be spoken to, an error for each; empty where one of them answers. They are asked on connections
 * of their own, without a password: the client of a cluster or of sentinels keeps the reason to itself ("Connection is
 * closed."), and a server that is spoken to over TLS and expects none waits in silence. Never rejects.
 */
export async function look(rules: LookRules): Promise<readonly Error[]> {
  const servers = serversOf(rules.where).slice(0, SERVERS_MAX);
  const found = await Promise.all(servers.map((server) => lookAt(server, rules)));
  const errors = found.filter((error) => error !== null);
  return errors.length < found.length ? [] : errors;
}

async function lookAt(server: HostPort, rules: LookRules): Promise<Error | null> {
  const { where } = rules;
  if (where.kind !== "sentinel") return failureOf(await asked(server, ["PING"], rules));
  const told = await asked(server, ["SENTINEL", "get-master-addr-by-name", where.name], rules);
  if (told.kind === "failed") return told.error;
  // It may be told of one yet.
  if (told.reply === null) return new Error(`the sentinel at ${addressOf(server)} knows no master named ${where.name}`);
  if (!Array.isArray(told.reply)) return null;
  const [host, port] = told.reply.map(String);
  return failureOf(await asked({ host: host ?? "", port: Number(port) }, ["PING"], rules));
}

type Answer =
  /** An error that the server itself told is an answer too. */
  Readonly<{ kind: "answered"; reply: unknown }> | Readonly<{ kind: "failed"; error: Error; connected: boolean }>;

const failureOf = (answer: Answer): Error | null => (answer.kind === "failed" ? answer.error : null);

/** As the rules have it; where that fails, whether it is the other way round that the server understands. */
async function asked(server: HostPort, words: readonly string[], rules: LookRules): Promise<Answer> {
  const tls = tlsOf(rules);
  const answer = await ask(server, words, tls);
  if (answer.kind === "answered") return answer;
  const isSingle = rules.where.kind === "single";
  if (tls === null) {
    // Nothing is told to it but PING, and nothing believed but that it speaks TLS.
    const over = await ask(server, ["PING"], { rejectUnauthorized: false });
    if (over.kind === "failed" && !over.connected) return answer;
    const advice = isSingle ? "write rediss:// instead of redis://" : "set sessions.redis.tls: true";
    return { ...answer, error: mistake(`the server at ${addressOf(server)} speaks TLS: ${advice}`) };
  }
  if ((await ask(server, ["PING"], null)).kind === "failed") return answer;
  const advice = isSingle ? "write redis:// to go without" : "leave out sessions.redis.tls";
  return {
    ...answer,
    error: mistake(`the server at ${addressOf(server)} does not speak TLS: name its TLS port, or ${advice}`),
  };
}

async function ask(
  { host, port }: HostPort,
  [name = "", ...args]: readonly string[],
  tls: Tls | Readonly<{ rejectUnauthorized: false }>,
): Promise<Answer> {
  const client = new Redis({
    host,
    port,
    ...(tls === null ? {} : { tls }),
    lazyConnect: true,
    protocol: 2,
    enableReadyCheck: false,
    disableClientInfo: true,
    connectTimeout: CONNECT_MS,
    commandTimeout: ANSWER_MS,
    retryStrategy: null,
  });
  let connected = false;
  let first: Error | null = null;
  client.on("connect", () => {
    connected = true;
  });
  client.on("error", (error) => {
    first ??= error;
  });
  try {
    return { kind: "answered", reply: await client.call(name, ...args) };
  } catch (error) {
    if (error instanceof Error && error.name === "ReplyError") return { kind: "answered", reply: error };
    return { kind: "failed", error: first ?? (error instanceof Error ? error : new Error(String(error))), connected };
  } finally {
    client.disconnect();
  }
}

function mistake(line: string): HedgerowError {
  return new HedgerowError("store_config", `redis: ${line}`);
}

function addressOf({ host, port }: HostPort): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
