import type { Background } from "../core/background.ts";
import type { Clock } from "../core/clock.ts";
import type { Observer } from "../core/events.ts";
import { inTime } from "../core/in-time.ts";
import type { LastCall } from "../core/last-call.ts";
import type { Server } from "../http/server.ts";
import type { Feed } from "../observe/feed.ts";
import type { Slots } from "../session/slots.ts";
import type { Stores } from "./stores.ts";

export type DrainParts = Readonly<{
  clock: Clock;
  observe: Observer;
  background: Background;
  server: Server;
  feed: Feed;
  slots: Slots;
  stores: Stores;
  /** Said when what still runs is to end with its protocol's error event. */
  lastCall: LastCall;
  /** New requests on connections that are kept open are refused from now on. */
  refuse(): void;
  /** Resolves when the log is out. */
  logged(): Promise<void>;
}>;

/** What is cut at the end may still write its last event, and the store may take the leases back, for so long. */
const LAST_WORDS_MS = 1_000;

/** From "not ready" to "nothing left": each step waits for the one before, and none for ever. */
export async function drain(
  parts: DrainParts,
  rules: Readonly<{ drainMs: number; drainDelayMs: number }>,
): Promise<void> {
  const { clock, observe, server, slots } = parts;
  observe({ kind: "notice", level: "info", what: "draining", fields: { leases: slots.leases() } });
  // A load balancer needs a moment to see that readiness is gone; whoever it still sends is served, once.
  server.leave();
  await clock.sleep(rules.drainDelayMs);
  parts.refuse();
  parts.feed.close();
  const empty = server.drained();
  await inTime(clock, rules.drainMs, empty);
  parts.lastCall.say();
  await inTime(clock, LAST_WORDS_MS, empty);
  await slots.close(LAST_WORDS_MS);
  await inTime(clock, LAST_WORDS_MS, server.cut());
  await inTime(clock, LAST_WORDS_MS, parts.background.drained());
  await parts.stores.close();
  observe({ kind: "notice", level: "info", what: "drained", fields: { leases: slots.leases() } });
  await inTime(clock, LAST_WORDS_MS, parts.logged());
}
