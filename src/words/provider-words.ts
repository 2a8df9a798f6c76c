import type { ProviderView } from "../http/admin/views.ts";
import { durationText } from "./duration-text.ts";
import type { Told } from "./tone.ts";

/** The one thing that keeps it from being asked, the strongest first; a cool-down of one key or model leaves it up. */
export function stateWords({ enabled, removed, active, breaker, cooldowns }: ProviderView): Told {
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

/** A count and its limit; `?` where the store cannot say, `-` where there is no limit. */
export function ofLimitWords(count: number | null, limit: number): string {
  return `${count ?? "?"}/${limit === 0 ? "-" : limit}`;
}

/** No more fits in. */
export function isFull(count: number | null, limit: number): boolean {
  return count !== null && limit > 0 && count >= limit;
}

/** The learned delay over all models asked so far. */
export function hedgeAfterWords(hedge: ProviderView["hedge"]): string {
  const delaysMs = hedge.flatMap(({ after_ms }) => (after_ms === null ? [] : [after_ms]));
  if (delaysMs.length === 0) return hedge.length > 0 ? "off" : "-";
  const [least, most] = [durationText(Math.min(...delaysMs)), durationText(Math.max(...delaysMs))];
  return least === most ? least : `${least} to ${most}`;
}

export function hedgesWonWords({ won, lost, win_rate }: ProviderView["hedges"]): string {
  return win_rate === null ? "-" : `${Math.round(win_rate * 100)}% of ${won + lost}`;
}
