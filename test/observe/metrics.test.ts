import { describe, expect, test } from "bun:test";
import type { ProxyEvent } from "../../src/core/events.ts";
import { type MetricSources, openMetrics } from "../../src/observe/metrics.ts";
import { attemptRecord, finished } from "./records.ts";

const NAMES = [
  "hedgerow_requests_total",
  "hedgerow_attempts_total",
  "hedgerow_hedges_total",
  "hedgerow_first_token_seconds",
  "hedgerow_request_seconds",
  "hedgerow_sessions",
  "hedgerow_leases",
  "hedgerow_limit_sessions",
  "hedgerow_lease_events_total",
  "hedgerow_sweeps_total",
  "hedgerow_swept_total",
  "hedgerow_store_up",
  "hedgerow_store_seconds",
  "hedgerow_store_errors_total",
  "hedgerow_breaker_state",
  "hedgerow_tokens_total",
  "hedgerow_streams_broken_total",
  "hedgerow_waiting",
  "hedgerow_config_reloads_total",
  "process_cpu_seconds_total",
  "process_resident_memory_bytes",
  "process_start_time_seconds",
];

function openTestMetrics(own: Partial<MetricSources> = {}) {
  const metrics = openMetrics({
    providers: async () => [{ provider: "fast", sessions: 3, leases: 2, sessionsLimit: 10, breaker: "half_open" }],
    leasesOfRemoved: () => 0,
    waiting: () => 4,
    isStoreUp: () => true,
    logLinesDropped: () => 5,
    startedWallMs: 1_000,
    ...own,
  });
  metrics.configured({ providers: ["fast", "slow"], clients: ["alice"] });
  const lines = async () => (await metrics.text()).split("\n");
  return { metrics, lines };
}

test.each(["stall", "cut", "no_terminal", "error_event", "drain", "ended"] as const)(
  "a stream that broke by %s is counted so",
  async (how) => {
    const { metrics, lines } = openTestMetrics();
    metrics.observe({ kind: "stream_broken", requestId: "r", provider: "slow", how });
    const counted = (await lines()).filter((line) => /^hedgerow_streams_broken_total.* [1-9]/.test(line));
    expect(counted).toEqual([`hedgerow_streams_broken_total{provider="slow",how="${how}"} 1`]);
  },
);

describe("the page", () => {
  test("has every metric by name before anything has happened", async () => {
    const { lines } = openTestMetrics();
    const page = await lines();
    for (const name of NAMES) expect(page.filter((line) => line.startsWith(`# TYPE ${name} `))).toHaveLength(1);
  });

  test("counts from 0 for the providers of the config", async () => {
    const page = await openTestMetrics().lines();
    expect(page).toContain('hedgerow_attempts_total{provider="slow",kind="hedge",outcome="lost"} 0');
    expect(page).toContain('hedgerow_lease_events_total{provider="slow",event="refused"} 0');
    expect(page).toContain('hedgerow_streams_broken_total{provider="slow",how="stall"} 0');
    expect(page).toContain('hedgerow_hedges_total{provider="slow",result="denied_budget"} 0');
    expect(page).toContain('hedgerow_config_reloads_total{result="refused"} 0');
  });

  test("reads the gauges when it is asked for", async () => {
    const page = await openTestMetrics().lines();
    for (const line of [
      'hedgerow_sessions{provider="fast"} 3',
      'hedgerow_leases{provider="fast"} 2',
      'hedgerow_limit_sessions{provider="fast"} 10',
      'hedgerow_breaker_state{provider="fast"} 1',
      "hedgerow_waiting 4",
      "hedgerow_store_up 1",
      "hedgerow_log_lines_dropped 5",
      "process_start_time_seconds 1",
    ])
      expect(page).toContain(line);
  });

  test("has the leases of removed providers under no name of theirs, while there are any", async () => {
    const leases = async (count: number) =>
      (await openTestMetrics({ leasesOfRemoved: () => count }).lines()).filter((line) =>
        line.startsWith("hedgerow_leases{"),
      );
    expect(await leases(3)).toEqual(['hedgerow_leases{provider="fast"} 2', 'hedgerow_leases{provider="other"} 3']);
    expect(await leases(0)).toEqual(['hedgerow_leases{provider="fast"} 2']);
  });

  test("is answered without the sessions while the store cannot say", async () => {
    const unknown = { provider: "fast", sessions: null, leases: 2, sessionsLimit: 10, breaker: "open" } as const;
    const page = await openTestMetrics({ providers: async () => [unknown], isStoreUp: () => false }).lines();
    expect(page.filter((line) => line.startsWith("hedgerow_sessions{"))).toEqual([]);
    expect(page).toContain('hedgerow_breaker_state{provider="fast"} 2');
    expect(page).toContain("hedgerow_store_up 0");
    const failing = openTestMetrics({ providers: () => Promise.reject(new Error("down")) });
    expect(await failing.lines()).toContain("hedgerow_waiting 4");
  });
});

