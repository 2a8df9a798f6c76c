import type { Client } from "../provider/provider.ts";
import type { HomeStore } from "../session/home.ts";
import type { Ending } from "../session/lease.ts";
import type { Close } from "./client-stream.ts";
import { type DeliverDeps, type Delivered, deliver } from "./deliver.ts";
import type { Flight } from "./flight.ts";
import type { Live, Opened } from "./opened.ts";
import type { Write } from "./relay.ts";

export type StreamOutDeps = DeliverDeps &
  Readonly<{
    homes: HomeStore;
    /** Under which name an upstream object's id is kept as an alias of a session. */
    aliasKey(client: Client, id: string): string;
  }>;

/** For so long an answer's id leads back to the account that holds it. */
const ALIAS_TTL_MS = 24 * 60 * 60_000;

/** A begun answer on its way to the client, to its end and the request's. */
export async function streamOut(
  deps: StreamOutDeps,
  flight: Flight,
  stream: Readonly<{ winner: Opened; live: Live; write: Write }>,
): Promise<Close> {
  const { winner, live, write } = stream;
  const provider = winner.provider.name;
  // At once: the next request may refer to this answer before its last byte is here.
  const early = live.events?.reader.aliases() ?? [];
  keepAliases(deps, flight, provider, early);
  const end = await deliver(deps, flight.inbound, winner, live, { write, how: howOf(flight) });
  keepAliases(
    deps,
    flight,
    provider,
    end.aliases.filter((id) => !early.includes(id)),
  );
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

/** Writing an alias waits for nobody and is worth no failure: without it the next request goes by rank. */
export function keepAliases(deps: StreamOutDeps, flight: Flight, provider: string, ids: readonly string[]) {
  const { inbound } = flight;
  if (!inbound.facts.aliasable) return;
  for (const id of ids) {
    const alias = { session: inbound.session, provider };
    deps.background.track("alias", deps.homes.writeAlias(deps.aliasKey(inbound.client, id), alias, ALIAS_TTL_MS));
  }
}
