import { type Admission, admission } from "../../src/forward/admission.ts";
import { attempt, type Loss, type Run } from "../../src/forward/attempt.ts";
import type { Inbound } from "../../src/forward/inbound.ts";
import { trail } from "../../src/forward/trail.ts";
import { anthropic } from "../../src/protocol/anthropic/anthropic.ts";
import { sseSplitter } from "../../src/protocol/sse.ts";
import type { Timeouts } from "../../src/provider/provider.ts";
import { provider } from "../provider/world.ts";
import { handClock } from "../world/clock.ts";
import type { Act } from "./upstream.ts";

const NEVER: Timeouts = { connectMs: 0, firstTokenMs: 0, idleMs: 0, totalMs: 0 };

export type Options = Partial<Timeouts> & Readonly<{ stream?: boolean; kind?: Run["kind"]; retrySame?: number }>;

/** One attempt at a scripted upstream, and a log of what it does to its breaker and its lease. */
export function attemptWorld() {
  const clock = handClock();
  const acts: Act[] = [];
  const log: string[] = [];
  const timed: string[] = [];
  const losses: Loss[] = [];
  const stop = new AbortController();

  const admitted = (timeouts: Partial<Timeouts>, retrySame: number): Admission =>
    admission({
      provider: provider("a", { timeouts: { ...NEVER, ...timeouts }, retrySame }),
      key: null,
      upstreamModel: "claude",
      cut: () => {},
      permit: { settle: (outcome) => log.push(`breaker ${outcome}`), broke: () => log.push("broke") },
      held: {
        scope: "provider:a",
        session: "s",
        lease: "l",
        sessions: 1,
        isNew: true,
        displaced: [],
        release: (ending) => log.push(`lease ${ending}`),
      },
    });
  function make(options: Options = {}) {
    const { stream = true, kind = "first", retrySame = 1, ...timeouts } = options;
    const inbound = {
      protocol: anthropic,
      operation: { protocol: "anthropic", kind: "generate", pathModel: null, pathStream: false },
      facts: { model: "claude", stream },
      body: new TextEncoder().encode('{"model":"claude","messages":[]}'),
      bodyBytes: 32,
      search: "",
    } as unknown as Inbound;
    const made = trail({ clock, observe: () => {} }, { requestId: "r", protocol: "anthropic", arrivedMs: 0 });
    const abort = new AbortController();
    const follow = () => abort.abort(stop.signal.reason);
    if (stop.signal.aborted) follow();
    else stop.signal.addEventListener("abort", follow);
    const run: Run = {
      admission: admitted(timeouts, retrySame),
      kind,
      abort,
      started: () => log.push("started"),
    };
    const finish = attempt(
      {
        clock,
        async send(target, signal, connected) {
          const act = acts.shift();
          if (!act) throw new Error("nobody told what to do");
          log.push("sent");
          return act({ target, signal, connected, clock });
        },
        splitter: () => sseSplitter(),
        buffer: () => ({ [Symbol.dispose]() {} }),
        unreadable: () => {},
        timed: (_, ms, censored) => timed.push(`${ms} ${censored ? "at least" : "exactly"}`),
        judged: (loss) => losses.push(loss),
      },
      inbound,
      made,
      run,
    );
    return { finish, records: made.records };
  }
  return {
    clock,
    /** What the upstream does with the next requests, in order. */
    acts,
    /** What happened, in order: requests sent, generation begun, breaker, lease. */
    log,
    timed,
    losses,
    stop,
    make,
    /** Runs one to its end, with as much time as it takes. */
    async ran(options: Options) {
      const it = make(options);
      await clock.advance(100_000);
      const finish = await it.finish;
      if (finish.kind !== "lost") await finish.prize.close("answered");
      return { finish, record: it.records()[0] };
    },
  };
}
