import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { PROTOCOL_NAMES, type ProtocolName } from "../../src/protocol/protocol.ts";
import {
  answer,
  cutMidStream,
  errorInside,
  headersThenSilence,
  noHeaders,
  stallMidStream,
  status,
} from "../../src/simulator/behaviour.ts";
import type { Behave } from "../../src/simulator/simulator.ts";
import { ask, begin, hearUntil, PLAIN_TEXT } from "../world/http.ts";
import { startWorld } from "../world/scripted-upstream.ts";

setDefaultTimeout(60_000);

/** Nine faults of a first provider beside a good second one, streaming, in all four protocols. */
type Row = Readonly<{ fault: string; behave: Behave; sees: "second" | "honest end" | "leaves"; hedge: boolean }>;

const ROWS: readonly Row[] = [
  { fault: "529", behave: status(529), sees: "second", hedge: true },
  {
    fault: "429 with retry-after",
    behave: status(429, { headers: { "retry-after": "30" } }),
    sees: "second",
    hedge: true,
  },
  { fault: "500", behave: status(500), sees: "second", hedge: true },
  { fault: "no headers", behave: noHeaders, sees: "second", hedge: true },
  { fault: "no headers, hedging off", behave: noHeaders, sees: "second", hedge: false },
  { fault: "headers then silence", behave: headersThenSilence, sees: "second", hedge: true },
  { fault: "headers then silence, hedging off", behave: headersThenSilence, sees: "second", hedge: false },
  { fault: "an error inside a 200", behave: errorInside(529), sees: "second", hedge: true },
  { fault: "a stall in mid-stream", behave: stallMidStream, sees: "honest end", hedge: true },
  { fault: "a cut in mid-stream", behave: cutMidStream, sees: "honest end", hedge: true },
  { fault: "the client leaving", behave: answer({ gapMs: 60_000 }), sees: "leaves", hedge: true },
];

const SAID: Record<string, Record<string, string>> = {};
afterAll(() => console.log(`\n${table()}\n`));

describe.each(PROTOCOL_NAMES)("%s", (protocol) => {
  test.each(ROWS)("$fault", async (row) => {
    const cells = (SAID[row.fault] ??= {});
    cells[protocol] = "FAILED";
    const hedge = { after: row.hedge ? "150ms" : "off", budget: "100%" };
    await using world = await startWorld(
      { a: row.behave, b: answer() },
      { config: { defaults: { hedge, timeouts: { first_token: row.hedge ? "20s" : "300ms", idle: "300ms" } } } },
    );
    cells[protocol] = await CHECKS[row.sees](world.url, protocol, world.upstream);
    await world.idle();
    expect(world.upstream.a.running() + world.upstream.b.running()).toBe(0);
  });
});

type Upstreams = Awaited<ReturnType<typeof startWorld<"a" | "b">>>["upstream"];

const CHECKS: Readonly<
  Record<Row["sees"], (url: string, protocol: ProtocolName, upstream: Upstreams) => Promise<string>>
> = {
  async second(url, protocol, upstream) {
    const heard = await ask(url, protocol);
    expect(heard).toMatchObject({ status: 200, said: PLAIN_TEXT, clean: true, terminal: true, error: false });
    expect(heard.headers.get("x-hedgerow-provider")).toBe("b");
    expect(upstream.b.arrived()).toBe(1);
    return "whole answer of the second";
  },
  async "honest end"(url, protocol, upstream) {
    const heard = await ask(url, protocol);
    expect(heard).toMatchObject({ status: 200, said: "The hedge grows ", terminal: false, error: true });
    expect(upstream.b.arrived()).toBe(0);
    return "content, then the error event";
  },
  async leaves(url, protocol, upstream) {
    const leaving = new AbortController();
    await hearUntil(await begin(url, protocol, { signal: leaving.signal }), "The hedge ");
    leaving.abort();
    expect((await upstream.a.exchanges()[0]?.ended)?.how).toBe("left");
    expect(upstream.b.arrived()).toBe(0);
    return "upstream told";
  },
};

function table(): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [
    line(["fault of the first provider", ...PROTOCOL_NAMES]),
    line(["---", ...PROTOCOL_NAMES.map(() => "---")]),
    ...ROWS.map((row) => line([row.fault, ...PROTOCOL_NAMES.map((name) => SAID[row.fault]?.[name] ?? "not run")])),
  ].join("\n");
}
