import { Counter, Gauge, Histogram, type Registry } from "prom-client";

/** Time to first content: from a cache hit's tenths of a second to a reasoning model's two minutes. */
const FIRST_TOKEN_BUCKETS = [0.25, 0.5, 1, 1.5, 2, 3, 5, 8, 12, 20, 30, 60, 120];
/** Whole requests, to the ten minutes a non-streaming one may take. */
const REQUEST_BUCKETS = [0.5, 1, 2, 5, 10, 20, 30, 60, 120, 180, 300, 600];
/** Commands to the store: tenths of a millisecond on a socket, its timeout when it hangs. */
const STORE_BUCKETS = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1];

/** Every metric there is, by the names users' dashboards and alerts know; changing one breaks them. */
export type Families = ReturnType<typeof metricFamilies>;

export function metricFamilies(registry: Registry) {
  const registers = [registry];
  const counter = <Label extends string>(name: string, help: string, labelNames: readonly Label[]) =>
    new Counter<Label>({ name, help, labelNames, registers });
  const gauge = <Label extends string>(name: string, help: string, labelNames: readonly Label[]) =>
    new Gauge<Label>({ name, help, labelNames, registers });
  const histogram = <Label extends string>(
    name: string,
    help: string,
    { labelNames, buckets }: { labelNames: readonly Label[]; buckets: number[] },
  ) => new Histogram<Label>({ name, help, labelNames, buckets, registers });
  return {
    requests: counter("hedgerow_requests_total", "Finished requests.", ["client", "protocol", "provider", "outcome"]),
    attempts: counter("hedgerow_attempts_total", "Ended attempts.", ["provider", "kind", "outcome"]),
    hedges: counter("hedgerow_hedges_total", "Hedges that were due, and what came of them.", ["provider", "result"]),
    firstToken: histogram("hedgerow_first_token_seconds", "Arrival of a streaming request to its first content.", {
      labelNames: ["provider", "protocol"],
      buckets: FIRST_TOKEN_BUCKETS,
    }),
    request: histogram("hedgerow_request_seconds", "Arrival of a request to the end of a provider's answer.", {
      labelNames: ["provider", "protocol"],
      buckets: REQUEST_BUCKETS,
    }),
    sessions: gauge("hedgerow_sessions", "Sessions that count, store-wide: take max over instances.", ["provider"]),
    leases: gauge("hedgerow_leases", "Leases held by this instance.", ["provider"]),
    limitSessions: gauge("hedgerow_limit_sessions", "Configured limit of sessions, 0 = none.", ["provider"]),
    leaseEvents: counter("hedgerow_lease_events_total", "What happened to leases.", ["provider", "event"]),
    sweeps: counter("hedgerow_sweeps_total", "Rounds of the cleanup loop.", []),
    swept: counter("hedgerow_swept_total", "Lapsed entries that were swept.", ["kind"]),
    storeUp: gauge("hedgerow_store_up", "1 while the session store answers.", []),
    store: histogram("hedgerow_store_seconds", "Calls to the session store.", {
      labelNames: ["op"],
      buckets: STORE_BUCKETS,
    }),
    storeErrors: counter("hedgerow_store_errors_total", "Failed calls to the session store.", ["op"]),
    breaker: gauge("hedgerow_breaker_state", "0 closed, 1 half open, 2 open.", ["provider"]),
    tokens: counter("hedgerow_tokens_total", "Tokens of all attempts, hedge losers included.", [
      "provider",
      "direction",
    ]),
    broken: counter("hedgerow_streams_broken_total", "Streams that broke after content.", ["provider", "how"]),
    waiting: gauge("hedgerow_waiting", "Requests waiting for a slot in this instance.", []),
    reloads: counter("hedgerow_config_reloads_total", "Reloads of the config.", ["result"]),
    linesDropped: gauge("hedgerow_log_lines_dropped", "Log lines nobody took, since the start.", []),
  };
}
