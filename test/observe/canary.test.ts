import { expect, test } from "bun:test";
import type { ProxyEvent } from "../../src/core/events.ts";
import { secret } from "../../src/core/secret.ts";
import { openFeed } from "../../src/observe/feed.ts";
import { openLog } from "../../src/observe/log.ts";
import { openMetrics } from "../../src/observe/metrics.ts";
import { recentRequests } from "../../src/observe/recent.ts";
import { handClock } from "../world/clock.ts";
import { attemptRecord, finished } from "./records.ts";

const KEY = "sk-canary-0123456789-tail";

test("a key that slipped into an event as a secret is hidden in every sink", async () => {
  let text = "";
  const stream = { write: (line: string) => (text += line), on: () => {} };
  const log = openLog({ level: "debug", format: "json", colour: false, wallMs: () => 0, stream });
  const metrics = openMetrics({
    providers: async () => [],
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
  for (const event of events)
    for (const sink of [log.observe, metrics.observe, recent.observe, feed.observe]) sink(event);
  const fed = new TextDecoder().decode((await reader?.read())?.value);
  const all = [text, await metrics.text(), JSON.stringify(recent.latest(9)), fed];
  for (const output of all) expect(output).not.toContain("canary");
  expect(text).toContain('"key":"tail"');
  await reader?.cancel();
});
