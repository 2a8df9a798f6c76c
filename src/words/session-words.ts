import type { SessionView } from "../http/admin/views.ts";
import { counted } from "./counted.ts";
import { durationText } from "./duration-text.ts";

/** A provider where a session counts, and why it does. */
export function placeWords({ provider, running, resides_ms }: SessionView["providers"][number]): string {
  return `${provider} (${resides_ms === null ? `${running} running` : `slot kept ${durationText(resides_ms)}`})`;
}

/** What an operator's end of a session came to; field for field as the admin API answers it. */
export type SessionEnded = Readonly<{
  session: string;
  /** Null where it was ended by its hash and its requests came to other instances alone. */
  client: string | null;
  leases: number;
  cut_here: number;
  to_be_cut: number;
}>;

export function endedWords({ session, client, leases, cut_here, to_be_cut }: SessionEnded): string {
  const cut = `${cut_here} cut here, ${to_be_cut} by other instances at their next heartbeat`;
  const whose = client === null ? session : `${session} of ${client}`;
  return `ended ${whose}: ${counted(leases, "lease")} (${cut})`;
}