describe("what is counted", () => {
  const cases: readonly [ProxyEvent, readonly string[]][] = [
    [
      finished(),
      [
        'hedgerow_requests_total{client="alice",protocol="anthropic",provider="fast",outcome="answered"} 1',
        'hedgerow_first_token_seconds_count{provider="fast",protocol="anthropic"} 1',
        'hedgerow_request_seconds_sum{provider="fast",protocol="anthropic"} 0.90204',
        'hedgerow_request_seconds_bucket{le="600",provider="fast",protocol="anthropic"} 1',
        'hedgerow_first_token_seconds_bucket{le="120",provider="fast",protocol="anthropic"} 1',
      ],
    ],
    [
      finished({ provider: "", client: "", error: "providers_full", status: 429 }),
      ['hedgerow_requests_total{client="none",protocol="anthropic",provider="none",outcome="providers_full"} 1'],
    ],
    [
      {
        kind: "attempt_ended",
        requestId: "r",
        protocol: "anthropic",
        record: attemptRecord({ kind: "hedge", tokens: { input: 5, output: 6, cached: 7, estimated: false } }),
      },
      [
        'hedgerow_attempts_total{provider="fast",kind="hedge",outcome="answered"} 1',
        'hedgerow_tokens_total{provider="fast",direction="input"} 5',
        'hedgerow_tokens_total{provider="fast",direction="output"} 6',
        'hedgerow_tokens_total{provider="fast",direction="cached"} 7',
      ],
    ],
    [{ kind: "hedge", provider: "fast", result: "won" }, ['hedgerow_hedges_total{provider="fast",result="won"} 1']],
    [
      { kind: "stream_broken", requestId: "r", provider: "fast", how: "cut" },
      ['hedgerow_streams_broken_total{provider="fast",how="cut"} 1'],
    ],
    [
      { kind: "lease", scope: "provider:fast", event: "renewed", count: 9 },
      ['hedgerow_lease_events_total{provider="fast",event="renewed"} 9'],
    ],
    [
      { kind: "sweep", scope: "provider:fast", leases: 2, sessions: 1 },
      ['hedgerow_swept_total{kind="leases"} 2', 'hedgerow_swept_total{kind="sessions"} 1'],
    ],
    [{ kind: "swept", ms: 3 }, ["hedgerow_sweeps_total 1"]],
    [
      { kind: "store_call", op: "acquire", ms: 2, failed: true },
      ['hedgerow_store_errors_total{op="acquire"} 1', 'hedgerow_store_seconds_sum{op="acquire"} 0.002'],
    ],
    [
      { kind: "reload", result: "refused", problems: ["x"], notes: [] },
      ['hedgerow_config_reloads_total{result="refused"} 1'],
    ],
  ];

  const named = cases.map(([event, expected], index) => [`${index} ${event.kind}`, event, expected] as const);
  test.each(named)("%s", async (_, event, expected) => {
    const { metrics, lines } = openTestMetrics();
    metrics.observe(event);
    const page = await lines();
    for (const line of expected) expect(page).toContain(line);
  });

  test("our own refusals are no provider's latency", async () => {
    const { metrics, lines } = openTestMetrics();
    metrics.observe(finished({ provider: "", error: "providers_full", status: 429 }));
    expect((await lines()).filter((line) => line.startsWith("hedgerow_request_seconds_count"))).toEqual([]);
  });
});

describe("labels", () => {
  test("come from the config only", async () => {
    const { metrics } = openTestMetrics();
    const made = "made-up-name";
    metrics.observe(finished({ model: made, provider: made, client: made, request_id: made, session: made }));
    metrics.observe({
      kind: "attempt_ended",
      requestId: made,
      protocol: "gemini",
      record: attemptRecord({ provider: made }),
    });
    metrics.observe({ kind: "lease", scope: `provider:${made}`, event: "granted", count: 1 });
    metrics.observe({ kind: "lease", scope: `client:${made}`, event: "granted", count: 1 });
    const page = await metrics.text();
    expect(page).not.toContain(made);
    expect(page).toContain('client="other",protocol="anthropic",provider="other"');
  });

  test("of a removed provider and client go with the reload, the others stay", async () => {
    const { metrics } = openTestMetrics();
    metrics.observe(finished({ provider: "slow" }));
    metrics.observe(finished({ provider: "fast" }));
    metrics.configured({ providers: ["fast", "new"], clients: ["bob"] });
    const page = await metrics.text();
    expect(page).not.toContain('provider="slow"');
    expect(page).not.toContain('client="alice"');
    expect(page).toContain('hedgerow_request_seconds_count{provider="fast",protocol="anthropic"} 1');
    expect(page).toContain('hedgerow_attempts_total{provider="new",kind="first",outcome="failed"} 0');
  });
});
