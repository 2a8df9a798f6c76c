import { afterServed, type Home, type Homes, homeFor, type Served } from "../session/home.ts";
import type { AttemptEnd } from "./admission.ts";
import type { Loss } from "./attempt.ts";
import type { Inbound } from "./inbound.ts";
import type { Opened } from "./opened.ts";

/** What an answer means for where its session lives. */
export type Settlement = Readonly<{
  /** How the winner's slot is given back once it has answered. */
  how: AttemptEnd;
  /** To be told to the home store; null where the answer says nothing about a home. */
  served: Served | null;
  sticky: "hit" | "miss" | "moved" | "off";
}>;

/** Short calls count while they run and set no home; a client's own error says nothing about where it lives. */
export function settlementOf(
  inbound: Inbound,
  homes: Homes,
  race: Readonly<{
    winner: Opened;
    losses: readonly Loss[];
    hedged: boolean;
    ranked: ReadonlySet<string>;
    refused: ReadonlySet<string>;
    first: string | null;
    aliases: readonly string[];
  }>,
): Settlement {
  const home = homeFor(homes, inbound.facts.model);
  const { winner } = race;
  const at = winner.provider.name;
  const short = inbound.operation.kind === "count" || inbound.operation.kind === "embed";
  if (short) return { how: "answered_aside", served: null, sticky: home?.provider === at ? "hit" : "off" };
  const sticky = home === null ? "miss" : home.provider === at ? "hit" : "moved";
  if (winner.clientError) return { how: "answered_aside", served: null, sticky };
  const served: Served = {
    session: inbound.session,
    model: inbound.facts.model,
    provider: at,
    homeLost: home !== null && home.provider !== at && isLost(home, race),
    race: home !== null && race.hedged && race.first === home.provider ? (home.provider === at ? "won" : "lost") : null,
    aliases: race.aliases,
  };
  const livesHere = afterServed(homes, served)[0]?.home.provider === at;
  return { how: livesHere ? "answered" : "answered_aside", served, sticky };
}

/** The home was not to be asked, refused for sessions, or failed by itself; losing a race is none of these. */
function isLost(
  home: Home,
  race: Readonly<{ losses: readonly Loss[]; ranked: ReadonlySet<string>; refused: ReadonlySet<string> }>,
): boolean {
  if (!race.ranked.has(home.provider) || race.refused.has(home.provider)) return true;
  return race.losses.some((loss) => loss.provider.name === home.provider && loss.stopped !== "lost_race");
}
