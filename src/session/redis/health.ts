import type { Background } from "../../core/background.ts";
import type { Clock } from "../../core/clock.ts";
import type { Observer } from "../../core/events.ts";
import { failuresInARow } from "./failures.ts";
import { prober } from "./prober.ts";
import { type Restoration, restoration } from "./restoration.ts";

/** Whether the store is asked. One failure is bad luck, several in a row at one place are a store that is away, as is one that answers but takes no writes. */
export type Health = Pick<Restoration, "whenBack" | "telling"> &
  Readonly<{
    /** `restoring`: it answers again, and is being told what was granted without it. */
    state(): "up" | "restoring" | "down";
    /**
     * Runs a call and counts how it went; `where` tells the nodes of a cluster apart (a scope). `tookWrite`: whether the
     * reply proves that a write was taken which a full server refuses. Passes the call's error on.
     */
    counted<Reply>(where: string, call: () => Promise<Reply>, tookWrite: (reply: Reply) => boolean): Promise<Reply>;
    /** Resolves when nothing is being restored (any more). */
    restored(): Promise<void>;
    /** The connection came back: what was granted is told again, in case the server came back empty; one that is down is probed at once. */
    reconnected(): void;
    /** Stops probing. */
    close(): void;
  }>;

export type HealthRules = Readonly<{
  clock: Clock;
  background: Background;
  observe: Observer;
  /** Resolves when the store takes writes, at `places` too: those where calls failed. */
  probe: (places: readonly string[]) => Promise<void>;
  /** Why the store is known to be away from the start; null where it answered. */
  downAtStart: string | null;
}>;

const FAILURES_MAX = 3;

export function storeHealth({ clock, background, observe, probe, downAtStart }: HealthRules): Health {
  let state: ReturnType<Health["state"]> = "up";
  let told = true;
  let back: Promise<void> = Promise.resolve();
  const failures = failuresInARow();
  const restoring = restoration(clock);

  const tell = (up: boolean, reason: string) => {
    if (told !== up) observe({ kind: "store", up, reason });
    told = up;
  };
  const tellAll = async (reason: string) => {
    state = "restoring";
    try {
      await restoring.run();
    } finally {
      if (state === "restoring") {
        state = "up";
        tell(true, reason);
      } // else it went away again meanwhile
    }
  };
  const comeBack = (reason: string) => {
    const told = tellAll(reason);
    back = told.catch(() => {}); // reported by whoever had it run
    return told;
  };
  const probes = prober({
    clock,
    background,
    wanted: () => state === "down",
    async ask() {
      if (!(await succeeds(probe(failures.places())))) return;
      failures.clear();
      await comeBack("the store answers again");
    },
  });
  const goDown = (reason: string) => {
    state = "down";
    tell(false, reason);
    probes.start();
  };

  if (downAtStart !== null) goDown(downAtStart);
  return {
    state: () => state,
    async counted(where, call, tookWrite) {
      try {
        const reply = await call();
        if (state !== "down") failures.answered(where, tookWrite(reply) ? "took a write" : "read");
        return reply;
      } catch (error) {
        if (failures.failed(where, error) >= FAILURES_MAX)
          goDown(error instanceof Error ? error.message : String(error));
        throw error;
      }
    },
    restored: () => back,
    telling: restoring.telling,
    reconnected() {
      if (state === "down") probes.nudge();
      else if (state === "up") background.track("restore after a reconnection", comeBack("reconnected"));
    },
    whenBack: restoring.whenBack,
    close: probes.close,
  };
}

function succeeds(call: Promise<void>): Promise<boolean> {
  return call.then(
    () => true,
    () => false,
  );
}
