import { Cluster } from "ioredis";
import type { Clock } from "../../core/clock.ts";
import { HedgerowError } from "../../core/errors.ts";
import type { LeaseStore } from "../lease.ts";
import type { RedisClient } from "./calls.ts";
import type { RedisPlace } from "./connect.ts";

/** What is wrong with a store, for the one who set it up; `fatal` lines mean that limits could not hold on it. */
export type Findings = Readonly<{ fatal: readonly string[]; warnings: readonly string[] }>;

const VERSION_MIN = [6, 2] as const;

/** Judges a server by its `INFO`, as text. */
export function judge(info: string, where: RedisPlace["kind"]): Findings {
  const field = (name: string) => new RegExp(`^${name}:(.*?)\\r?$`, "m").exec(info)?.[1] ?? "";
  const fatal: string[] = [];
  const warnings: string[] = [];
  const version = field("redis_version");
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (version === "") warnings.push("the server's INFO cannot be read: its version and settings were not checked");
  else if (major < VERSION_MIN[0] || (major === VERSION_MIN[0] && minor < VERSION_MIN[1])) {
    fatal.push(`the server is Redis ${version}; Redis 6.2 or newer, or Valkey, is needed`);
  }
  if ([field("redis_mode"), field("server_mode")].includes("sentinel")) {
    const watched = [...info.matchAll(/^master[0-9]+:name=([^,]*)/gm)].map(([, name]) => name);
    fatal.push(
      `the server is a sentinel${watched.length === 0 ? "" : ` (of ${watched.join(", ")})`}: ` +
        "name it in sessions.redis.sentinel instead of sessions.redis.url",
    );
  }
  if (field("cluster_enabled") === "1" && where !== "cluster") {
    fatal.push(
      "the server belongs to a cluster: name its nodes in sessions.redis.cluster instead of sessions.redis.url",
    );
  }
  if (field("role") === "slave" && where === "single") {
    fatal.push(`the server is a replica of ${field("master_host")}:${field("master_port")}: name the master instead`);
  }
  const policy = field("maxmemory_policy");
  if (policy !== "" && policy !== "noeviction") {
    warnings.push(
      `maxmemory-policy is ${policy}: when memory runs short the server would drop the slots of running sessions, and ` +
        "limits would be exceeded unseen; with noeviction it refuses instead, which is noticed",
    );
  }
  return { fatal, warnings };
}

export type CheckRules = Readonly<{
  client: RedisClient;
  where: RedisPlace["kind"];
  /** What is wrong with the way each of its servers is spoken to, where none of them answers; never rejects. */
  look: () => Promise<readonly Error[]>;
  /** The store over this client: every operation is tried once, in a scope of its own. */
  store: LeaseStore;
  clock: Clock;
  /** How long the first connection may take. */
  withinMs: number;
  /** A name for the scope of the trial, of this instance alone. */
  instance: string;
}>;

/**
 * Waits for the first connection and tries the store out. Answers warnings; rejects with a `HedgerowError`:
 * `store_config` where waiting would not help (one line that says what to change), `store_unreachable` else.
 */
export async function checkStore(rules: CheckRules): Promise<readonly string[]> {
  await connected(rules);
  const nodes = rules.client instanceof Cluster ? rules.client.nodes("master") : [rules.client];
  const warnings = new Set<string>();
  for (const node of nodes) {
    const findings = judge(await infoOf(node), rules.where);
    const [first] = findings.fatal;
    if (first !== undefined) throw new HedgerowError("store_config", `redis: ${first}`);
    for (const warning of findings.warnings) warnings.add(`redis: ${warning}`);
  }
  await tryOut(rules);
  return [...warnings];
}

async function infoOf(node: Pick<RedisClient, "info">): Promise<string> {
  try {
    return await node.info();
  } catch (error) {
    if (configMistake(error) !== null) return ""; // a user that may not read INFO
    throw unreachable(error);
  }
}

/** One lease there and back: keys in different slots, a user without rights, a full or read-only server show here. */
async function tryOut({ store, instance }: CheckRules): Promise<void> {
  const ref = { lease: "check", session: instance };
  const scope = `check:${instance}`;
  const limits = { sessionsMax: 1, requestsMax: 1, displace: 2, rpm: 1000 };
  try {
    await store.acquire({ scope, ...ref, ...limits, ttlMs: 1000, force: false });
    await store.renew(scope, 1000, [ref]);
    await store.release(scope, ref, "failed", 0);
    await store.sweep(scope, 1, 1000);
    await store.count([scope]);
  } catch (error) {
    throw configError(error) ?? error;
  }
}

/**
 * Resolves once the client is ready; rejects with the first error that says why it never will be, or when time is up.
 * The client's first error is reason enough to look for more: it may say no more than that the connection is closed.
 */
