import type { ConfigView, ProviderView, RequestView, SessionView } from "../../http/admin/views.ts";
import type { Readiness } from "./admin.ts";
import { type Decision, decisionOf } from "./decisions.ts";
import type { FeedEvent } from "./feed.ts";

/** What the page knows of its instance at one moment. */
export type Snapshot = Readonly<{
  /** Why nobody answered the last time; "" while somebody does. */
  silence: string;
  /** Decisions are told as they are taken; else the page asks for finished requests now and then. */
  listening: boolean;
  readiness: Readiness | null;
  providers: readonly ProviderView[] | null;
  sessions: SessionList | null;
  /** The newest first. */
  requests: readonly RequestView[] | null;
  config: ConfigView | null;
  /** The newest first. */
  decisions: readonly Decision[];
}>;

export type SessionList = Readonly<{ sessions: readonly SessionView[]; total: number }>;

export const NOTHING_YET: Snapshot = {
  silence: "",
  listening: false,
  readiness: null,
  providers: null,
  sessions: null,
  requests: null,
  config: null,
  decisions: [],
};

/** As many as the instance keeps itself. */
export const REQUESTS_MAX = 1_000;
const DECISIONS_MAX = 200;

/** The snapshot after an event of the feed. */
export function after(snapshot: Snapshot, event: FeedEvent): Snapshot {
  if (event.kind === "request_finished") return withRequest(snapshot, event.data);
  const decision = decisionOf(event);
  if (decision === null) return snapshot;
  return { ...snapshot, decisions: [decision, ...snapshot.decisions].slice(0, DECISIONS_MAX) };
}

/**
 * The snapshot with answers in it that were asked for when it was `before`. A request that was told of meanwhile stays:
 * the list may be older than its end.
 */
export function withAnswers(snapshot: Snapshot, answers: Partial<Snapshot>, before: Snapshot): Snapshot {
  if (!answers.requests) return { ...snapshot, ...answers };
  const known = new Set([...(before.requests ?? []), ...answers.requests].map(keyOf));
  const meanwhile = (snapshot.requests ?? []).filter((request) => !known.has(keyOf(request)));
  return { ...snapshot, ...answers, requests: [...meanwhile, ...answers.requests].slice(0, REQUESTS_MAX) };
}

/** A request that came with the list and as an event is one request. */
function withRequest(snapshot: Snapshot, request: RequestView): Snapshot {
  const known = snapshot.requests ?? [];
  const isKnown = known.some((one) => keyOf(one) === keyOf(request));
  return isKnown ? snapshot : { ...snapshot, requests: [request, ...known].slice(0, REQUESTS_MAX) };
}

/** An id may come from outside, twice. */
export function keyOf({ request_id, time_ms }: RequestView): string {
  return `${request_id} ${time_ms}`;
}

/** Events after which providers or the config look different. */
export function changesState({ kind }: FeedEvent): boolean {
  return STATE_KINDS.has(kind);
}

const STATE_KINDS = new Set(["breaker", "cooldown", "override", "reload", "store"]);
