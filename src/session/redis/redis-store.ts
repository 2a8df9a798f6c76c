import type { Background } from "../../core/background.ts";
import type { Clock } from "../../core/clock.ts";
import { HedgerowError } from "../../core/errors.ts";
import type { Observer } from "../../core/events.ts";
import { inTime } from "../../core/in-time.ts";
import { loop } from "../../core/loop.ts";
import type { Random } from "../../core/random.ts";
import type { HomeStore } from "../home.ts";
import type { LeaseStore } from "../lease.ts";
import { memoryHomes } from "../memory-homes.ts";
import { memoryLeases } from "../memory-leases.ts";
import { breakingCalls } from "./breaking-calls.ts";
import { type Calls, calls, type RedisClient } from "./calls.ts";
import { checkStore } from "./check.ts";
import { type ConnectRules, connect } from "./connect.ts";
import { degradedHomes } from "./degraded-homes.ts";
import { degradedLeases, type WhenDown } from "./degraded-leases.ts";
import { type Health, storeHealth } from "./health.ts";
import { type Instances, instances } from "./instances.ts";
import { type Keys, keys } from "./keys.ts";
import { leaseScripts } from "./lease-scripts.ts";
import { look } from "./look.ts";
import { nodeOf } from "./node-of.ts";
import { redisHomes } from "./redis-homes.ts";
import { redisLeases } from "./redis-leases.ts";
import { takesWrites } from "./takes-writes.ts";

/** The session store of many processes, with what happens while it is away. Owns its connection and its loops until `close`. */
export type RedisStore = Readonly<{
  leases: LeaseStore;
  homes: HomeStore;
  /** Everything but `up` is degraded. */
  state(): ReturnType<Health["state"]>;
  /** Instances that share the limits, as last seen, this one included. */
  instances(): number;
  /** Sets what tells the store again all that this process holds, awaited before new sessions are asked for there. */
  whenBack(restore: () => void | Promise<void>): void;
  close(): Promise<void>;
}>;

export type RedisStoreRules = ConnectRules &
  Readonly<{
    prefix: string;
    whenDown: WhenDown;
    /** This instance's name among all, up to 8 characters. */
    instance: string;
    leaseTtlMs: () => number;
    clock: Clock;
    random: Random;
    background: Background;
    observe: Observer;
  }>;

/** How long the start waits for the first connection before it goes on without. */
const START_MS = 2000;
/** A check of a store that has just come back is given less: nobody is asked meanwhile. */
const CHECK_MS = 500;
/** An instance is counted until it was silent for so many lease TTLs; it beats three times in each. */
const SILENT_TTLS = 1.5;
const BEAT_JITTER = 0.1;
/** How long a shutdown waits for a store that hangs to hear that this instance is gone. */
const LEAVE_MS = 500;
/** Where heartbeats of instances go, beside the scopes. */
const INSTANCES = "instances";
const PREFIX = /^[a-z0-9._-]+$/;

/**
 * Opens the store and tries it out. A store that cannot be reached is degraded from the start, except with `refuse`:
 * then, and where the set-up is wrong (`store_config`, one line that says what to change), it rejects with a `HedgerowError`.
 */
