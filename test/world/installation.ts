import { type Behave, type Simulator, startSimulator } from "../../src/simulator/simulator.ts";
import { nowMs, type Seen } from "../session/redis/history.ts";
import { binary, type Hedgerow, startHedgerow } from "./binary.ts";
import { sessionOf } from "./gates.ts";
import { configText, providerEntry, type WorldOptions } from "./scripted-upstream.ts";

/** Compiled proxies over the same simulated upstreams. Owns all of them. */
export type Installation<Name extends string> = AsyncDisposable &
  Readonly<{
    upstream: Readonly<Record<Name, Simulator>>;
    /** Which session was with which provider, and when, as the upstreams saw it: whatever a proxy believes, this is so. */
    history: readonly Seen[];
    /** Starts a proxy; `sessions` are keys for it alone. */
    start(instance: string, sessions?: Readonly<Record<string, unknown>>): Promise<Hedgerow>;
  }>;

/** The providers in the order of their priority. */
export function installation<Name extends string>(
  behaviours: Readonly<Record<Name, Behave>>,
  options: WorldOptions = {},
): Installation<Name> {
  const held = new AsyncDisposableStack();
  const history: Seen[] = [];
  let built: Promise<string> | null = null;
  const names = Object.keys(behaviours) as Name[];
  const upstream = {} as Record<Name, Simulator>;
  for (const name of names) {
    const simulator = startSimulator({
      behave(request) {
        const process = request.header(INSTANCE_HEADER) ?? "";
        const seen = {
          process,
          scope: `provider:${name}`,
          session: sessionOf(request),
          lease: `${name}.${request.serial}`,
        };
        const arrivedMs = nowMs();
        history.push({ ...seen, kind: "granted", atMs: arrivedMs });
        void simulator
          .exchanges()
          .at(-1)
          ?.ended.then(({ how }) => {
            const atMs = how === "left" ? arrivedMs + A_MOMENT_MS : nowMs();
            history.push({ ...seen, kind: "released", atMs });
          });
        return behaviours[name](request);
      },
    });
    held.defer(() => simulator.close());
    upstream[name] = simulator;
  }
  return {
    upstream,
    history,
    async start(instance, sessions = {}) {
      await (built ??= binary()); // not once by each of those that are started side by side
      const providers = names.map((name, priority) => ({
        ...providerEntry(name, upstream[name].url),
        priority,
        headers: { [INSTANCE_HEADER]: instance },
        ...options.each,
        ...options.only?.[name],
      }));
      const shared = options.config?.["sessions"] as Readonly<Record<string, unknown>> | undefined;
      const config = configText({ ...options.config, sessions: { ...shared, ...sessions }, providers });
      return held.use(await startHedgerow({ config }));
    },
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

const INSTANCE_HEADER = "x-instance";
/**
 * What an upstream hears of a proxy that leaves comes after its lease was given back, on a busy machine many ms after: all
 * that is sure is that it was held when the request arrived.
 */
const A_MOMENT_MS = 0.001;
