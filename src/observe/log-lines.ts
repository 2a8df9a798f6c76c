import type { AttemptRecord, ProxyEvent, RequestRecord } from "../core/events.ts";
import { type RequestOutcome, requestOutcome } from "../core/request-outcome.ts";

export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** `fields` is asked for only where the line is written: most events are for `debug`, and a busy proxy has ten a request. */
export type LogLine = Readonly<{ level: LogLevel; msg: string; fields(): Readonly<Record<string, unknown>> }>;

/** What the log says of an event. At `info`: each finished request and each change of state; the steps between at `debug`. */
export function logLine(event: ProxyEvent): LogLine {
  switch (event.kind) {
    case "request_finished":
      return requestLine(event.record);
    case "breaker":
      return line(event.state === "open" ? "warn" : "info", `breaker ${event.state.replace("_", " ")}`, event);
    case "cooldown":
      return cooldownLine(event);
    case "store":
      return line(event.up ? "info" : "warn", event.up ? "store up" : "store down", event);
    case "reload":
      return reloadLine(event);
    case "override":
      return line("info", `provider ${event.override} by an operator`, event);
    case "notice":
      return noticeLine(event);
    case "sweep":
      return line(event.leases + event.sessions > 0 ? "info" : "debug", "swept lapsed leases", event);
    case "request_arrived":
      return line("debug", "request arrived", event);
    case "attempt_started":
      return line("debug", "attempt started", event);
    case "attempt_ended":
      return {
        level: "debug",
        msg: "attempt ended",
        fields: () => ({ request_id: event.requestId, ...attemptFields(event.record) }),
      };
    case "hedge":
    case "stream_broken":
    case "lease":
    case "swept":
    case "store_call":
      break;
  }
  return line("debug", event.kind.replace("_", " "), event);
}

/** Fields in the order people read them; `time`, `level` and `msg` come before. */
function requestLine(record: RequestRecord): LogLine {
  const outcome = requestOutcome(record);
  const fields = () => ({
    request_id: record.request_id,
    client: record.client,
    protocol: record.protocol,
    model: record.model,
    stream: record.stream,
    session: record.session,
    provider: record.provider,
    attempts: record.attempts.map(attemptFields),
    hedge: record.hedge,
    sticky: record.sticky,
    status: record.status,
    ttft_ms: rounded(record.ttft_ms),
    ms: rounded(record.ms),
    input_tokens: record.input_tokens,
    output_tokens: record.output_tokens,
    cached_tokens: record.cached_tokens,
  });
  return { level: REQUEST_LEVEL[outcome] ?? "info", msg: `request ${outcome}`, fields };
}

/** Outcomes somebody should look into; the others are everyday life, or the client's own doing. */
const REQUEST_LEVEL: Readonly<Partial<Record<RequestOutcome, LogLevel>>> = {
  upstream_error: "warn",
  broken: "warn",
  attempts_failed: "warn",
  timed_out: "warn",
  providers_down: "warn",
  store_down: "warn",
  overloaded: "warn",
};

/** Tokens are told per attempt too, the losers' included: what hedging costs is on the page. */
function attemptFields(attempt: AttemptRecord): Readonly<Record<string, unknown>> {
  const fields = {
    provider: attempt.provider,
    kind: attempt.kind,
    outcome: attempt.outcome,
    status: attempt.status,
    ttft_ms: rounded(attempt.ttft_ms),
    ms: rounded(attempt.ms),
    reason: attempt.reason,
  };
  return attempt.tokens === null ? fields : { ...fields, tokens: attempt.tokens };
}

function cooldownLine(event: ProxyEvent & { kind: "cooldown" }): LogLine {
  // A key that rests for every model was rejected (401, 402, 403), not throttled: somebody has to act.
  const rejected = event.what === "key" && event.model === "";
  return line(rejected ? "warn" : "info", `${event.what} cools down`, { ...event, ms: rounded(event.ms) });
}

function reloadLine(event: ProxyEvent & { kind: "reload" }): LogLine {
  if (event.result === "refused") return line("error", "config refused, the last good one stays", event);
  return line("info", event.result === "applied" ? "config applied" : "config unchanged", event);
}

function noticeLine(event: ProxyEvent & { kind: "notice" }): LogLine {
  // JSON with a key twice is read differently by different readers: the line's own three are not a notice's to set.
  const { time: _, level: __, msg: ___, ...fields } = event.fields;
  return { level: event.level, msg: event.what, fields: () => fields };
}

function line(level: LogLevel, msg: string, event: Readonly<Record<string, unknown>>): LogLine {
  return {
    level,
    msg,
    fields() {
      const { kind: _, wallMs: __, requestId, ...fields } = event;
      return requestId === undefined ? fields : { request_id: requestId, ...fields };
    },
  };
}

/** Tenths of a millisecond: more digits are noise. */
function rounded(ms: number | null): number | null {
  return ms === null ? null : Math.round(ms * 10) / 10;
}
