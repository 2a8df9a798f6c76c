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

/** The table of failures, row by row. */
export function classifyFault(fault: Fault): Verdict {
  const { status, facts } = fault;
  const reason = status === 200 ? `error_${word(facts.type)}` : `status_${status}`;
  const definitive: Verdict = { retry: false, health: "ok", rest: null, showable: true, reason };
  // An answer about content would be the same everywhere, and be paid once per provider.
  if (facts.policy) return { ...definitive, reason: "policy" };
  const kind = kindOf(fault);
  if (fault.ownCredentials && (kind === "key" || kind === "limited")) return definitive;
  switch (kind) {
    case "request":
      return definitive;
    case "redirect":
      return { retry: true, health: "failed", rest: null, showable: false, reason };
    case "key":
      return {
        retry: true,
        health: "failed",
        rest: { what: "key", ms: KEY_REST_MS, limited: false },
        showable: false,
        reason,
      };
    case "limited": {
      const ms = Math.min(fault.pushbackMs ?? RATE_LIMIT_REST_MS, REST_MS_MAX);
      return { retry: true, health: "unknown", rest: { what: "key_model", ms, limited: true }, showable: true, reason };
    }
    case "missing": {
      const rest = fault.shortCall ? null : ({ what: "model", ms: MODEL_REST_MS, limited: false } as const);
      return { retry: true, health: "unknown", rest, showable: true, reason };
    }
    case "conflict":
      return { retry: true, health: "unknown", rest: null, showable: true, reason };
    case "down": {
      const asked = [503, 529].includes(facts.status ?? status) && fault.pushbackMs !== null;
      const rest = asked
        ? ({ what: "model", ms: Math.min(fault.pushbackMs ?? 0, REST_MS_MAX), limited: false } as const)
        : null;
      return { retry: true, health: "failed", rest, showable: true, reason };
    }
  }
}

/** A fault without any answer to read: no connection, a reset, a truncated or senseless answer, a timeout. */
export function silentFault(reason: string): Verdict {
  return { retry: true, health: "failed", rest: null, showable: false, reason };
}

function kindOf({ status, facts }: Fault): Kind {
  if (status >= 300 && status < 400) return "redirect";
  if (CONFLICTS.includes(status)) return "conflict";
  const inside = status === 200;
  // A body's word stands above its status (a relay's 400 with `overloaded_error` is overload), but for the one that
  // OpenAI gives to every 4xx: `invalid_request_error` comes with 401 and 404 too.
  for (const kind of ["key", "limited", "missing", "down", ...(inside ? (["request"] as const) : [])] as const) {
    if ((TYPES[kind] as readonly string[]).includes(facts.type)) return kind;
  }
  const said = inside ? (facts.status ?? 0) : status;
  if (said === 429) return "limited";
  if ([401, 402, 403, 407].includes(said)) return "key";
  if (said === 404) return "missing";
  if (CONFLICTS.includes(said)) return "conflict";
  return said >= 400 && said < 500 ? "request" : "down";
}

const CONFLICTS: readonly number[] = [408, 409, 425];

/** Upstream words become log fields and metric-free reasons only when they look like words. */
function word(type: string): string {
  return /^[A-Za-z_]{1,40}$/.test(type) ? type.toLowerCase() : "event";
}
