import type { Clock } from "../../core/clock.ts";
import type { ConfigView, ProviderView, RequestView } from "../../http/admin/views.ts";
import { type Admin, Refusal } from "./admin.ts";
import { feedEvents } from "./feed.ts";
import { after, changesState, NOTHING_YET, REQUESTS_MAX, type SessionList, type Snapshot } from "./snapshot.ts";

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
const RETRY_MS_MIN = 1_000;
const RETRY_MS_MAX = 15_000;
/** Changes within it are drawn once: a busy instance finishes hundreds of requests a second. */
const DRAW_MS = 200;

/** Watches an instance until the signal ends it, or the instance refuses. Owns its timers, its requests and its stream. */
export function watch(rules: WatchRules, signal: AbortSignal): Watch {
  const ended = new AbortController();
  const until = AbortSignal.any([signal, ended.signal]);
  const canvas = canvasOf(rules, until);
  const refused = (error: unknown): boolean => {
    if (!(error instanceof Refusal) || ![401, 403, 429].includes(error.status)) return false;
    if (!until.aborted) rules.refused(error);
    ended.abort();
    return true;
  };
  const load = async (all: boolean) => {
    try {
      canvas.change(await loaded(rules.admin, { all: all || !canvas.now().listening, signal: until }));
    } catch (error) {
      if (until.aborted || refused(error)) return;
      canvas.change({ silence: messageOf(error), readiness: null });
    }
  };
  void poll(rules, load, until);
  void listen(rules, { canvas, load, refused }, until);
  return { refresh: () => load(true) };
}

type Load = (all: boolean) => Promise<void>;

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
    try {
      const stream = await admin.events(until);
      canvas.change({ listening: true });
      await load(true);
      retryMs = RETRY_MS_MIN;
      for await (const event of feedEvents(stream)) {
        canvas.change(after(canvas.now(), event));
        if (changesState(event)) void load(event.kind === "reload");
      }
    } catch (error) {
      if (until.aborted || refused(error)) return;
      // Whether anybody answers at all is told by what is asked for next.
    }
    canvas.change({ listening: false });
    await load(true);
    await clock.sleep(retryMs, until).catch(() => {}); // as above
    retryMs = Math.min(2 * retryMs, RETRY_MS_MAX);
  }
}

/** What is known, and its drawing: at once where nothing was drawn a moment ago, else a moment later. */
type Canvas = Readonly<{ now(): Snapshot; change(changed: Partial<Snapshot>): void }>;

function canvasOf({ clock, show }: WatchRules, until: AbortSignal): Canvas {
  let snapshot = NOTHING_YET;
  let waiting = false;
  return {
    now: () => snapshot,
    change(changed) {
      snapshot = { ...snapshot, ...changed };
      if (waiting || until.aborted) return;
      waiting = true;
      clock.after(DRAW_MS, () => {
        waiting = false;
        if (!until.aborted) show(snapshot);
      });
    },
  };
}

async function loaded(
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
