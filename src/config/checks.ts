import type { Draft } from "./config.ts";
import { isLoopback } from "./loopback.ts";
import { certificateOfKey } from "./pem.ts";
import { itemPath, keyPath } from "./problem.ts";
import type { FileConfig } from "./schema.ts";

export type Tell = (path: string, message: string) => void;

/** Whether the file itself says this key, right or wrong. */
type Has = (path: string) => boolean;

/** What is known of the file besides its values. `fileOf`: what the key at this path calls its file. */
export type Told = Readonly<{ has: Has; fileOf(path: string): string; tell: Tell }>;

type File = Draft<FileConfig>;
type Tls = NonNullable<NonNullable<File["server"]>["tls"]>;
type Client = NonNullable<File["clients"]>[number];
type Provider = NonNullable<NonNullable<File["providers"]>[number]>;

/** What no key can say by itself. What was wrong on its own is left out of `file` and not complained about twice. */
export function check(file: File, { has, fileOf, tell }: Told): void {
  const clients = file.clients ?? [];
  const { hedge } = file.defaults ?? {};
  // Clients that could not be read were meant all the same.
  checkServer(file.server ?? {}, { guarded: clients.length > 0 || file.clients === undefined, tell });
  checkTls(file.server?.tls ?? {}, fileOf, tell);
  checkClients(clients, has, tell);
  checkRedis(file.sessions ?? {}, has, tell);
  checkHedge("defaults.hedge", hedge, {}, has, tell);
  const providers = file.providers ?? [];
  for (const [index, first] of twice(providers.map((provider) => provider?.name))) {
    tell(`${itemPath("providers", index)}.name`, `the same as ${itemPath("providers", first)}.name`);
  }
  for (const [index, provider] of providers.entries()) {
    const path = itemPath("providers", index);
    if (provider === undefined) continue;
    checkProvider(provider, { path, hasClients: clients.length > 0, has, tell });
    checkHedge(`${path}.hedge`, provider.hedge, hedge ?? {}, has, tell);
  }
}

function checkServer(
  { host, open, max_body, max_buffered }: NonNullable<File["server"]>,
  { guarded, tell }: Readonly<{ guarded: boolean; tell: Tell }>,
): void {
  if (host !== undefined && open === false && !isLoopback(host) && !guarded) {
    tell("server.host", `everybody who reaches ${host} could use it; add clients, or say server.open: true`);
  }
  if (max_body !== undefined && max_buffered !== undefined && max_buffered < max_body) {
    tell("server.max_buffered", "expected at least server.max_body, or the largest body could never be taken");
  }
}

/** A server that is given a wrong pair does not start, and says neither which key nor which file. */
function checkTls({ cert, key }: Tls, fileOf: Told["fileOf"], tell: Tell): void {
  if (cert === undefined || key === undefined) return;
  const at = certificateOfKey(cert, key);
  if (at === 0) return;
  const [certFile, keyFile] = ["server.tls.cert", "server.tls.key"].map((path) => JSON.stringify(fileOf(path)));
  const toDo =
    at < 0
      ? "name the two that were issued together"
      : `its own is number ${at + 1} there; put that one first, then those of its issuers`;
  tell("server.tls.key", `the key in ${keyFile} is not that of the first certificate in ${certFile}; ${toDo}`);
}

function checkClients(clients: readonly Client[], has: Has, tell: Tell): void {
  const pathOf = (index: number) => itemPath("clients", index);
  const keyPathOf = (index: number) => `${pathOf(index)}.${has(`${pathOf(index)}.key`) ? "key" : "key_file"}`;
  for (const [index, first] of twice(clients.map((client) => client?.name))) {
    tell(`${pathOf(index)}.name`, `the same as ${pathOf(first)}.name`);
  }
  for (const [index, first] of twice(clients.map((client) => (client?.key ?? client?.key_file)?.reveal()))) {
    tell(keyPathOf(index), `the same as ${keyPathOf(first)}`);
  }
  for (const [index, client] of clients.entries()) {
    const given = said(["key", "key_file"], pathOf(index), has);
    if (given.length === 0 && client !== undefined) tell(pathOf(index), "needs key or key_file");
    if (given.length > 1) tell(keyPath(pathOf(index), "key_file"), "expected key or key_file, got both");
  }
}

