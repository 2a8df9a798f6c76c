import type { Background } from "../../core/background.ts";
import type { Clock } from "../../core/clock.ts";
import type { Observer } from "../../core/events.ts";

/** Whether the store is asked. One failure is bad luck, several in a row at one place are a store that is away. */
export type Health = Readonly<{
  /** `restoring`: it answers again, and is being told what was granted without it. */
  state(): "up" | "restoring" | "down";
  /** Runs a call and counts how it went; `where` tells the nodes of a cluster apart (a scope). Passes the call's error on. */
  counted<Reply>(where: string, call: () => Promise<Reply>): Promise<Reply>;
  /** Marks a call that tells the store what it may have lost: new sessions are asked for there only once none is under way. */
  telling<Reply>(call: Promise<Reply>): Promise<Reply>;
  /** The connection came back: what was granted is told again, in case the server came back empty; one that is down is probed at once. */
  reconnected(): void;
  /** Sets what tells the store again all that this process holds; it need not wait for the calls it sets going. */
  whenBack(restore: () => void | Promise<void>): void;
  /** Stops probing. */
  close(): void;
}>;

export type HealthRules = Readonly<{
  clock: Clock;
  background: Background;
  observe: Observer;
  /** Resolves when the store answers and takes writes; `places` are those where calls failed. */
  probe: (places: readonly string[]) => Promise<void>;
  /** Why the store is known to be away from the start; null where it answered. */
  downAtStart: string | null;
}>;

const FAILURES_MAX = 3;
const PROBE_MS = 1000;

export function storeHealth({ clock, background, observe, probe, downAtStart }: HealthRules): Health {
  let state: ReturnType<Health["state"]> = "up";
  let told = true;
  let restore: () => void | Promise<void> = () => {};
  let probed = false;
  let nudge = new AbortController();
  const failures = new Map<string, number>();
  const telling = underWay(clock);
  const closed = new AbortController();

  const tell = (up: boolean, reason: string) => {
    if (told !== up) observe({ kind: "store", up, reason });
    told = up;
  };
  const comeBack = async (reason: string) => {
    state = "restoring";
    failures.clear();
    await restore();
    await telling.ended();
    if (state !== "restoring") return; // it went away again meanwhile
    state = "up";
    tell(true, reason);
  };
  const isDown = () => state === "down";
  const probing = async () => {
    probed = true;
    while (isDown()) {
      nudge = new AbortController();
      await clock.sleep(PROBE_MS, AbortSignal.any([closed.signal, nudge.signal])).catch(() => {}); // woken early
      if (closed.signal.aborted) break;
      const answers = await probe([...failures.keys()]).then(
        () => true,
        () => false,
      );
      if (answers) await comeBack("the store answers again");
    }
    probed = false;
  };
  const goDown = (reason: string) => {
    state = "down";
    tell(false, reason);
    if (!probed) background.track("probe of the store", probing());
  };

  if (downAtStart !== null) goDown(downAtStart);
  return {
    state: () => state,
    async counted(where, call) {
      try {
        const reply = await call();
        if (state !== "down") failures.delete(where);
        return reply;
      } catch (error) {
        const count = (failures.get(where) ?? 0) + 1;
        failures.set(where, count);
        if (count >= FAILURES_MAX) goDown(error instanceof Error ? error.message : String(error));
        throw error;
      }
    },
    telling: telling.add,
    reconnected() {
      if (state === "down") nudge.abort();
      else if (state === "up") background.track("restore after a reconnection", comeBack("reconnected"));
    },
    whenBack(hook) {
      restore = hook;
    },
    close: () => closed.abort(),
  };
}

type UnderWay = Readonly<{ add<Reply>(call: Promise<Reply>): Promise<Reply>; ended(): Promise<void> }>;

/** Calls that are under way. */
function underWay(clock: Clock): UnderWay {
  const calls = new Set<Promise<unknown>>();
  return {
    add(call) {
      calls.add(call);
      const over = () => calls.delete(call);
      call.then(over, over);
      return call;
    },
    async ended() {
      while (calls.size > 0) {
        await Promise.allSettled(calls);
        await clock.sleep(0); // whoever heard the answer may have more to say
      }
    },
  };
}
