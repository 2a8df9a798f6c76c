import type { Clock } from "../core/clock.ts";
import type { AttemptKind, AttemptOutcome, AttemptRecord, Observer } from "../core/events.ts";
import type { Usage } from "../protocol/protocol.ts";

/** The record of one attempt while it is being made; told once, when it has ended. */
export type Attempted = Readonly<{
  sawStatus(status: number): void;
  sawContent(): void;
  ttftMs(): number | null;
  elapsedMs(): number;
  /** The first call counts. */
  ended(end: Readonly<{ outcome: AttemptOutcome; reason: string; usage: Usage | null; key?: string }>): void;
}>;

/** All attempts of one request, in the order they were started. */
export type Trail = Readonly<{
  start(provider: string, kind: AttemptKind): Attempted;
  records(): readonly AttemptRecord[];
  count(): number;
  /** Resolves when every attempt has ended. */
  complete(): Promise<void>;
}>;

export function trail(
  deps: Readonly<{ clock: Clock; observe: Observer }>,
  request: Readonly<{ requestId: string; protocol: string; arrivedMs: number }>,
): Trail {
  const { clock, observe } = deps;
  const attempts: { record: AttemptRecord | null; done: Promise<void> }[] = [];
  return {
    start(provider, kind) {
      const startedMs = clock.monoMs();
      const { promise, resolve } = Promise.withResolvers<void>();
      const entry: { record: AttemptRecord | null; done: Promise<void> } = { record: null, done: promise };
      attempts.push(entry);
      observe({ kind: "attempt_started", requestId: request.requestId, provider, attempt: kind });
      let status: number | null = null;
      let ttftMs: number | null = null;
      return {
        sawStatus(seen) {
          status = seen;
        },
        sawContent() {
          ttftMs ??= clock.monoMs() - startedMs;
        },
        ttftMs: () => ttftMs,
        elapsedMs: () => clock.monoMs() - startedMs,
        ended({ outcome, reason, usage, key }) {
          if (entry.record) return;
          entry.record = {
            provider,
            kind,
            outcome,
            status,
            ttft_ms: rounded(ttftMs),
            ms: Math.round(clock.monoMs() - startedMs),
            reason,
            ...(key === undefined ? {} : { key }),
            at_ms: Math.round(startedMs - request.arrivedMs),
            tokens: usage,
          };
          observe({
            kind: "attempt_ended",
            requestId: request.requestId,
            protocol: request.protocol,
            record: entry.record,
          });
          resolve();
        },
      };
    },
    records: () => attempts.flatMap(({ record }) => (record ? [record] : [])),
    count: () => attempts.length,
    async complete() {
      await Promise.all(attempts.map(({ done }) => done));
    },
  };
}

function rounded(ms: number | null): number | null {
  return ms === null ? null : Math.round(ms);
}
