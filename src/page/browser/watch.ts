import type { Clock } from "../../core/clock.ts";
import type { ConfigView, ProviderView, RequestView } from "../../http/admin/views.ts";
import { type Admin, Refusal } from "./admin.ts";
import { type Canvas, canvasOf } from "./canvas.ts";
import { feedEvents } from "./feed.ts";
import { patience } from "./patience.ts";
import { after, changesState, REQUESTS_MAX, type SessionList, type Snapshot, withAnswers } from "./snapshot.ts";

export type WatchRules = Readonly<{
  admin: Admin;
  clock: Clock;
  /** A page that nobody looks at asks for nothing; it goes on listening. */
  visible(): boolean;
  show(snapshot: Snapshot): void;
  /** The instance wants another token, or no page from here at all. The watch has ended. */
  refused(refusal: Refusal): void;
}>;

/** A running watch. */
export type Watch = Readonly<{
  /** Asks for everything now, for instance after something was done. */
  refresh(): Promise<void>;
}>;

/** How often what is not told as an event is asked for. */
const POLL_MS = 2_000;
/** Between two times of asking, whatever calls for it: a storm of events makes no storm of requests. */
const REST_MS = 250;
/** An instance that has not answered by then is as good as gone. */
const ANSWER_MS_MAX = 10_000;
/** Three keep-alives of the feed: without them nobody is at the other end, or somebody in between keeps them back. */
const SILENCE_MS_MAX = 45_000;
const RETRY_MS_MIN = 1_000;
const RETRY_MS_MAX = 15_000;

/** Watches an instance until the signal ends it, or the instance refuses. Owns its timers, its requests and its stream. */
export function watch(rules: WatchRules, signal: AbortSignal): Watch {
  const ended = new AbortController();
  const until = AbortSignal.any([signal, ended.signal]);
  const canvas = canvasOf(rules, until);
  const refused = (error: unknown): boolean => {
    if (!(error instanceof Refusal) || !isFinal(error, canvas.now())) return false;
    if (!until.aborted) rules.refused(error);
    ended.abort();
    return true;
  };
  const rest = () => rules.clock.sleep(REST_MS, until).catch(() => {}); // woken by the end
  const load = inTurn(rest, async (all) => {
    const before = canvas.now();
    const { signal: late, end } = patience(rules.clock, ANSWER_MS_MAX);
    try {
      const asked = { all: all || !before.listening, signal: AbortSignal.any([until, late]) };
      const answers = await answersOf(rules.admin, asked);
      canvas.become(withAnswers(canvas.now(), answers, before));
    } catch (error) {
      if (until.aborted || refused(error)) return;
      canvas.change({ silence: messageOf(error), readiness: null });
    } finally {
      end();
    }
  });
  void poll(rules, load, until);
  void listen(rules, { canvas, load, refused }, until);
  return { refresh: () => load(true) };
}

/** Somebody else's wrong tokens slow down the right one from the same address, which passes by itself. */
function isFinal({ status }: Refusal, { providers }: Snapshot): boolean {
  return status === 401 || status === 403 || (status === 429 && providers === null);
}

/** Asks for what is not told as events, or for all. Never rejects. */
type Load = (all: boolean) => Promise<void>;

type Wish = { all: boolean; readonly done: Promise<void> };

/**
 * One after the other, so that no answer is taken for newer than it is; what is wished for while one waits for its turn
 * is one with it.
 */
function inTurn(rest: () => Promise<void>, load: Load): Load {
  let last = Promise.resolve();
  let waiting: Wish | null = null;
  return (all) => {
    if (waiting !== null) {
      waiting.all ||= all;
      return waiting.done;
    }
    const own: Wish = {
      all,
      done: last.then(() => {
        waiting = null;
        return load(own.all);
      }),
    };
    waiting = own;
    last = own.done.then(rest);
    return own.done;
  };
}

async function poll({ clock, visible }: WatchRules, load: Load, until: AbortSignal): Promise<void> {
  while (!until.aborted) {
    await clock.sleep(POLL_MS, until).catch(() => {}); // woken by the end, which the loop looks for
    if (!until.aborted && visible()) await load(false);
  }
}

type Listening = Readonly<{ canvas: Canvas; load: Load; refused(error: unknown): boolean }>;

/** Follows the feed; after a gap everything is asked for again. */
async function listen({ admin, clock }: WatchRules, to: Listening, until: AbortSignal): Promise<void> {
  const { canvas, load, refused } = to;
  let retryMs = RETRY_MS_MIN;
  while (!until.aborted) {
    const { signal: quiet, heard, end } = patience(clock, SILENCE_MS_MAX);
    try {
      for await (const event of feedEvents(await admin.events(AbortSignal.any([until, quiet])))) {
        heard();
        // Not before its first word: a proxy in between may have answered, and keep all words back.
        if (!canvas.now().listening) {
          canvas.change({ listening: true });
          retryMs = RETRY_MS_MIN;
          void load(true);
        }
        if (event === null) continue;
        canvas.become(after(canvas.now(), event));
        if (changesState(event)) void load(event.kind === "reload");
      }
    } catch (error) {
      if (until.aborted || refused(error)) return;
      // Whether anybody answers at all is told by what is asked for next.
    } finally {
      end();
    }
    if (until.aborted) return;
    canvas.change({ listening: false });
    await load(true);
    await clock.sleep(retryMs, until).catch(() => {}); // as above
    retryMs = Math.min(2 * retryMs, RETRY_MS_MAX);
  }
}

async function answersOf(
  admin: Admin,
  { all, signal }: Readonly<{ all: boolean; signal: AbortSignal }>,
): Promise<Partial<Snapshot>> {
  const [readiness, { providers }, sessions] = await Promise.all([
    admin.readiness(signal),
    admin.get<{ providers: readonly ProviderView[] }>("providers", signal),
    admin.get<SessionList>("sessions?limit=1000", signal),
  ]);
  const often: Partial<Snapshot> = { silence: "", readiness, providers, sessions };
  if (!all) return often;
  const [{ requests }, config] = await Promise.all([
    admin.get<{ requests: readonly RequestView[] }>(`requests?limit=${REQUESTS_MAX}`, signal),
    admin.get<ConfigView>("config", signal),
  ]);
  return { ...often, requests, config };
}

function messageOf(error: unknown): string {
  return error instanceof Refusal ? error.message : "no answer from the instance";
}
