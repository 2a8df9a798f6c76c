import type { RequestRecord } from "../core/events.ts";

/** What is known of a request that never reached the forwarder: refused at the edge, answered there, or left by its client. */
export type EdgeEnd = Readonly<{
  requestId: string;
  client: string;
  protocol: string;
  status: number;
  /** Our own error's code; "" for an answer. */
  error: string;
  ms: number;
}>;

/** Its record, so that a 401 is found in the log and in the metrics like everything else. */
export function edgeRecord(end: EdgeEnd): RequestRecord {
  return {
    request_id: end.requestId,
    client: end.client,
    protocol: end.protocol,
    model: "",
    stream: false,
    session: "",
    session_source: "",
    provider: "",
    attempts: [],
    hedge: "off",
    sticky: "off",
    status: end.status,
    error: end.error,
    ttft_ms: null,
    wait_ms: 0,
    ms: Math.round(end.ms),
    input_tokens: null,
    output_tokens: null,
    cached_tokens: null,
    ranked: [],
    left_out: [],
    hedge_after_ms: null,
    hedge_denied: "",
  };
}
