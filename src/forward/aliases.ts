import type { Background } from "../core/background.ts";
import type { Client } from "../provider/provider.ts";
import type { HomeStore } from "../session/home.ts";
import type { Flight } from "./flight.ts";
import type { Inbound } from "./inbound.ts";
import type { Live, Whole } from "./opened.ts";

export type AliasDeps = Readonly<{
  background: Background;
  homes: HomeStore;
  /** Under which name an upstream object's id is kept as an alias of a session. */
  aliasKey(client: Client, id: string): string;
}>;

/** Aliases that an answer has told by its first event: the next request may refer to it before its last byte is here. */
export function earlyAliases(deps: AliasDeps, inbound: Inbound, body: Whole | Live): readonly string[] {
  return keysOf(deps, inbound, body.kind === "whole" ? body.aliases : (body.events?.reader.aliases() ?? []));
}

/** Keeps those that came later. That waits for nobody and is worth no failure: without it the next request goes by rank. */
export function keepLateAliases(deps: AliasDeps, flight: Flight, provider: string, ids: readonly string[]): void {
  const { inbound, story } = flight;
  const kept = story.settlement?.served?.aliases ?? [];
  for (const key of keysOf(deps, inbound, ids)) {
    if (kept.includes(key)) continue;
    deps.background.track("alias", deps.homes.writeAlias(key, { session: inbound.session, provider }));
  }
}

function keysOf(deps: AliasDeps, { facts, client }: Inbound, ids: readonly string[]): readonly string[] {
  return facts.aliasable ? ids.map((id) => deps.aliasKey(client, id)) : [];
}
