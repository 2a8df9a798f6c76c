import type { Ending } from "../session/lease.ts";
import { type AliasDeps, keepLateAliases } from "./aliases.ts";
import type { Close } from "./client-stream.ts";
import { type DeliverDeps, type Delivered, deliver } from "./deliver.ts";
import type { Flight } from "./flight.ts";
import type { Live, Opened } from "./opened.ts";
import type { Write } from "./pouring.ts";

export type StreamOutDeps = DeliverDeps & AliasDeps;

/** A begun answer on its way to the client, to its end and the request's. */
export async function streamOut(
  deps: StreamOutDeps,
  flight: Flight,
  stream: Readonly<{ winner: Opened; live: Live; write: Write }>,
): Promise<Close> {
  const { winner, live, write } = stream;
  const provider = winner.provider.name;
  const end = await deliver(deps, flight.inbound, winner, live, { write, how: howOf(flight) });
  keepLateAliases(deps, flight, provider, end.aliases);
  flight.land({ status: winner.status, error: end.error, provider, usage: end.usage }, endingOf(flight, end.how));
  return end.close;
}

/** How the winner's slot is to be given back. */
export function howOf(flight: Flight) {
  return flight.story.settlement?.how ?? "answered_aside";
}

/** How the client's own lease ends: as its request did. What sets no home is no sign of life of a session either. */
export function endingOf(flight: Flight, how: Delivered["how"]): Ending {
  if (how === "broken") return "failed";
  return how === "stopped" || !flight.story.settlement?.served ? "reverted" : "done";
}

/** The same where the client is told of nothing but an error: a request that never got under way leaves no trace. */
export function failedEnding({ story }: Flight): Ending {
  return story.trail.count() > 0 ? "failed" : "reverted";
}
