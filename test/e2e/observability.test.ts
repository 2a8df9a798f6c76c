import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { CANARIES } from "../world/canaries.ts";
import { describeWithRedis, redisServer, type RedisServer } from "../world/redis.ts";
import type { MetricsPage } from "../world/metrics-page.ts";
import { type Moment, type WholeRun, wholeRun } from "../world/whole-run.ts";

setDefaultTimeout(180_000);

const PROVIDERS = ["a", "b", "c", "none", "other"];
const PROTOCOLS = ["anthropic", "openai-chat", "openai-responses", "gemini"];

type Family = Readonly<{
  name: string;
  type: "counter" | "gauge" | "histogram";
  /** All labels there are, with all values each may have. */
  labels: Readonly<Record<string, readonly string[]>>;
  /** Series that the run made more than 0. */
  seen: readonly Readonly<Record<string, string>>[];
}>;

const events = ["granted", "refused", "released", "renewed", "lost", "restored", "expired", "terminated"];
const by = (label: string, values: readonly string[]) => values.map((value) => ({ [label]: value }));

/** Every metric that users' dashboards and alerts know by name. */
const FAMILIES: readonly Family[] = [
  {
    name: "hedgerow_requests_total",
    type: "counter",
    labels: {
      client: ["team", "small", "none", "other"],
      protocol: PROTOCOLS,
      provider: PROVIDERS,
      outcome: [
        "answered",
        "upstream_error",
        "client_error",
        "broken",
        "client_left",
        "ended",
        "unauthorized",
        "no_provider",
        "attempts_failed",
        "client_limit",
        "providers_full",
      ],
    },
    seen: [
      ...PROTOCOLS.map((protocol) => ({ protocol, client: "team", provider: "a", outcome: "answered" })),
      { client: "team", provider: "b", outcome: "answered" },
      { client: "team", provider: "a", outcome: "client_error" },
      { client: "team", provider: "b", outcome: "upstream_error" },
      { client: "team", provider: "a", outcome: "broken" },
      { client: "team", provider: "a", outcome: "client_left" },
      { client: "team", provider: "a", outcome: "ended" },
      { client: "team", provider: "none", outcome: "attempts_failed" },
      { client: "team", provider: "none", outcome: "no_provider" },
      { client: "team", provider: "none", outcome: "providers_full" },
      { client: "small", provider: "none", outcome: "client_limit" },
      { client: "none", provider: "none", outcome: "unauthorized" },
    ],
  },
  {
    name: "hedgerow_attempts_total",
    type: "counter",
    labels: {
      provider: PROVIDERS,
      kind: ["first", "failover", "hedge"],
      outcome: ["answered", "failed", "broken", "lost", "client_left", "ended"],
    },
    seen: [
      { provider: "a", kind: "first", outcome: "answered" },
      { provider: "a", kind: "first", outcome: "failed" },
      { provider: "a", kind: "first", outcome: "broken" },
      { provider: "a", kind: "first", outcome: "lost" },
      { provider: "a", kind: "first", outcome: "client_left" },
      { provider: "a", kind: "first", outcome: "ended" },
      { provider: "b", kind: "failover", outcome: "answered" },
      { provider: "b", kind: "hedge", outcome: "answered" },
      { provider: "b", kind: "hedge", outcome: "lost" },
    ],
  },
  {
    name: "hedgerow_hedges_total",
    type: "counter",
    labels: { provider: PROVIDERS, result: ["won", "lost", "denied_budget", "denied_full", "denied_health"] },
    seen: by("result", ["won", "lost", "denied_budget", "denied_full", "denied_health"]),
  },
  {
    name: "hedgerow_first_token_seconds",
    type: "histogram",
    labels: { provider: PROVIDERS, protocol: PROTOCOLS },
    seen: by("protocol", PROTOCOLS),
  },
  {
    name: "hedgerow_request_seconds",
    type: "histogram",
    labels: { provider: PROVIDERS, protocol: PROTOCOLS },
    seen: by("protocol", PROTOCOLS),
  },
  { name: "hedgerow_sessions", type: "gauge", labels: { provider: PROVIDERS }, seen: [] },
  { name: "hedgerow_leases", type: "gauge", labels: { provider: PROVIDERS }, seen: [] },
  { name: "hedgerow_limit_sessions", type: "gauge", labels: { provider: PROVIDERS }, seen: [{ provider: "c" }] },
  {
    name: "hedgerow_lease_events_total",
    type: "counter",
    labels: { provider: PROVIDERS, event: events },
    seen: by("event", events),
  },
  { name: "hedgerow_sweeps_total", type: "counter", labels: {}, seen: [{}] },
  {
    name: "hedgerow_swept_total",
    type: "counter",
    labels: { kind: ["leases", "sessions"] },
    seen: by("kind", ["leases", "sessions"]),
  },
  { name: "hedgerow_store_up", type: "gauge", labels: {}, seen: [{}] },
  {
    name: "hedgerow_store_seconds",
    type: "histogram",
    labels: { op: [] },
    seen: by("op", ["acquire", "release", "renew", "sweep", "end", "count"]),
  },
  { name: "hedgerow_store_errors_total", type: "counter", labels: { op: [] }, seen: [] },
  { name: "hedgerow_breaker_state", type: "gauge", labels: { provider: PROVIDERS }, seen: [] },
  {
    name: "hedgerow_tokens_total",
    type: "counter",
    labels: { provider: PROVIDERS, direction: ["input", "output", "cached"] },
    seen: by("direction", ["input", "output", "cached"]),
  },
  {
    name: "hedgerow_streams_broken_total",
    type: "counter",
    labels: { provider: PROVIDERS, how: ["stall", "cut", "no_terminal", "error_event", "drain", "ended"] },
    seen: by("how", ["stall", "cut", "no_terminal", "error_event", "ended"]),
  },
  { name: "hedgerow_waiting", type: "gauge", labels: {}, seen: [] },
  {
    name: "hedgerow_config_reloads_total",
    type: "counter",
    labels: { result: ["applied", "unchanged", "refused"] },
    seen: by("result", ["applied", "unchanged", "refused"]),
  },
  { name: "process_cpu_seconds_total", type: "counter", labels: {}, seen: [{}] },
  { name: "process_resident_memory_bytes", type: "gauge", labels: {}, seen: [{}] },
  { name: "process_start_time_seconds", type: "gauge", labels: {}, seen: [{}] },
];

