import type { Clock } from "../core/clock.ts";
import type { Observer } from "../core/events.ts";
import type { Loaded } from "../config/load.ts";
import type { Config } from "../config/config.ts";
import { isLoopback } from "../config/loopback.ts";
import { printProblem } from "../config/problem.ts";
import { type Plan, planOf } from "./plan.ts";

/** What came of a reload; `notes` say what needs a restart all the same, and what is hardly meant. */
export type Reload = Readonly<{
  result: "applied" | "unchanged" | "refused";
  problems: readonly string[];
  notes: readonly string[];
}>;

/** The configuration in force, one immutable generation at a time. */
export type Configuration = Readonly<{
  plan(): Plan;
  config(): Config;
  loadedWallMs(): number;
  last(): (Reload & Readonly<{ time_ms: number }>) | null;
  /** Files that it was read from, for whoever watches them. */
  files(): readonly string[];
  /** Would a reload change it, or find a mistake? Reads it, and changes nothing. */
  outdated(): boolean;
  /** Reads it again; what is wrong changes nothing but the answer. */
  reload(): Reload;
}>;

export type ConfigurationDeps = Readonly<{
  clock: Clock;
  observe: Observer;
  load(): Loaded;
  /** This generation is in force from now on; the one before, read again, where nothing has changed. */
  onApplied(plan: Plan): void;
}>;

export function configuration(deps: ConfigurationDeps, first: Loaded & { kind: "ok" }): Configuration {
  const { clock, observe } = deps;
  const started = planOf(first.config);
  let now = { config: first.config, plan: started, files: first.files, wallMs: clock.wallMs() };
  let fingerprint = fingerprintOf(started);
  let watched = first.files;
  let last: (Reload & Readonly<{ time_ms: number }>) | null = null;

  function refused(problems: readonly string[], files: readonly string[]): Reload {
    // Those of the good one stay watched, and one that was missing may come.
    watched = [...new Set([...now.files, ...files])];
    return { result: "refused", problems, notes: [] };
  }
  function tried(): Reload {
    const loaded = deps.load();
    const { files } = loaded;
    if (loaded.kind === "bad") return refused(loaded.problems.map(printProblem), files);
    const plan = planOf(loaded.config);
    const open = leftOpen(started, loaded.config);
    if (open !== null) return refused([open], files);
    const print = fingerprintOf(plan);
    const changed = print !== fingerprint;
    now = changed
      ? { config: loaded.config, plan: { ...plan, ...fixed(started, plan) }, files, wallMs: clock.wallMs() }
      : { ...now, files };
    fingerprint = print;
    watched = files;
    deps.onApplied(now.plan);
    const notes = [...needRestart(started, plan), ...loaded.notes.map(printProblem)];
    return { result: changed ? "applied" : "unchanged", problems: [], notes };
  }
  for (const note of first.notes)
    observe({ kind: "notice", level: "warn", what: "config_note", fields: { note: printProblem(note) } });
  return {
    plan: () => now.plan,
    config: () => now.config,
    loadedWallMs: () => now.wallMs,
    last: () => last,
    files: () => watched,
    outdated() {
      const loaded = deps.load();
      return loaded.kind === "bad" || fingerprintOf(planOf(loaded.config)) !== fingerprint;
    },
    reload() {
      const outcome = tried();
      last = { ...outcome, time_ms: clock.wallMs() };
      observe({ kind: "reload", ...outcome });
      return outcome;
    },
  };
}

/** What a running process cannot change: where it listens, and where its sessions are counted. */
function fixed(started: Plan, { server, admin }: Plan): Pick<Plan, "store" | "server" | "admin"> {
  const { host, port, tls, reusePort } = started.server;
  return {
    store: started.store,
    server: { ...server, host, port, tls, reusePort },
    admin: { ...admin, openToLoopback: admin.openToLoopback && isLoopback(host) },
  };
}

/** The file alone may be right where the process is not: it listens where it did until it is restarted. */
function leftOpen({ server: { host } }: Plan, { clients, server }: Config): string | null {
  if (isLoopback(host) || clients.length > 0 || server.open) return null;
  return `server.host: until a restart everybody who reaches ${host} could use it; keep clients, or say server.open: true`;
}

function needRestart(started: Plan, after: Plan): readonly string[] {
  const changed = (what: string, pick: (plan: Plan) => unknown) =>
    printed(pick(started)) === printed(pick(after))
      ? []
      : [`${what} needs a restart to take effect; the rest is applied`];
  return [
    ...changed("server.host", ({ server }) => server.host),
    ...changed("server.port", ({ server }) => server.port),
    ...changed("server.tls", ({ server }) => server.tls),
    ...changed("server.reuse_port", ({ server }) => server.reusePort),
    ...changed("sessions.store", ({ store }) => store),
    ...changed("log.format", ({ log }) => log.format),
  ];
}

/** Secrets count with their values here: a new key in a key file is a change. Nothing of this is kept but the digest. */
function fingerprintOf(plan: Plan): string {
  return new Bun.CryptoHasher("sha256").update(printed(plan)).digest("hex");
}

function printed(value: unknown): string {
  // `part` has been through the secret's own toJSON already; what it was is still in its place.
  const revealing = function (this: Readonly<Record<string, unknown>>, key: string, part: unknown) {
    const was = this[key];
    return isSecret(was) ? was.reveal() : part;
  };
  return JSON.stringify(value, revealing) ?? "";
}

function isSecret(part: unknown): part is Readonly<{ reveal(): string }> {
  return typeof part === "object" && part !== null && "reveal" in part && typeof part.reveal === "function";
}
