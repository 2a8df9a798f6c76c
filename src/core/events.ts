/**
 * What happens, told once. The log, the metrics, the ring of recent requests and the admin feed all derive from these;
 * the domain calls `observe(event)` and knows none of them. No event holds a prompt, an answer or a key.
 */
export type AttemptKind = "first" | "failover" | "hedge";

/** How an attempt ended. */
export type AttemptOutcome =
  /** Answered to its end (definitive client errors included). */
  | "answered"
  /** Failed before anything went to the client. */
  | "failed"
  /** Broke after content: stall, cut or missing terminal event. */
  | "broken"
  /** Another attempt won. */
  | "lost"
  /** The client left. */
  | "client_left"
  /** The session was ended by an operator, or a drain cut it. */
  | "ended";

export type TokenCounts = Readonly<{ input: number; output: number; cached: number; estimated: boolean }>;

export type AttemptRecord = Readonly<{
  provider: string;
  kind: AttemptKind;
  outcome: AttemptOutcome;
  /** Upstream's status; null where no answer came. */
  status: number | null;
  /** Milliseconds from the attempt's start to its first content; null where none came. */
  ttft_ms: number | null;
  ms: number;
  /** Why it ended so, from a closed vocabulary (`status_529`, `connect`, `first_token_timeout`, `error_event`, …); "" when answered. */
  reason: string;
  /** The key used, by its last 4 characters, only where the key is at fault. */
  key?: string;
  /** Milliseconds after the request's arrival at which it was started. */
  at_ms: number;
  tokens: TokenCounts | null;
}>;

export type HedgeMark = "off" | "idle" | "won" | "lost";
export type StickyMark = "hit" | "miss" | "moved" | "off";

/** The status of a request whose client left before it had an answer: nginx's word for it. */
export const CLIENT_LEFT_STATUS = 499;

/** The finished request: the log line, field for field, plus the trail the log leaves out. */
export type RequestRecord = Readonly<{
  request_id: string;
  client: string;
  protocol: string;
  model: string;
  stream: boolean;
  session: string;
  session_source: string;
  /** Who answered; "" for an answer of our own. */
  provider: string;
  attempts: readonly AttemptRecord[];
  hedge: HedgeMark;
  sticky: StickyMark;
  /** As sent to the client; 499 when it left before any answer. */
  status: number;
  /** Our own error's code, "" otherwise. */
  error: string;
  ttft_ms: number | null;
  /** Milliseconds spent waiting for a slot. */
  wait_ms: number;
  ms: number;
  input_tokens: number | null;
  output_tokens: number | null;
  cached_tokens: number | null;
  /** Who was in the running, in order, and why the others were not. */
  ranked: readonly string[];
  left_out: readonly Readonly<{ provider: string; reason: string }>[];
  /** Hedge delay armed for the first attempt, null when none was. */
  hedge_after_ms: number | null;
  /** Why no hedge was started although one was due: `budget`, `full`, `health`, `systemic`, …; "" otherwise. */
  hedge_denied: string;
}>;

export type ProxyEvent =
  | Readonly<{
      kind: "request_arrived";
      requestId: string;
      client: string;
      protocol: string;
      model: string;
      stream: boolean;
      session: string;
      wallMs: number;
    }>
  | Readonly<{ kind: "request_finished"; wallMs: number; record: RequestRecord }>
  | Readonly<{ kind: "attempt_started"; requestId: string; provider: string; attempt: AttemptKind }>
  | Readonly<{ kind: "attempt_ended"; requestId: string; protocol: string; record: AttemptRecord }>
  | Readonly<{
      kind: "hedge";
      provider: string;
      result: "won" | "lost" | "denied_budget" | "denied_full" | "denied_health";
    }>
  | Readonly<{
      kind: "stream_broken";
      requestId: string;
      provider: string;
      how: "stall" | "cut" | "no_terminal" | "error_event" | "drain" | "ended";
    }>
  | Readonly<{ kind: "breaker"; provider: string; state: "closed" | "half_open" | "open"; reason: string }>
  | Readonly<{
      kind: "cooldown";
      provider: string;
      what: "key" | "model" | "provider";
      key: string;
      model: string;
      ms: number;
      reason: string;
    }>
  | Readonly<{
      kind: "lease";
      scope: string;
      event: "granted" | "refused" | "released" | "renewed" | "lost" | "restored" | "expired" | "terminated";
      count: number;
    }>
  | Readonly<{ kind: "sweep"; scope: string; leases: number; sessions: number }>
  | Readonly<{ kind: "swept"; ms: number }>
  | Readonly<{ kind: "store"; up: boolean; reason: string }>
  | Readonly<{ kind: "store_call"; op: string; ms: number; failed: boolean }>
  | Readonly<{
      kind: "reload";
      result: "applied" | "unchanged" | "refused";
      problems: readonly string[];
      notes: readonly string[];
    }>
  | Readonly<{ kind: "override"; provider: string; override: "enabled" | "disabled" | "reset" }>
  | Readonly<{
      kind: "notice";
      level: "debug" | "info" | "warn" | "error";
      what: string;
      fields: Readonly<Record<string, string | number | boolean>>;
    }>;

/** Takes an event; never throws, never waits. */
export type Observer = (event: ProxyEvent) => void;
