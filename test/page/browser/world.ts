import { requestRecord } from "../../observe/records.ts";
import type { ConfigView, RequestView } from "../../../src/http/admin/views.ts";
import { type Ask, adminAt } from "../../../src/page/browser/admin.ts";
import type { Snapshot } from "../../../src/page/browser/snapshot.ts";
import { watch } from "../../../src/page/browser/watch.ts";
import { handClock } from "../../world/clock.ts";
import { providerView, sessionView } from "../../http/admin/world.ts";

export function requestView(own: Partial<RequestView> = {}): RequestView {
  return { ...requestRecord(), time_ms: 1_700_000_000_000, ...own };
}

export const CONFIG: ConfigView = { file: "providers.yaml", time_ms: 1, reload: null, config: {} };

type Answer = (signal?: AbortSignal | null) => Response | Promise<Response>;

/** An event stream that the test writes. */
export type Stream = Readonly<{ send(text: string): void; tell(kind: string, data: object): void; end(): void }>;

/** An instance that answers what the test says, and a watch of it. */
export function watchWorld(own: Readonly<Record<string, Answer>> = {}) {
  const clock = handClock();
  const over = new AbortController();
  const asked: string[] = [];
  const shown: Snapshot[] = [];
  const refused: number[] = [];
  const streams: Stream[] = [];
  let visible = true;
  const answers: Record<string, Answer> = {
    readyz: () => Response.json({ ready: true, reasons: [], store: "up" }),
    providers: () => Response.json({ providers: [providerView()] }),
    sessions: () => Response.json({ sessions: [sessionView()], total: 1 }),
    requests: () => Response.json({ requests: [] }),
    config: () => Response.json(CONFIG),
    events(signal) {
      const { stream, body } = writable(signal);
      streams.push(stream);
      stream.send(": listening\n\n");
      return new Response(body);
    },
    ...own,
  };
  const ask: Ask = async (url, { signal }) => {
    const what = url.slice(url.lastIndexOf("/") + 1).split("?")[0] ?? "";
    asked.push(what);
    const answer = Promise.resolve(answers[what]?.(signal) ?? new Response(null, { status: 404 }));
    return signal ? await Promise.race([answer, aborted(signal)]) : await answer;
  };
  const { refresh } = watch(
    {
      admin: adminAt("http://gw.example/admin/", null, ask),
      clock,
      visible: () => visible,
      show: (snapshot) => shown.push(snapshot),
      refused: ({ status }) => refused.push(status),
    },
    over.signal,
  );
  return {
    clock,
    answers,
    shown,
    refused,
    streams,
    refresh,
    hide: (hidden: boolean) => (visible = !hidden),
    end: () => over.abort(),
    /** What was asked for since the last look. */
    asked: () => asked.splice(0).sort(),
    /** What a person sees. */
    seen: () => shown.at(-1),
    stream: () => streams.at(-1),
  };
}

function writable(signal?: AbortSignal | null): Readonly<{ stream: Stream; body: ReadableStream<Uint8Array> }> {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const writer = writable.getWriter();
  signal?.addEventListener("abort", () => void writer.abort(signal.reason).catch(() => {}), { once: true });
  const send = (text: string) => void writer.write(new TextEncoder().encode(text)).catch(() => {});
  return {
    body: readable,
    stream: {
      send,
      tell: (kind, data) => send(`event: ${kind}\ndata: ${JSON.stringify(data)}\n\n`),
      end: () => void writer.close().catch(() => {}),
    },
  };
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const end = () => reject(signal.reason as Error);
    if (signal.aborted) end();
    signal.addEventListener("abort", end, { once: true });
  });
}
