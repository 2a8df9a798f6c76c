import type { AttemptRecord, ProxyEvent, RequestRecord } from "../../src/core/events.ts";

/** An attempt that was answered, but for what the test says. */
export function attemptRecord(own: Partial<AttemptRecord> = {}): AttemptRecord {
  return {
    provider: "fast",
    kind: "first",
    outcome: "answered",
    status: 200,
    ttft_ms: 120.04,
    ms: 900.25,
    reason: "",
    at_ms: 1,
    tokens: null,
    ...own,
  };
}

/** A streaming request that its first provider answered, but for what the test says. */
export function requestRecord(own: Partial<RequestRecord> = {}): RequestRecord {
  return {
    request_id: "req_1",
    client: "alice",
    protocol: "anthropic",
    model: "claude-test",
    stream: true,
    session: "0123456789abcdefghijkl",
    session_source: "metadata.user_id",
    provider: "fast",
    attempts: [attemptRecord()],
    hedge: "idle",
    sticky: "hit",
    status: 200,
    error: "",
    ttft_ms: 121,
    wait_ms: 0,
    ms: 902.04,
    input_tokens: 10,
    output_tokens: 20,
    cached_tokens: 0,
    ranked: ["fast", "slow"],
    left_out: [{ provider: "off", reason: "disabled" }],
    hedge_after_ms: 1_500,
    hedge_denied: "",
    ...own,
  };
}

export function finished(own: Partial<RequestRecord> = {}): ProxyEvent {
  return { kind: "request_finished", wallMs: 1_700_000_000_000, record: requestRecord(own) };
}
