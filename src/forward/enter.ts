import type { OwnError } from "../core/errors.ts";
import type { Observer } from "../core/events.ts";
import type { Homes, HomeStore } from "../session/home.ts";
import type { Ask, Asked } from "../session/slot.ts";
import type { Slots } from "../session/slots.ts";
import type { Flight } from "./flight.ts";
import type { Inbound } from "./inbound.ts";

export type EnterDeps = Readonly<{ slots: Slots; homes: HomeStore; observe: Observer }>;

/**
 * What a request needs before anybody is chosen: leave by its client's own limits (null: granted), and where its session
 * lives. Side by side: with a store across the network each of them is a round trip.
 */
export type Entry = Readonly<{ client: Promise<OwnError | null>; homes: Promise<Homes> }>;

export function enter(deps: EnterDeps, flight: Flight, idle: "yield" | "hold"): Entry {
  return { client: admitClient(deps.slots, flight, idle), homes: homesOf(deps, flight.inbound) };
}

async function admitClient(slots: Slots, flight: Flight, idle: "yield" | "hold"): Promise<OwnError | null> {
  const { inbound, stop } = flight;
  const { sessions, requests, rpm } = inbound.client.limits;
  if (sessions === 0 && requests === 0 && rpm === 0) return null;
  const ask: Ask = {
    scope: `client:${inbound.client.name}`,
    session: inbound.session,
    limits: { sessions, requests },
    rpm,
    displace: false,
    onEnded: (why) => stop.stop(why === "ended" ? "session_ended" : "lease_lost"),
  };
  let asked: Asked;
  try {
    asked = await slots.acquire(ask, stop.signal);
    if (asked.kind === "refused" && asked.by === "sessions" && idle === "yield") {
      asked = await slots.acquire({ ...ask, displace: true }, stop.signal);
    }
  } catch (error) {
    if (stop.stopped() !== null) return null; // the race sees the same signal and ends the request
    throw error;
  }
  if (asked.kind === "granted") {
    flight.hold(asked.held);
    return null;
  }
  if (asked.kind === "store_down") {
    return {
      code: "store_down",
      message: "The session store is unreachable; client limits cannot be checked.",
      retryAfterMs: 1_000,
    };
  }
  const what = asked.by === "rpm" ? "requests a minute" : `concurrent ${asked.by === "ended" ? "sessions" : asked.by}`;
  const error: OwnError = {
    code: "client_limit",
    message: `The client "${inbound.client.name}" is at its limit of ${what}.`,
  };
  return asked.retryAfterMs > 0 ? { ...error, retryAfterMs: asked.retryAfterMs } : error;
}

/** A home that cannot be read costs a cold prompt cache, not the request. */
async function homesOf({ homes, observe }: EnterDeps, inbound: Inbound): Promise<Homes> {
  if (inbound.operation.kind === "embed") return [];
  const { facts, boundTo } = inbound;
  if (namesAlias(inbound))
    return boundTo === null ? [] : [{ model: facts.model, home: { provider: boundTo, races: "" } }];
  try {
    return await homes.read(inbound.session);
  } catch (error) {
    observe({ kind: "notice", level: "debug", what: "home not read", fields: { error: String(error) } });
    return [];
  }
}

/**
 * A request that goes on from an upstream's object: its alias has been read, a round trip already, and stands in for the
 * home. It can be asked who serves it beside its client's leave instead of after it.
 */
export function namesAlias({ facts }: Inbound): boolean {
  return facts.aliases.length > 0;
}
