import type { ErrorFacts } from "../protocol/protocol.ts";

/** What a fault means for everybody else: judged here and nowhere else. */
export type Verdict = Readonly<{
  /** Ask another provider; false: it is the client's answer. */
  retry: boolean;
  /** For the breaker. */
  health: "ok" | "failed" | "unknown";
  /** Who rests, and for how long. */
  rest: Rest | null;
  /** May be shown to the client as the last upstream answer; false for what concerns our own credentials or config. */
  showable: boolean;
  /** From a closed vocabulary, for log and metrics. */
  reason: string;
}>;

export type Rest = Readonly<{ what: "key" | "key_model" | "model"; ms: number; limited: boolean }>;

export type Fault = Readonly<{
  /** Of the HTTP answer; 200 for an error inside a 200. */
  status: number;
  facts: ErrorFacts;
  /** As asked by headers or body; null = not said. */
  pushbackMs: number | null;
  /** The client's own credentials went up: what concerns them is its answer. */
  ownCredentials: boolean;
  /** Counting and embedding: a relay without these routes answers 404, which says nothing about the model. */
  shortCall: boolean;
}>;

const RATE_LIMIT_REST_MS = 10_000;
const REST_MS_MAX = 10 * 60_000;
const KEY_REST_MS = 5 * 60_000;
const MODEL_REST_MS = 60_000;

const TYPES = {
  limited: ["rate_limit_error", "rate_limit_exceeded", "RESOURCE_EXHAUSTED", "insufficient_quota"],
  key: [
    "authentication_error",
    "permission_error",
    "billing_error",
    "invalid_api_key",
    "UNAUTHENTICATED",
    "PERMISSION_DENIED",
  ],
  missing: ["not_found_error", "model_not_found", "NOT_FOUND"],
  down: [
    "overloaded_error",
    "api_error",
    "timeout_error",
    "server_error",
    "UNAVAILABLE",
    "INTERNAL",
    "DEADLINE_EXCEEDED",
  ],
  request: [
    "invalid_request_error",
    "request_too_large",
    "invalid_prompt",
    "context_length_exceeded",
    "INVALID_ARGUMENT",
    "FAILED_PRECONDITION",
  ],
} as const;

type Kind = keyof typeof TYPES | "redirect" | "conflict";

const KINDS = ["key", "limited", "missing", "down", "request"] as const;
const KEY_STATUSES: readonly number[] = [401, 402, 403, 407];
const CONFLICT_STATUSES: readonly number[] = [408, 409, 425];
/** Overload that names its end. */
const BUSY_STATUSES: readonly number[] = [503, 529];

/** The table of failures, row by row. */
export function classifyFault(fault: Fault): Verdict {
  const { status, facts, ownCredentials, pushbackMs } = fault;
  const reason = status === 200 ? `error_${word(facts.type)}` : `status_${status}`;
  const definitive: Verdict = { retry: false, health: "ok", rest: null, showable: true, reason };
  // An answer about content would be the same everywhere, and be paid once per provider.
  if (facts.policy) return { ...definitive, reason: "policy" };
  const kind = kindOf(fault);
  if (ownCredentials && (kind === "key" || kind === "limited") && status !== 407) return definitive;
  // No more than 599: beyond that it is no status that could be passed on.
  const showable = status <= 599;
  switch (kind) {
    case "request":
      return definitive;
    case "redirect":
      return { retry: true, health: "failed", rest: null, showable: false, reason };
    case "key": {
      const rest: Rest = { what: "key", ms: KEY_REST_MS, limited: false };
      return { retry: true, health: "failed", rest, showable: false, reason };
    }
    case "limited": {
      const rest: Rest = { what: "key_model", ms: restMs(pushbackMs ?? RATE_LIMIT_REST_MS), limited: true };
      return { retry: true, health: "unknown", rest, showable, reason };
    }
    case "missing": {
      const rest: Rest | null = fault.shortCall ? null : { what: "model", ms: MODEL_REST_MS, limited: false };
      return { retry: true, health: "unknown", rest, showable, reason };
    }
    case "conflict":
      return { retry: true, health: "unknown", rest: null, showable, reason };
    case "down": {
      const busy = pushbackMs !== null && BUSY_STATUSES.includes(facts.status ?? status);
      const rest: Rest | null = busy ? { what: "model", ms: restMs(pushbackMs), limited: false } : null;
      return { retry: true, health: "failed", rest, showable, reason };
    }
  }
}

function restMs(askedMs: number): number {
  return Math.min(askedMs, REST_MS_MAX);
}

/** A fault without any answer to read: no connection, a reset, a truncated or senseless answer, a timeout. */
export function silentFault(reason: string): Verdict {
  return { retry: true, health: "failed", rest: null, showable: false, reason };
}

function kindOf({ status, facts }: Fault): Kind {
  // A body may know better than its status: Google says 400 to a key that is not valid.
  const said = facts.status ?? (status === 200 ? 0 : status);
  if (status >= 300 && status < 400) return "redirect";
  // Whatever word comes with these, they are about our key or our limit, and must not reach the client.
  if (KEY_STATUSES.includes(said)) return "key";
  if (said === 429) return "limited";
  const named = KINDS.find((kind) => (TYPES[kind] as readonly string[]).includes(facts.type));
  // "Invalid request" is said of a wrong URL (404) and by relays of their own faults (5xx); there the status counts.
  if (named !== undefined && named !== "request") return named;
  if (said === 404) return "missing";
  if (CONFLICT_STATUSES.includes(said)) return "conflict";
  return (said >= 400 && said < 500) || (said === 0 && named === "request") ? "request" : "down";
}

/** Upstream words become log fields and metric-free reasons only when they look like words. */
function word(type: string): string {
  return /^[A-Za-z_]{1,40}$/.test(type) ? type.toLowerCase() : "event";
}
