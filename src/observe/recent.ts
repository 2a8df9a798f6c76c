import type { Observer, RequestRecord } from "../core/events.ts";
import { sessionClients } from "./session-clients.ts";

/** Requests kept with their whole trail: minutes of a busy instance, about 2 MB. */
export const RECENT_MAX = 1_000;

/** `time_ms`: when it finished, milliseconds since 1970. */
export type RecentRequest = RequestRecord & Readonly<{ time_ms: number }>;

/** What a kept request must be like; a field left out fits all. */
export type RecentFilter = Readonly<{
  requestId?: string;
  session?: string;
  client?: string;
  /** One that was asked, whether or not it answered. */
  provider?: string;
}>;

export type Recent = Readonly<{
  observe: Observer;
  /** The newest first, at most `limit`. */
  latest(limit: number, filter?: RecentFilter): readonly RecentRequest[];
  /** Whose session this is; null where none of its requests came here lately. */
  clientOf(session: string): string | null;
}>;

/** What came here lately. Owns the last `sizeMax` finished requests, the oldest makes room; and whose sessions they were of. */
export function recentRequests(sizeMax: number = RECENT_MAX): Recent {
  const ring: RecentRequest[] = [];
  const clients = sessionClients();
  let next = 0;
  return {
    observe(event) {
      clients.observe(event);
      if (event.kind !== "request_finished") return;
      ring[next] = { ...event.record, time_ms: event.wallMs };
      next = (next + 1) % sizeMax;
    },
    latest(limit, filter = {}) {
      const found: RecentRequest[] = [];
      for (let back = 1; back <= ring.length && found.length < limit; back++) {
        const request = ring[(next - back + sizeMax) % sizeMax];
        if (request && fits(request, filter)) found.push(request);
      }
      return found;
    },
    clientOf: clients.of,
  };
}

function fits(request: RecentRequest, filter: RecentFilter): boolean {
  return (
    (filter.requestId === undefined || request.request_id === filter.requestId) &&
    (filter.session === undefined || request.session === filter.session) &&
    (filter.client === undefined || request.client === filter.client) &&
    (filter.provider === undefined || request.attempts.some((attempt) => attempt.provider === filter.provider))
  );
}