function checkProvider(
  provider: Provider,
  { path, hasClients, has, tell }: Readonly<{ path: string; hasClients: boolean; has: Has; tell: Tell }>,
): void {
  const given = said(["api_key", "api_key_file", "api_keys"], path, has);
  const last = given.at(-1);
  if (given.length > 1) tell(`${path}.${last}`, `expected one of ${given.join(", ")}`);
  if (given.length === 0 && hasClients) {
    tell(
      path,
      "needs api_key, api_key_file or api_keys; a client's own credentials are passed on only without clients",
    );
  }
  for (const [index, first] of twice((provider.api_keys ?? []).map((key) => key?.reveal()))) {
    tell(itemPath(`${path}.api_keys`, index), `the same as ${itemPath(`${path}.api_keys`, first)}`);
  }
  const headers = provider.headers ?? [];
  for (const [index] of twice(headers.map((line) => line?.key))) {
    tell(`${path}.headers`, `${headers[index]?.key} is there twice; case makes no difference in names of headers`);
  }
}

const REDIS = "sessions.redis";

function checkRedis({ store, redis = {} }: NonNullable<File["sessions"]>, has: Has, tell: Tell): void {
  const given = said(["url", "cluster", "sentinel"], REDIS, has);
  if (given.length > 1) tell(`${REDIS}.${given.at(-1)}`, `expected one of ${given.join(", ")}`);
  if (store === "redis" && given.length === 0)
    tell("sessions.store", "needs sessions.redis.url, .cluster or .sentinel");
  for (const path of [REDIS, `${REDIS}.sentinel`]) {
    if (said(["password", "password_file"], path, has).length > 1) {
      tell(`${path}.password_file`, "expected password or password_file, got both");
    }
  }
  if (redis.url !== undefined) checkRedisUrl(new URL(redis.url.reveal()), redis.tls, has, tell);
  const withoutTls = redis.tls === false || !has(`${REDIS}.tls`);
  if (has(`${REDIS}.ca`) && withoutTls && given.length > 0 && !given.includes("url")) {
    tell(`${REDIS}.ca`, "needs sessions.redis.tls: true");
  }
}

/** A URL may say what other keys say too. */
function checkRedisUrl(url: URL, tls: boolean | undefined, has: Has, tell: Tell): void {
  const more = (keys: readonly string[], what: string) => {
    for (const key of said(keys, REDIS, has)) tell(`${REDIS}.${key}`, what);
  };
  if (url.username !== "") more(["username"], "the url names a user already; say it in one place");
  if (url.password !== "") more(["password", "password_file"], "the url holds a password already; say it in one place");
  if (url.protocol === "rediss:") {
    if (tls === false) more(["tls"], "the url's rediss:// means TLS; leave tls out, or write redis:// to go without");
    return;
  }
  const isSocket = url.protocol === "redis+unix:";
  more(
    tls === true ? ["tls", "ca"] : ["ca"],
    isSocket
      ? "there is no TLS on a unix socket; leave it out"
      : "the url's redis:// means no TLS; write rediss:// instead",
  );
}

type Bounds = Readonly<{ min?: number | undefined; max?: number | undefined }>;

/** Looked at where one of the two is said, so that a mistake in `defaults` is told once. */
function checkHedge(path: string, own: Bounds | undefined, defaults: Bounds, has: Has, tell: Tell): void {
  const min = own?.min ?? defaults.min;
  const max = own?.max ?? defaults.max;
  if (min === undefined || max === undefined || min <= max) return;
  if (has(`${path}.max`)) tell(`${path}.max`, "expected at least hedge.min");
  else if (has(`${path}.min`)) tell(`${path}.min`, "expected at most hedge.max");
}

function said(keys: readonly string[], path: string, has: Has): readonly string[] {
  return keys.filter((key) => has(keyPath(path, key)));
}

/** Each value that was there before: its index and that of the first. */
function twice(values: readonly (string | undefined)[]): readonly (readonly [number, number])[] {
  const firsts = new Map<string, number>();
  return values.flatMap((value, index) => {
    if (value === undefined) return [];
    const first = firsts.get(value);
    if (first !== undefined) return [[index, first] as const];
    firsts.set(value, index);
    return [];
  });
}
