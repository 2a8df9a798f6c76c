import type { Clock } from "../core/clock.ts";
import type { Observer } from "../core/events.ts";
import type { Loaded } from "../config/load.ts";
import type { Config } from "../config/config.ts";
import { printProblem } from "../config/problem.ts";
import { type Plan, planOf } from "./plan.ts";

/** What came of a reload; `notes` say what needs a restart all the same. */
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
  /** Reads it again; what is wrong changes nothing but the answer. */
  reload(): Reload;
}>;

export type ConfigurationDeps = Readonly<{
  clock: Clock;
  observe: Observer;
  load(): Loaded;
  /** A new generation is in force. */
  onApplied(plan: Plan): void;
}>;

export function configuration(deps: ConfigurationDeps, first: Loaded & { kind: "ok" }): Configuration {
  const { clock, observe } = deps;
  let now = { config: first.config, plan: planOf(first.config), files: first.files, wallMs: clock.wallMs() };
  let fingerprint = fingerprintOf(now.plan);
  let last: (Reload & Readonly<{ time_ms: number }>) | null = null;

  function tried(): Reload {
    const loaded = deps.load();
    if (loaded.kind === "bad") return { result: "refused", problems: loaded.problems.map(printProblem), notes: [] };
    const plan = planOf(loaded.config);
    const print = fingerprintOf(plan);
    if (print === fingerprint) {
      now = { ...now, files: loaded.files };
      return { result: "unchanged", problems: [], notes: [] };
    }
    const notes = needRestart(now.plan, plan);
    now = { config: loaded.config, plan: { ...plan, ...fixed(now.plan) }, files: loaded.files, wallMs: clock.wallMs() };
    fingerprint = print;
    deps.onApplied(now.plan);
    return { result: "applied", problems: [], notes };
  }
  return {
    plan: () => now.plan,
    config: () => now.config,
    loadedWallMs: () => now.wallMs,
    last: () => last,
    files: () => now.files,
    reload() {
      const outcome = tried();
      last = { ...outcome, time_ms: clock.wallMs() };
      observe({ kind: "reload", ...outcome });
      return outcome;
    },
  };
}

/** What a running process cannot change: where it listens, and where its sessions are counted. */
function fixed(plan: Plan): Pick<Plan, "store"> {
  return { store: plan.store };
}

function needRestart(before: Plan, after: Plan): readonly string[] {
  const changed = (what: string, pick: (plan: Plan) => unknown) =>
    printed(pick(before)) === printed(pick(after))
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
