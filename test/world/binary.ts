import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A line of the JSON log. */
export type LogRecord = Readonly<{ level: string; msg: string; [field: string]: unknown }>;

/** The compiled product, running on a port of the system's choice. Owns its process until it is disposed. */
export type Hedgerow = AsyncDisposable &
  Readonly<{
    url: string;
    pid: number;
    log(): readonly LogRecord[];
    /** All that was printed, on both streams. */
    printed(): string;
    /** The sum over the samples of a metric whose labels include these. */
    metric(name: string, labels?: Readonly<Record<string, string>>): Promise<number>;
    /** The configuration file, to be changed for a reload. */
    configFile: string;
    signal(name: NodeJS.Signals): void;
    /** SIGTERM, then the exit code. */
    stop(): Promise<number>;
    kill9(): Promise<void>;
  }>;

export type HedgerowOptions = Readonly<{
  /** YAML text (JSON is YAML). Its `server.port` should be 0. */
  config: string;
  env?: Readonly<Record<string, string>>;
  args?: readonly string[];
  /** `listening`: believe the log, where `/readyz` cannot be asked without more ado (a certificate of its own). */
  ready?: "listening";
}>;

const ROOT = join(import.meta.dir, "../..");
const READY_TRIES = 3_000;

/** The binary's path; built first where it is missing or older than a source. `HEDGEROW_BINARY` names another. */
export async function binary(): Promise<string> {
  const given = process.env["HEDGEROW_BINARY"];
  if (given) return given;
  const path = join(ROOT, "dist/hedgerow");
  if (ageMs(path) < newestMs(join(ROOT, "src"))) {
    const build = Bun.spawn(["npm", "run", "--silent", "build"], { cwd: ROOT, stdout: "pipe", stderr: "pipe" });
    const [code, told] = await Promise.all([build.exited, new Response(build.stderr).text()]);
    if (code !== 0) throw new Error(`the build failed: ${told}`);
  }
  return path;
}

function ageMs(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

function newestMs(folder: string): number {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return Math.max(...files.map((file) => ageMs(join(file.parentPath, file.name))));
}

export async function startHedgerow(options: HedgerowOptions): Promise<Hedgerow> {
  const folder = mkdtempSync(join(tmpdir(), "hedgerow-"));
  const configFile = join(folder, "providers.yaml");
  writeFileSync(configFile, options.config);
  const child = Bun.spawn([await binary(), "serve", "-c", configFile, ...(options.args ?? [])], {
    cwd: folder,
    env: { ...options.env },
    stdout: "pipe",
    stderr: "pipe",
  });
  const output = { text: "", records: [] as LogRecord[] };
  const reading = [keep(child.stdout, output), keep(child.stderr, output)];
  const stop = async (signal: NodeJS.Signals) => {
    child.kill(signal);
    const code = await child.exited;
    await Promise.all(reading);
    rmSync(folder, { recursive: true, force: true });
    return code;
  };
  const url = await listening(child, output, options.ready === "listening").catch(async (error: unknown) => {
    await stop("SIGKILL");
    throw error;
  });
  return {
    url,
    pid: child.pid,
    configFile,
    log: () => output.records,
    printed: () => output.text,
    metric: (name, labels = {}) => metric(url, name, labels),
    signal: (name) => child.kill(name),
    stop: () => stop("SIGTERM"),
    async kill9() {
      await stop("SIGKILL");
    },
    async [Symbol.asyncDispose]() {
      await stop("SIGKILL");
    },
  };
}

/** Runs a verb to its end. */
export async function runHedgerow(
  args: readonly string[],
  options: Readonly<{ cwd?: string; env?: Readonly<Record<string, string>> }> = {},
): Promise<Readonly<{ code: number; stdout: string; stderr: string }>> {
  const child = Bun.spawn([await binary(), ...args], {
    cwd: options.cwd ?? tmpdir(),
    env: { ...options.env },
    stdout: "pipe",
    stderr: "pipe",
  });
  const [code, stdout, stderr] = await Promise.all([
    child.exited,
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  return { code, stdout, stderr };
}

/** The URL it logged, once it is ready. */
async function listening(
  child: Bun.Subprocess,
  output: Readonly<{ text: string; records: readonly LogRecord[] }>,
  believed: boolean,
): Promise<string> {
  for (let tries = 0; tries < READY_TRIES; tries++) {
    const url = output.records.find((record) => record.msg === "listening")?.["url"];
    if (typeof url === "string" && (believed || (await fetch(`${url}/readyz`).catch(() => null))?.ok)) return url;
    if (child.exitCode !== null) break;
    await Bun.sleep(10);
  }
  throw new Error(`hedgerow did not come up (exit ${child.exitCode}): ${output.text}`);
}

async function keep(stream: ReadableStream<Uint8Array>, output: { text: string; records: LogRecord[] }): Promise<void> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const bytes of stream) {
    const text = decoder.decode(bytes, { stream: true });
    output.text += text;
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) if (line.startsWith("{")) output.records.push(JSON.parse(line) as LogRecord);
  }
}

async function metric(url: string, name: string, labels: Readonly<Record<string, string>>): Promise<number> {
  const page = await (await fetch(`${url}/metrics`)).text();
  const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
  return page
    .split("\n")
    .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
    .filter((line) => wanted.every((pair) => line.includes(pair)))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" ") + 1)), 0);
}
