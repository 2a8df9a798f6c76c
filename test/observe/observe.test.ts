import { expect, test } from "bun:test";
import type { ProxyEvent } from "../../src/core/events.ts";
import { observer } from "../../src/observe/observe.ts";
import { finished } from "./records.ts";

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
