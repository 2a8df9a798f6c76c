import { expect, test } from "bun:test";
import type { Admission } from "../../src/forward/admission.ts";
import { hedgeBudget } from "../../src/forward/budget.ts";
import { delays } from "../../src/forward/delay.ts";
import { hedging } from "../../src/forward/hedging.ts";
import { race } from "../../src/forward/race.ts";
import type { Next } from "../../src/forward/race-rules.ts";
import type { Unadmitted } from "../../src/forward/unadmitted.ts";
import { chance, meanServiceMs, STREAM } from "../bench/hedge/chance.ts";
import { provider } from "../provider/world.ts";
import { jumpingClock } from "../world/clock.ts";

/**
 * What hedging is to buy at which price, held on simulated time: the load and the luck of `npm run bench:hedge`, on
 * other days than the one that is measured there.
 */
const LOADS = [0.3, 0.5, 0.8];
const DAYS = ["monday", "tuesday", "wednesday", "thursday"];
const REQUESTS = 4_000;
const WARM_UP = 400;
const SLOTS_EACH = 40;
/** A hedge leaves the last tenth free. */
const SLOTS_FOR_HEDGES = 37;
const NAMES = ["north", "south"] as const;

type Slot = AsyncDisposable & Readonly<{ admission: Admission; startedMs: number }>;
type Row = Readonly<{ p99Ms: number; hedges: number }>;

/** Two providers and their queue, on one day. */
function day(seed: string, after: "off" | "auto") {
  const luck = chance(seed);
  const { clock, runDry } = jumpingClock();
  const learned = delays(clock);
  const budget = hedgeBudget(clock);
  const rules = { after, minMs: 150, maxMs: 3_000, coldMs: 800 };
  const group = NAMES.map((name) => provider(name, { hedge: rules, limits: { sessions: 0, requests: SLOTS_EACH } }));
  const busy = new Map<string, number>();
  const line: (() => boolean)[] = [];
  let hedges = 0;

  function slotAt(at: number, limit: number): Slot | null {
    const one = group[at];
    if (!one || (busy.get(one.name) ?? 0) >= limit) return null;
    busy.set(one.name, (busy.get(one.name) ?? 0) + 1);
    return {
      admission: { provider: one, upstreamModel: "m" } as Admission,
      startedMs: clock.monoMs(),
      async [Symbol.asyncDispose]() {
        busy.set(one.name, (busy.get(one.name) ?? 0) - 1);
        while (line[0]?.()) line.shift();
      },
    };
  }
  const queued = (take: () => Slot | null) =>
    new Promise<Slot>((resolve) => {
      const turn = () => {
        const slot = take();
        if (slot) resolve(slot);
        return slot !== null;
      };
      if (line.length > 0 || !turn()) line.push(turn);
    });

  /** From its arrival to its last byte; `heard` is told when its first content came. */
  async function request(id: string, heard: (ms: number) => void): Promise<void> {
    const arrivedMs = clock.monoMs();
    const first = luck.firstOfTwo(id);
    const timed = ({ provider: { name } }: Admission) => ({ provider: name, model: "m", bodyBytes: 4_000 });
    const whenOver: (() => void)[] = [];
    using hedged = hedging(
      { budget, delays: learned, observe: () => {} },
      { hedgeable: true, share: 0.1, group, timed, whenOver: (leave) => whenOver.push(leave) },
    );
    let firstAt = first;
    const result = await race<Slot, Slot, null, Unadmitted>(
      {
        clock,
        async next(kind): Promise<Next<Slot, Unadmitted>> {
          if (kind === "first") {
            const slot = await queued(() => slotAt(first, SLOTS_EACH) ?? slotAt(1 - first, SLOTS_EACH));
            firstAt = slot.admission.provider.name === NAMES[0] ? 0 : 1;
            return { kind: "go", candidate: slot };
          }
          const slot = slotAt(1 - firstAt, SLOTS_FOR_HEDGES);
          return slot
            ? { kind: "go", candidate: slot }
            : { kind: "none", why: { code: "providers_full", backInMs: null } };
        },
        async run(slot, kind, { signal }) {
          await using owned = new AsyncDisposableStack();
          owned.use(slot);
          using hedge = new DisposableStack();
          if (kind === "hedge") {
            hedges++;
            hedge.defer(hedged.launched());
          }
          const lost = await clock.sleep(luck.firstTokenMs(slot.admission.provider.name, id), signal).then(
            () => false,
            () => true,
          );
          learned.saw(timed(slot.admission), clock.monoMs() - slot.startedMs, lost);
          if (lost) return { kind: "lost", reason: null };
          owned.move();
          return { kind: "won", prize: slot };
        },
        hedgeAfterMs: (slot) => hedged.afterMs(slot.admission),
        mayHedge: hedged.may,
        hedgeRefused: hedged.refused,
        attemptsMax: 4,
        atOnceMax: 2,
        hedgeUpTo: 2,
        stop: { lost: () => new Error("lost"), left: () => new Error("left") },
        aside() {},
      },
      new AbortController().signal,
    );
    if (result.kind !== "won") throw new Error("a request that nobody answered");
    hedged.won(result.attempt);
    heard(clock.monoMs() - arrivedMs);
    await clock.sleep(STREAM.pieces * STREAM.gapMs);
    await result.prize[Symbol.asyncDispose]();
    for (const leave of whenOver) leave();
  }
  return {
    async row(name: string, load: number, requests: number): Promise<Row> {
      const meanGapMs = meanServiceMs() / (load * SLOTS_EACH * NAMES.length);
      const heardMs: number[] = [];
      const before = hedges;
      const arrivals = async () => {
        const running: Promise<void>[] = [];
        for (let sent = 0; sent < requests; sent++) {
          const id = `${name}-${sent}`;
          await clock.sleep(luck.gapMs(id, meanGapMs));
          running.push(request(id, (ms) => heardMs.push(ms)));
        }
        await Promise.all(running);
      };
      await Promise.all([arrivals(), runDry()]);
      heardMs.sort((a, b) => a - b);
      return { p99Ms: heardMs[Math.ceil(0.99 * requests) - 1] ?? Number.NaN, hedges: hedges - before };
    },
  };
}

async function rows(seed: string, after: "off" | "auto"): Promise<readonly Row[]> {
  const it = day(seed, after);
  await it.row("warm-up", 0.3, WARM_UP);
  const all: Row[] = [];
  for (const load of LOADS) all.push(await it.row(`load-${load}`, load, REQUESTS));
  return all;
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

test("learned hedging takes the 99th percentile to 45 % or less, for 6 % more requests or fewer, at up to 80 % load", async () => {
  const days: { ratios: number[]; extra: number[] }[] = [];
  for (const seed of DAYS) {
    const [off, auto] = [await rows(seed, "off"), await rows(seed, "auto")];
    days.push({
      ratios: auto.map(({ p99Ms }, at) => p99Ms / (off[at]?.p99Ms ?? 0)),
      extra: auto.map(({ hedges }) => hedges / REQUESTS),
    });
  }
  for (const at of LOADS.keys()) {
    const ratio = mean(days.map(({ ratios }) => ratios[at] ?? Number.NaN));
    const extra = mean(days.map(({ extra: share }) => share[at] ?? Number.NaN));
    expect(ratio).toBeLessThanOrEqual(0.45);
    expect(extra).toBeLessThanOrEqual(0.06);
    expect(extra).toBeGreaterThan(0.03);
  }
}, 120_000);
