import type { ProviderView } from "../http/admin/views.ts";
import { hedgeAfterWords, hedgesWonWords, isFull, ofLimitWords, stateWords } from "../words/provider-words.ts";
import { drawing, type ExitCode, type RemoteVerb, showLive, type World } from "./remote.ts";
import { type Cell, type Column, table } from "./table.ts";

/** `hedgerow status`: the providers of a running instance. */
export function status(verb: RemoteVerb, world: World): Promise<ExitCode> {
  const { colour } = world.terminal;
  const text = (body: unknown) => statusText((body as { providers: readonly ProviderView[] }).providers, colour);
  const draw = drawing(verb, world.clock, { call: (client) => client.get("providers"), text });
  return showLive(verb, draw, world);
}

const COLUMNS: readonly Column[] = [
  { title: "PROVIDER" },
  { title: "STATE" },
  { title: "SESSIONS", align: "right" },
  { title: "REQUESTS", align: "right" },
  { title: "LEASES", align: "right" },
  { title: "HEDGE AFTER" },
  { title: "HEDGES WON", align: "right" },
  { title: "OVERRIDE" },
  { title: "PROTOCOLS" },
];

export function statusText(providers: readonly ProviderView[], colour: boolean): string {
  const rows = providers.map((provider): readonly Cell[] => [
    { text: provider.name, tone: "strong" },
    stateWords(provider),
    ofLimit(provider.sessions, provider.sessions_limit),
    ofLimit(provider.requests, provider.requests_limit),
    String(provider.leases),
    hedgeAfterWords(provider.hedge),
    hedgesWonWords(provider.hedges),
    provider.override === null ? "" : { text: provider.override, tone: "warn" },
    { text: provider.protocols.join(" "), tone: "dim" },
  ]);
  return table(COLUMNS, rows, colour);
}

function ofLimit(count: number | null, limit: number): Cell {
  const text = ofLimitWords(count, limit);
  return isFull(count, limit) ? { text, tone: "warn" } : text;
}
