import { describe, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { Redis } from "ioredis";
import { freePort } from "./free-port.ts";

/** A real server of a test's own: on a unix socket, or on a loopback port that the system chose. Owns its process and folder. */
export type RedisServer = Readonly<{
  pid: number;
  /** Null where it listens on a port. */
  socket: string | null;
  port: number;
  url: string;
  /** A plain client for looking at the server from outside; closed with it. */
  admin: Redis;
  /** Freezes and thaws it (SIGSTOP, SIGCONT). */
  pause(): void;
  resume(): void;
  /** Ends it at once, as a crash would (SIGKILL). */
  crash(): Promise<void>;
  /** Starts it again at the same address, empty unless it kept a file. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}>;

export type ServerOptions = Readonly<{
  listen?: "unix" | "tcp" | "tls";
  /** Instead of one that the system chose. */
  port?: number;
  args?: readonly string[];
  /** Certificate, key and authority as PEM files, for `tls`. */
  tls?: Readonly<{ cert: string; key: string; ca: string }>;
  /** Of the admin client. */
  password?: string;
  sentinel?: boolean;
  /** A configuration file's text; the server may rewrite it (Sentinel does). */
  config?: string;
}>;

const ADVICE =
  "redis-server is not installed: tests of the shared store are skipped (Debian: apt-get install redis-server)";
/** `REDIS_SERVER` names another that is to pass the same tests, such as Valkey's. */
const BINARY = process.env["REDIS_SERVER"] ?? Bun.which("redis-server");
let advised = false;

/** Tests that need redis-server: without it they fail in CI, and are skipped with a line of advice elsewhere. */
export function describeWithRedis(name: string, body: () => void): void {
  if (BINARY !== null) {
    describe(name, body);
    return;
  }
  if (process.env["CI"]) {
    test(`${name}: redis-server is installed`, () => {
      throw new Error(ADVICE);
    });
    return;
  }
  if (!advised) console.warn(ADVICE);
  advised = true;
  describe.skip(name, body);
}

const running = new Set<Bun.Subprocess>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** Starts redis-server and resolves once it answers for itself; rejects with its last words when it ends instead. */
async function spawnServer(args: readonly string[], folder: string): Promise<Bun.Subprocess<"ignore", "pipe", "pipe">> {
  const child = Bun.spawn([BINARY ?? "redis-server", ...args], {
    cwd: folder,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  running.add(child);
  void child.exited.then(() => running.delete(child));
  const reader = child.stdout.getReader();
  const decoder = new TextDecoder();
  let said = "";
  while (!/ready to accept connections|Sentinel ID is/i.test(said)) {
    const { done, value } = await reader.read();
    if (done) throw new Error(`redis-server ended: ${said.trim().split("\n").slice(-3).join(" ")}`);
    said += decoder.decode(value, { stream: true });
  }
  const drain = async () => {
    while (!(await reader.read()).done);
  };
  void drain();
  return child;
}

function addressArgs(options: ServerOptions, folder: string, port: number): readonly string[] {
  const { listen = "unix", tls } = options;
  if (listen === "unix") return ["--port", "0", "--unixsocket", `${folder}/s`];
  const bind = ["--bind", "127.0.0.1"];
  if (listen === "tcp") return [...bind, "--port", String(port)];
  const files = [
    "--tls-cert-file",
    tls?.cert ?? "",
    "--tls-key-file",
    tls?.key ?? "",
    "--tls-ca-cert-file",
    tls?.ca ?? "",
  ];
  return [...bind, "--port", "0", "--tls-port", String(port), "--tls-auth-clients", "no", ...files];
}

export async function redisServer(options: ServerOptions = {}): Promise<RedisServer> {
  const { listen = "unix", args = [] } = options;
  const folder = mkdtempSync(`${tmpdir()}/hedgerow-redis-`);
  const port = listen === "unix" ? 0 : (options.port ?? (await freePort()));
  const socket = listen === "unix" ? `${folder}/s` : null;
  const file = `${folder}/server.conf`;
  if (options.config !== undefined) await Bun.write(file, options.config);
  const kept = options.sentinel ? ["--sentinel"] : ["--save", "", "--appendonly", "no"];
  const start = () =>
    spawnServer(
      [...(options.config === undefined ? [] : [file]), ...addressArgs(options, folder, port), ...kept, ...args],
      folder,
    );
  let child = await start();
  const admin = adminClient(options, { socket, port });
  const kill = async (signal: NodeJS.Signals) => {
    child.kill("SIGCONT");
    child.kill(signal);
    await child.exited;
  };
  return {
    get pid() {
      return child.pid;
    },
    socket,
    port,
    url: socket === null ? `${listen === "tls" ? "rediss" : "redis"}://127.0.0.1:${port}` : `redis+unix://${socket}`,
    admin,
    pause: () => child.kill("SIGSTOP"),
    resume: () => child.kill("SIGCONT"),
    crash: () => kill("SIGKILL"),
    async restart() {
      child = await start();
    },
    async stop() {
      admin.disconnect();
      await kill("SIGKILL");
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function adminClient(options: ServerOptions, at: Readonly<{ socket: string | null; port: number }>): Redis {
  const client = new Redis({
    ...(at.socket === null ? { host: "127.0.0.1", port: at.port } : { path: at.socket }),
    ...(options.password === undefined ? {} : { password: options.password }),
    ...(options.listen === "tls" ? { tls: { rejectUnauthorized: false } } : {}),
    lazyConnect: true,
    retryStrategy: () => 20,
  });
  client.on("error", () => {}); // the server may be ended on purpose
  return client;
}

export type Certificate = Readonly<{ cert: string; key: string; ca: string; remove(): void }>;

/** A certificate for `name` that signs itself, as PEM files (needs the openssl program). */
export async function certificate(name: string): Promise<Certificate> {
  const folder = mkdtempSync(`${tmpdir()}/hedgerow-tls-`);
  const [cert, key] = [`${folder}/cert.pem`, `${folder}/key.pem`];
  const kind = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
  const about = ["-subj", `/CN=${name}`, "-addext", `subjectAltName=${/^[\d.]+$/.test(name) ? "IP" : "DNS"}:${name}`];
  const child = Bun.spawn(["openssl", ...kind, ...about, "-keyout", key, "-out", cert], { stderr: "pipe" });
  if ((await child.exited) !== 0) throw new Error(`openssl: ${await new Response(child.stderr).text()}`);
  return { cert, key, ca: cert, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
