import type { ProviderView } from "../http/admin/views.ts";
import { durationText } from "./duration-text.ts";
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
    stateCell(provider),
    ofLimit(provider.sessions, provider.sessions_limit),
    ofLimit(provider.requests, provider.requests_limit),
    String(provider.leases),
    hedgeAfter(provider.hedge),
    hedgesWon(provider.hedges),
    provider.override === null ? "" : { text: provider.override, tone: "warn" },
    { text: provider.protocols.join(" "), tone: "dim" },
  ]);
  return table(COLUMNS, rows, colour);
}

/** The one thing that keeps it from being asked, the strongest first; a cool-down of one key or model leaves it up. */
function stateCell({ enabled, removed, active, breaker, cooldowns }: ProviderView): Cell {
  if (removed) return { text: "removed", tone: "dim" };
  if (!enabled) return { text: "disabled", tone: "dim" };
  if (!active) return { text: "outside its hours", tone: "dim" };
  if (breaker.state === "open") return { text: `open, probe in ${durationText(breaker.probe_in_ms)}`, tone: "bad" };
  if (breaker.state === "half_open") return { text: "half open", tone: "warn" };
  const [first, ...others] = cooldowns;
  if (first === undefined) return { text: "up", tone: "good" };
  const what = [first.key === null ? "" : `key ${first.key}`, first.model ?? ""].filter((part) => part !== "");
  const more = others.length === 0 ? "" : ` +${others.length}`;
  return { text: `up, ${what.join(" ") || "all"} rests ${durationText(first.left_ms)}${more}`, tone: "warn" };
}

function ofLimit(count: number | null, limit: number): Cell {
  const text = `${count ?? "?"}/${limit === 0 ? "-" : limit}`;
  return count !== null && limit > 0 && count >= limit ? { text, tone: "warn" } : text;
}

/** Over all models asked so far. */
function hedgeAfter(hedge: ProviderView["hedge"]): Cell {
  const delaysMs = hedge.flatMap(({ after_ms }) => (after_ms === null ? [] : [after_ms]));
  if (delaysMs.length === 0) return hedge.length > 0 ? "off" : "-";
  const [least, most] = [durationText(Math.min(...delaysMs)), durationText(Math.max(...delaysMs))];
  return least === most ? least : `${least} to ${most}`;
}

function hedgesWon({ won, lost, win_rate }: ProviderView["hedges"]): Cell {
  return win_rate === null ? "-" : `${Math.round(win_rate * 100)}% of ${won + lost}`;
}
