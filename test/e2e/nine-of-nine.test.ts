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
import { endedAtOnce, PATIENT } from "./leaving.ts";

setDefaultTimeout(60_000);

/** Nine faults of a first provider beside a good second one, streaming, in all four protocols. */
type Row = Readonly<{ fault: string; behave: Behave; sees: "second" | "honest end" | "leaves"; by: keyof typeof BY }>;

/** What brings the end about: in its world nothing else can, every other limit is minutes away. `mark`: `x-hedgerow-hedge`. */
const BY = {
  noTimer: { after: "10m", timeouts: PATIENT, mark: "idle" },
  hedge: { after: "150ms", timeouts: PATIENT, mark: "won" },
  firstToken: { after: "off", timeouts: { ...PATIENT, first_token: "300ms" }, mark: "off" },
  /** Longer than the hedge delay: after content there must be no hedge. */
  idle: { after: "150ms", timeouts: { ...PATIENT, idle: "300ms" }, mark: "idle" },
} as const;

const ROWS: readonly Row[] = [
  { fault: "529", behave: status(529), sees: "second", by: "noTimer" },
  {
    fault: "429 with retry-after",
    behave: status(429, { headers: { "retry-after": "30" } }),
    sees: "second",
    by: "noTimer",
  },
  { fault: "500", behave: status(500), sees: "second", by: "noTimer" },
  { fault: "no headers", behave: noHeaders, sees: "second", by: "hedge" },
  { fault: "no headers, hedging off", behave: noHeaders, sees: "second", by: "firstToken" },
  { fault: "headers then silence", behave: headersThenSilence, sees: "second", by: "hedge" },
  { fault: "headers then silence, hedging off", behave: headersThenSilence, sees: "second", by: "firstToken" },
  { fault: "an error inside a 200", behave: errorInside(529), sees: "second", by: "noTimer" },
  { fault: "a stall in mid-stream", behave: stallMidStream, sees: "honest end", by: "idle" },
  { fault: "a cut in mid-stream", behave: cutMidStream, sees: "honest end", by: "noTimer" },
  { fault: "the client leaving", behave: stallMidStream, sees: "leaves", by: "noTimer" },
];

const SAID: Record<string, Record<string, string>> = {};
afterAll(() => console.log(`\n${table()}\n`));

describe.each(PROTOCOL_NAMES)("%s", (protocol) => {
  test.each(ROWS)("$fault", async (row) => {
    const cells = (SAID[row.fault] ??= {});
    cells[protocol] = "FAILED";
    const { after, timeouts, mark } = BY[row.by];
    const defaults = { hedge: { after, budget: "100%" }, timeouts };
    await using world = await startWorld({ a: row.behave, b: answer() }, { config: { defaults } });
    const saw = await CHECKS[row.sees](world.url, protocol, world.upstream);
    expect(saw.mark).toBe(mark);
    cells[protocol] = saw.cell;
    await world.idle();
    expect(world.upstream.a.running() + world.upstream.b.running()).toBe(0);
  });
});

type Upstreams = Awaited<ReturnType<typeof startWorld<"a" | "b">>>["upstream"];
type Saw = Readonly<{ cell: string; mark: string | null }>;
const markOf = (answered: Readonly<{ headers: Headers }>) => answered.headers.get("x-hedgerow-hedge");

const CHECKS: Readonly<
  Record<Row["sees"], (url: string, protocol: ProtocolName, upstream: Upstreams) => Promise<Saw>>
> = {
  async second(url, protocol, upstream) {
    const heard = await ask(url, protocol);
    expect(heard).toMatchObject({ status: 200, said: PLAIN_TEXT, clean: true, terminal: true, error: false });
    expect(heard.headers.get("x-hedgerow-provider")).toBe("b");
    expect(upstream.b.arrived()).toBe(1);
    return { cell: "whole answer of the second", mark: markOf(heard) };
  },
  async "honest end"(url, protocol, upstream) {
    const heard = await ask(url, protocol);
    expect(heard).toMatchObject({ status: 200, said: "The hedge grows ", terminal: false, error: true });
    expect(upstream.b.arrived()).toBe(0);
    return { cell: "content, then the error event", mark: markOf(heard) };
  },
  async leaves(url, protocol, upstream) {
    const leaving = new AbortController();
    const answered = await begin(url, protocol, { signal: leaving.signal });
    await hearUntil(answered, "The hedge ");
    leaving.abort();
    expect(await endedAtOnce(url, upstream.a.exchanges()[0])).toBe("left");
    expect(upstream.b.arrived()).toBe(0);
    return { cell: "upstream told", mark: markOf(answered) };
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