describeWithRedis("a run in which everything happened", () => {
  let redis: RedisServer;
  let run: WholeRun;
  beforeAll(async () => {
    redis = await redisServer({ listen: "tcp" });
    run = await wholeRun(redis);
  });
  afterAll(() => redis.stop());

  const own = (page: MetricsPage, { name, type }: Family) =>
    page.samples.filter((sample) =>
      type === "histogram" ? sample.name.replace(/_(bucket|sum|count)$/, "") === name : sample.name === name,
    );

  test.each(FAMILIES)("$name", (family) => {
    const { name, type, labels, seen } = family;
    expect(run.page.types.get(name)).toBe(type);
    for (const sample of own(run.page, family)) {
      const { le: _le, ...found } = sample.labels;
      expect(Object.keys(found).sort()).toEqual(Object.keys(labels).sort());
      for (const [label, value] of Object.entries(found))
        if (labels[label]?.length) expect(labels[label]).toContain(value);
    }
    const counted = type === "histogram" ? `${name}_count` : name;
    for (const series of seen) {
      const value = run.page.sum(counted, series);
      expect(`${name} ${JSON.stringify(series)} ${value > 0}`).toBe(`${name} ${JSON.stringify(series)} true`);
    }
  });

  test.each<[Moment, string, Readonly<Record<string, string>>, number]>([
    ["full", "hedgerow_sessions", { provider: "c" }, 1],
    ["full", "hedgerow_leases", { provider: "c" }, 1],
    ["full", "hedgerow_waiting", {}, 1],
    ["open", "hedgerow_breaker_state", { provider: "b" }, 2],
    ["open", "hedgerow_breaker_state", { provider: "a" }, 0],
    ["probing", "hedgerow_breaker_state", { provider: "b" }, 1],
    ["probing", "hedgerow_leases", { provider: "b" }, 1],
    ["storeAway", "hedgerow_leases", { provider: "a" }, 1],
    ["storeAway", "hedgerow_store_up", {}, 0],
  ])("at the moment %s %s %j is %d", (moment, name, labels, value) => {
    const page = run.at[moment];
    expect(page.samples.map((sample) => sample.name)).toContain(name);
    expect(page.sum(name, labels)).toBe(value);
  });

  test("a stream that a drain cuts is said to be broken by it", () => {
    const told = run.log().flatMap(({ msg, how }) => (msg === "stream broken" ? [how] : []));
    expect(told).toContain("drain");
    // Nobody can ask for metrics by then; that each `how` is counted: test/observe/metrics.test.ts.
  });

  test("no other metric of ours is there", () => {
    const names = new Set(FAMILIES.map(({ name }) => name));
    const more = [...run.page.types.keys()].filter((name) => !names.has(name));
    expect(more.sort()).toEqual(["hedgerow_log_lines_dropped", "process_open_fds"]);
  });

  test("the buckets reach as far as a reasoning model thinks, and as a long request takes", () => {
    const boundsOf = (name: string) =>
      run.page.samples.flatMap((sample) => (sample.name === `${name}_bucket` ? [Number(sample.labels["le"])] : []));
    const largest = (name: string) => Math.max(...boundsOf(name).filter((bound) => Number.isFinite(bound)));
    expect(largest("hedgerow_first_token_seconds")).toBe(120);
    expect(largest("hedgerow_request_seconds")).toBe(600);
  });

  test("at the end nothing is held, by this instance or any other", () => {
    for (const name of ["hedgerow_leases", "hedgerow_sessions", "hedgerow_waiting"]) expect(run.page.sum(name)).toBe(0);
  });

  test("a store that is away is said so, and each call that failed is counted", () => {
    expect(run.page.sum("hedgerow_store_up")).toBe(1);
    expect(run.at.storeAway.sum("hedgerow_store_errors_total")).toBeGreaterThan(0);
    const told = run.log().flatMap(({ msg }) => (msg === "store up" || msg === "store down" ? [msg] : []));
    expect(told).toEqual(["store down", "store up"]);
  });

  test("no key, prompt, answer or header is in the log, the metrics, the admin answers or the feed", () => {
    const places = {
      printed: run.printed,
      metrics:
        run.page.text +
        Object.values(run.at)
          .map(({ text }) => text)
          .join(""),
      feed: run.feed,
      ...run.admin,
    };
    for (const [place, text] of Object.entries(places)) {
      expect(text.length).toBeGreaterThan(100);
      for (const [what, canary] of Object.entries(CANARIES))
        expect(`${place} holds the ${what}: ${text.includes(canary)}`).toBe(`${place} holds the ${what}: false`);
      expect(text).not.toContain("canary");
    }
  });

  test("the feed told each decision", () => {
    const kinds = new Set([...run.feed.matchAll(/^event: (\w+)$/gm)].map(([, kind]) => kind));
    for (const kind of ["request_arrived", "attempt_started", "attempt_ended", "request_finished", "hedge"])
      expect(kinds).toContain(kind);
    for (const kind of ["stream_broken", "breaker", "reload", "store"]) expect(kinds).toContain(kind);
  });

  test("each request is one line, with the fields in their order", () => {
    const lines = run.log().filter(({ msg }) => msg.startsWith("request ") && msg !== "request arrived");
    const fields =
      "level time request_id client protocol model stream session provider attempts hedge sticky status ttft_ms ms " +
      "input_tokens output_tokens cached_tokens msg";
    // The one that the drain cut was still running when the admin was asked.
    expect(lines.length).toBe((run.admin["requests?limit=1000"]?.match(/"request_id"/g) ?? []).length + 1);
    for (const line of lines) {
      expect(Object.keys(line).join(" ")).toBe(fields);
      for (const attempt of line["attempts"] as Record<string, unknown>[])
        expect(
          Object.keys(attempt)
            .filter((field) => field !== "tokens")
            .join(" "),
        ).toBe("provider kind outcome status ttft_ms ms reason");
    }
  });
});