export async function openRedisStore(rules: RedisStoreRules): Promise<RedisStore> {
  if (!PREFIX.test(rules.prefix)) {
    throw new HedgerowError("store_config", "sessions.redis.prefix may hold a-z, 0-9, dot, underscore and dash only");
  }
  const client = connect(rules);
  const { clock, observe } = rules;
  const names = keys(rules.prefix);
  const calling = calls({ client, clock, observe, timeoutMs: rules.timeoutMs });
  const store = redisLeases({ calls: calling, keys: names, scripts: leaseScripts(), clock });
  const check = async (withinMs: number) => {
    const { where, instance } = rules;
    const looking = () => look(rules);
    const warnings = await checkStore({ client, where: where.kind, look: looking, store, clock, withinMs, instance });
    for (const warning of warnings)
      observe({ kind: "notice", level: "warn", what: "store_setting", fields: { warning } });
  };
  let downAtStart: string | null = null;
  try {
    await check(START_MS);
  } catch (error) {
    const tolerable = error instanceof HedgerowError && error.code !== "store_config" && rules.whenDown !== "refuse";
    if (!tolerable) {
      client.disconnect();
      throw error;
    }
    downAtStart = error.message;
  }
  const here = instances({
    calls: calling,
    keys: names,
    instance: rules.instance,
    silentMs: () => Math.ceil(SILENT_TTLS * rules.leaseTtlMs()),
  });
  return running(rules, {
    client,
    calling,
    names,
    store,
    here,
    downAtStart,
    check: () => check(CHECK_MS),
  });
}

type Opened = Readonly<{
  client: RedisClient;
  calling: Calls;
  names: Keys;
  store: LeaseStore;
  here: Instances;
  downAtStart: string | null;
  check: () => Promise<void>;
}>;

function running(rules: RedisStoreRules, opened: Opened): RedisStore {
  const { clock, background, observe } = rules;
  const { client, store, here } = opened;
  const closed = new AbortController();
  const health = storeHealth({
    clock,
    background,
    observe,
    probe: probeOf(rules, opened),
    downAtStart: opened.downAtStart,
  });
  const own = { nowMs: clock.monoMs };
  // A node that joined may have taken another's place, without some of its last writes.
  for (const event of ["ready", "+node"]) client.on(event, () => health.reconnected());
  const beat = async () => {
    if (health.state() !== "down") await health.counted(INSTANCES, here.beat, () => true);
  };
  const beats = loop(
    {
      clock,
      random: rules.random,
      jitter: BEAT_JITTER,
      work: beat,
      get everyMs() {
        return rules.leaseTtlMs() / 3;
      },
      onError: () => {}, // counted and told by the call itself
    },
    closed.signal,
  );
  background.track(
    "first heartbeat of the instance",
    beat().catch(() => {}), // counted and told by the call itself
  );
  const mirror = memoryLeases(own);
  const homeCalls = breakingCalls({
    calls: opened.calling,
    nodeOf: (key) => nodeOf(client, key),
    what: "homes",
    clock,
    background,
    observe,
  });
  const homes = redisHomes(homeCalls, opened.names, rules.where.kind === "cluster");
  return {
    leases: degradedLeases({ store, mirror, health, background, whenDown: rules.whenDown, instances: here.known }),
    homes: degradedHomes(homes, memoryHomes(own), health),
    state: health.state,
    instances: here.known,
    whenBack: health.whenBack,
    async close() {
      closed.abort();
      health.close();
      homeCalls.close();
      const left = beats.then(async () => {
        if (health.state() !== "down") await here.leave().catch(() => {}); // else it is forgotten after a while
      });
      await inTime(clock, LEAVE_MS, left);
      client.disconnect(); // what is still unanswered fails now
      await left;
    },
  };
}

/** Answers once writes are taken, in the scopes that failed too; checks a store first that was never checked. */
function probeOf(rules: RedisStoreRules, { calling, names, store, here, downAtStart, check }: Opened) {
  let checked = downAtStart === null;
  let toldMistake = false;
  return async (places: readonly string[]): Promise<void> => {
    try {
      if (!checked) await check();
      checked = true;
    } catch (error) {
      if (error instanceof HedgerowError && error.code === "store_config" && !toldMistake) {
        toldMistake = true;
        rules.observe({ kind: "notice", level: "error", what: "store_setting", fields: { error: error.message } });
      }
      throw error;
    }
    await here.beat();
    const scopes = places.filter((place) => place !== INSTANCES);
    await store.count(scopes);
    await Promise.all(scopes.map((scope) => takesWrites(calling, names.scope(scope))));
  };
}
