import { expect, test } from "bun:test";
import type { RequestOutcome } from "../src/core/request-outcome.ts";
import { ALERTS, firing } from "./world/alerts.ts";
import type { Scrape } from "./world/promql.ts";

/** What somebody is to be woken for. The compiler asks for every outcome that there is. */
const WAKES: Readonly<Record<RequestOutcome, "HedgerowRequestsFail" | "HedgerowRequestsRefused" | "nobody">> = {
  answered: "nobody",
  upstream_error: "HedgerowRequestsFail",
  broken: "HedgerowRequestsFail",
  attempts_failed: "HedgerowRequestsFail",
  timed_out: "HedgerowRequestsFail",
  providers_down: "HedgerowRequestsFail",
  store_down: "HedgerowRequestsFail",
  overloaded: "HedgerowRequestsFail",
  providers_full: "HedgerowRequestsRefused",
  // By an operator's will.
  ended: "nobody",
  draining: "nobody",
  // The client's own doing.
  client_error: "nobody",
  client_left: "nobody",
  client_limit: "nobody",
  invalid_request: "nobody",
  unauthorized: "nobody",
  not_found: "nobody",
  no_provider: "nobody",
  body_too_large: "nobody",
  unsupported_encoding: "nobody",
};

/** Two scrapes a minute apart, between which so many requests ended so. */
function minute(requests: Readonly<Partial<Record<RequestOutcome, number>>>): readonly Scrape[] {
  const samples = (share: number) =>
    Object.entries(requests).map(([outcome, count]) => ({
      name: "hedgerow_requests_total",
      labels: { client: "c", protocol: "anthropic", provider: "a", outcome },
      value: 10 + count * share,
    }));
  return [
    { atS: 0, samples: samples(0) },
    { atS: 60, samples: samples(1) },
  ];
}

test.each(Object.entries(WAKES) as [RequestOutcome, string][])("%s wakes %s", (outcome, alert) => {
  const expected = alert === "nobody" ? [] : [alert];
  expect(firing(minute({ [outcome]: 100 }))).toEqual(expected);
  expect(firing(minute({ answered: 90, [outcome]: 10 }))).toEqual(expected);
});

test("what clients do wrong does not hide what fails", () => {
  const noise = { client_error: 900, unauthorized: 900, not_found: 900, client_limit: 900, client_left: 900 };
  expect(firing(minute({ ...noise, answered: 90, upstream_error: 10 }))).toEqual(["HedgerowRequestsFail"]);
});

test("a failure now and then wakes nobody", () => {
  expect(firing(minute({ answered: 990, upstream_error: 5, providers_full: 5 }))).toEqual([]);
});

test("each alert is tried on a running proxy too (test/e2e/alerts.test.ts)", async () => {
  const tried = await Bun.file("test/e2e/alerts.test.ts").text();
  expect(ALERTS.length).toBeGreaterThan(5);
  for (const alert of ALERTS) expect(tried).toContain(alert);
});
