import type { Background } from "../../core/background.ts";
import type { Clock } from "../../core/clock.ts";
import { HedgerowError } from "../../core/errors.ts";
import type { Observer } from "../../core/events.ts";
import { type Calls, isRefusal } from "./calls.ts";
import { prober } from "./prober.ts";

/**
 * Calls with a breaker for each node of a cluster: one that was silent several times in a row is not asked any more,
 * so that its timeout is not added to request after request, until a probe each second finds that it answers. Calls
 * meant for it reject at once (`store_unreachable`). Owns the probes until `close`.
 */
export type BreakingCalls = Calls & Readonly<{ close(): void }>;

export type BreakingRules = Readonly<{
  calls: Calls;
  /** Who serves a key; null = nobody in particular, then it is asked whatever happened before. */
  nodeOf: (key: string) => string | null;
  /** What the calls are for, as the notices name it. */
  what: string;
  clock: Clock;
  background: Background;
  observe: Observer;
}>;

const SILENT_MAX = 3;

export function breakingCalls({ calls, nodeOf, what, clock, background, observe }: BreakingRules): BreakingCalls {
  const silences = new Map<string, number>();
  /** Nodes that are not asked, with a key of each to probe it by. */
  const open = new Map<string, string>();

  const answered = (node: string) => {
    silences.delete(node);
    if (!open.delete(node)) return;
    observe({ kind: "notice", level: "info", what: `${what}_back`, fields: { node } });
  };
  const silent = (node: string, key: string, error: unknown) => {
    const count = (silences.get(node) ?? 0) + 1;
    silences.set(node, count);
    if (count < SILENT_MAX || open.has(node)) return;
    open.set(node, key);
    observe({ kind: "notice", level: "warn", what: `${what}_away`, fields: { node, reason: messageOf(error) } });
    probes.start();
  };
  const through = async <Reply>(key: string, call: () => Promise<Reply>): Promise<Reply> => {
    const node = nodeOf(key);
    if (node === null) return call();
    if (open.has(node)) throw new HedgerowError("store_unreachable", `redis: ${node} is silent, not asked`);
    try {
      const reply = await call();
      answered(node);
      return reply;
    } catch (error) {
      if (isRefusal(error)) answered(node);
      else silent(node, key, error);
      throw error;
    }
  };
  const probe = async (node: string, key: string) => {
    const answers = await calls.send(`${what}_probe`, key, (client) => client.exists(key)).then(() => true, isRefusal);
    if (answers) answered(node);
  };
  const probes = prober({
    clock,
    background,
    wanted: () => open.size > 0,
    async ask() {
      await Promise.all([...open].map(([node, key]) => probe(node, key)));
    },
  });
  return {
    timeoutMs: calls.timeoutMs,
    run: (script, keys, args) => through(keys[0] ?? "", () => calls.run(script, keys, args)),
    send: (op, key, command) => through(key, () => calls.send(op, key, command)),
    close: probes.close,
  };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
