import { PROTOCOL_NAMES } from "../../src/protocol/protocol.ts";
import { type Behave, type Simulator, startSimulator } from "../../src/simulator/simulator.ts";
import { type Hedgerow, startHedgerow } from "./binary.ts";

/** The compiled proxy over simulated upstreams. Owns all of them. */
export type World<Name extends string> = AsyncDisposable &
  Readonly<{
    hedgerow: Hedgerow;
    url: string;
    upstream: Readonly<Record<Name, Simulator>>;
    /** Resolves when the proxy holds no lease any more; rejects when that does not come about. */
    idle(): Promise<void>;
  }>;

export type WorldOptions = Readonly<{
  /** Top-level keys of the configuration beside `providers`. */
  config?: Readonly<Record<string, unknown>>;
  /** Keys for every provider. */
  each?: Readonly<Record<string, unknown>>;
  /** Keys for single providers, by name. */
  only?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  env?: Readonly<Record<string, string>>;
}>;

/** The providers in the order of their priority, so that tests know who is asked first. */
export async function startWorld<Name extends string>(
  behaviours: Readonly<Record<Name, Behave>>,
  options: WorldOptions = {},
): Promise<World<Name>> {
  await using held = new AsyncDisposableStack();
  const names = Object.keys(behaviours) as Name[];
  const upstream = {} as Record<Name, Simulator>;
  for (const name of names) {
    const simulator = startSimulator({ behave: behaviours[name] });
    held.defer(() => simulator.close());
    upstream[name] = simulator;
  }
  const providers = names.map((name, priority) => ({
    ...providerEntry(name, upstream[name].url),
    priority,
    ...options.each,
    ...options.only?.[name],
  }));
  const config = configText({ ...options.config, providers });
  const hedgerow = held.use(await startHedgerow({ config, ...(options.env ? { env: options.env } : {}) }));
  const owned = held.move();
  return {
    hedgerow,
    url: hedgerow.url,
    upstream,
    idle: () => eventually("no lease is held", async () => (await hedgerow.metric("hedgerow_leases")) === 0),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** A provider of all four protocols with a key of its own. */
export function providerEntry(name: string, baseUrl: string): Readonly<Record<string, unknown>> {
  return { name, protocols: PROTOCOL_NAMES, base_url: baseUrl, api_key: `upstream-key-of-${name}-0123` };
}

/** JSON is YAML, and a port of the system's choice is the default. */
export function configText(config: Readonly<Record<string, unknown>>): string {
  return JSON.stringify({ server: { port: 0 }, log: { format: "json" }, ...config }, null, 2);
}

/** So often a condition is looked at before a test gives up: half a minute on an idle machine, more on a busy one. */
const TRIES = 3_000;

/** Waits for what comes about by itself soon; fails by name where it does not. */
export async function eventually(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < TRIES; tries++) {
    if (await holds()) return;
    await Bun.sleep(10);
  }
  throw new Error(`did not come about: ${what}`);
}

/** So many looks in a row must find the same. */
const STEADY_LOOKS = 30;

/** Waits until a figure has come to rest. */
export async function steady(what: string, figure: () => number): Promise<number> {
  let last = figure();
  let same = 0;
  await eventually(`${what} comes to rest`, () => {
    const now = figure();
    same = now === last ? same + 1 : 0;
    last = now;
    return same >= STEADY_LOOKS;
  });
  return last;
}