async function connected(rules: CheckRules): Promise<void> {
  const untilMs = rules.clock.monoMs() + rules.withinMs;
  const first = await readyOr(rules, untilMs, () => true);
  if (first === null) return;
  const known = configError(first);
  if (known !== null) throw known;
  const found = await rules.look();
  for (const error of found) {
    const mistake = configError(error);
    if (mistake !== null) throw mistake;
  }
  const last = await readyOr(rules, untilMs, (error) => configError(error) !== null);
  if (last !== null) throw configError(last) ?? unreachable(found[0] ?? last);
}

/** Resolves to null once the client is ready, to the first error that is enough, or to the last one when time is up. */
function readyOr(
  { client, clock }: CheckRules,
  untilMs: number,
  isEnough: (error: unknown) => boolean,
): Promise<unknown> {
  if (client.status === "ready") return Promise.resolve(null);
  return new Promise((resolve) => {
    let last: unknown = new Error("no connection yet");
    const settle = (outcome: unknown) => {
      cancel();
      client.off("ready", onReady).off("error", onError).off("node error", onError);
      resolve(outcome);
    };
    const onReady = () => settle(null);
    const onError = (error: unknown) => {
      last = error;
      if (isEnough(error)) settle(error);
    };
    const cancel = clock.after(Math.max(0, untilMs - clock.monoMs()), () => settle(last));
    client.on("ready", onReady).on("error", onError).on("node error", onError);
  });
}

function unreachable(error: unknown): HedgerowError {
  return new HedgerowError("store_unreachable", `redis: cannot be reached: ${textOf(error)}`, error);
}

function configError(error: unknown): HedgerowError | null {
  if (error instanceof HedgerowError && error.code === "store_config") return error;
  const line = configMistake(error);
  return line === null ? null : new HedgerowError("store_config", `redis: ${line}`, error);
}

/** What to change, where the error names a mistake that no waiting mends. */
const MISTAKES: readonly Readonly<{ said: RegExp; line: string }>[] = [
  {
    said: /sentinels.*WRONGPASS/i,
    line: "the username or password of the sentinels is wrong (sessions.redis.sentinel)",
  },
  { said: /sentinels.*NOAUTH/i, line: "the sentinels ask for a password: set sessions.redis.sentinel.password" },
  {
    said: /sentinels.*unknown command/i,
    line: "the servers in sessions.redis.sentinel.nodes are no sentinels: name those, or a single server in sessions.redis.url",
  },
  { said: /WRONGPASS|invalid password/i, line: "the username or password is wrong" },
  { said: /NOAUTH/, line: "the server asks for a password: set sessions.redis.password" },
  { said: /without any password configured/i, line: "a password is set, but the server has none for this user" },
  { said: /NOPERM/, line: "the user may not do what is needed; it needs ~PREFIX:* and +@all -@dangerous +info" },
  { said: /CROSSSLOT/, line: "keys of one scope lie in different cluster slots (CROSSSLOT): is a proxy in between?" },
  { said: /cluster support disabled/i, line: "the server is no cluster: use sessions.redis.url instead of .cluster" },
  { said: /DB index is out of range/i, line: "the server has no database of the number in sessions.redis.url" },
  {
    said: /unknown command .cluster\b/i,
    line: "the servers in sessions.redis.cluster are no nodes of one: sentinels are named in sessions.redis.sentinel, a single server in .url",
  },
  {
    said: /unknown command/i,
    line: "the server lacks a command that Redis and Valkey have; a sentinel is named in sessions.redis.sentinel",
  },
  { said: /READONLY/, line: "the server is a read-only replica: name the master instead" },
  { said: /ALTNAME|Hostname\/IP does not match/i, line: "the server's TLS certificate is for another name" },
  {
    said: /SELF_SIGNED|self.signed|UNABLE_TO_VERIFY|unable to (?:verify|get)/i,
    line: "the server's TLS certificate is not trusted: name the file of its authority in sessions.redis.ca",
  },
  { said: /CERTIFICATE_REQUIRED/i, line: "the server asks for a TLS certificate of its clients (tls-auth-clients)" },
  { said: /CERT_HAS_EXPIRED/i, line: "the server's TLS certificate has expired" },
];

function configMistake(error: unknown): string | null {
  const text = textOf(error);
  const mistake = MISTAKES.find(({ said }) => said.test(text));
  return mistake === undefined ? null : `${mistake.line} (${text})`;
}

/** The error's own words and those of what caused it, on one line. */
function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code, lastNodeError } = error as Error & { code?: unknown; lastNodeError?: unknown };
  const words = [
    typeof code === "string" && !error.message.includes(code) ? `${code} ${error.message}` : error.message,
  ];
  if (lastNodeError instanceof Error) words.push(textOf(lastNodeError));
  return words.join(": ").replace(/\s+/g, " ");
}
