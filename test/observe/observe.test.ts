import { expect, test } from "bun:test";
import type { ProxyEvent } from "../../src/core/events.ts";
import { secret } from "../../src/core/secret.ts";
import { openFeed } from "../../src/observe/feed.ts";
import { openLog } from "../../src/observe/log.ts";
import { openMetrics } from "../../src/observe/metrics.ts";
import { observer } from "../../src/observe/observe.ts";
import { recentRequests } from "../../src/observe/recent.ts";
import { handClock } from "../world/clock.ts";
import { attemptRecord, finished } from "./records.ts";

test("a sink that throws hurts neither the caller nor the other sinks, and is told about once", () => {
  const seen: ProxyEvent[] = [];
  const broken: string[] = [];
  const observe = observer(
    {
      bad: () => {
        throw new Error("no");
      },
      good: (event) => seen.push(event),
    },
    (sink, error) => broken.push(`${sink}: ${String(error)}`),
  );
  observe(finished());
  observe(finished());
  expect(seen.length).toBe(2);
  expect(broken).toEqual(["bad: Error: no"]);
});

test("a model name of any length is kept short", () => {
  const seen: ProxyEvent[] = [];
  const observe = observer({ all: (event) => seen.push(event) }, () => {});
  const model = "m".repeat(1_000_000);
  observe(finished({ model }));
  observe({ kind: "cooldown", provider: "fast", what: "model", key: "", model, ms: 1, reason: "status_404" });
  observe({
    kind: "request_arrived",
    requestId: "r",
    client: "c",
    protocol: "p",
    model,
    stream: false,
    session: "s",
    wallMs: 0,
  });
  expect(JSON.stringify(seen).length).toBeLessThan(3_000);
});

const KEY = "sk-canary-0123456789-tail";

test("a key that slipped into an event as a secret is hidden in every sink", async () => {
  let text = "";
  const stream = {
    write(line: string, callback: () => void) {
      text += line;
      callback();
    },
    on: () => {},
  };
  const log = openLog({ level: "debug", format: "json", colour: false, clock: handClock(0), stream });
  const metrics = openMetrics({
    providers: async () => [],
    leasesOfRemoved: () => 0,
    waiting: () => 0,
    isStoreUp: () => true,
    logLinesDropped: () => 0,
    startedWallMs: 0,
  });
  const recent = recentRequests();
  const feed = openFeed({ clock: handClock() });
  const reader = feed.subscribe()?.getReader();
  const key = secret(KEY);
  const slipped = { ...attemptRecord(), apiKey: key };
  const events: ProxyEvent[] = [
    finished({ attempts: [slipped] }),
    { kind: "attempt_ended", requestId: "r", protocol: "gemini", record: slipped },
    { kind: "cooldown", provider: "fast", what: "key", key: key.last4, model: "", ms: 1, reason: "status_401" },
    { kind: "notice", level: "warn", what: "a", fields: { key: key as unknown as string } },
  ];
  const broken: unknown[] = [];
  const sinks = { log: log.observe, metrics: metrics.observe, recent: recent.observe, feed: feed.observe };
  for (const event of events) observer(sinks, (_, error) => broken.push(error))(event);
  await log.written();
  expect(broken).toEqual([]);
  const fed = new TextDecoder().decode((await reader?.read())?.value);
  const all = [text, await metrics.text(), JSON.stringify(recent.latest(9)), fed];
  for (const output of all) expect(output).not.toContain("canary");
  expect(text).toContain('"key":"tail"');
  await reader?.cancel();
});
