import type { Cluster, Redis } from "ioredis";
import type { Clock } from "../../core/clock.ts";
import { HedgerowError } from "../../core/errors.ts";
import type { Observer } from "../../core/events.ts";
import type { Script } from "./script.ts";

export type RedisClient = Redis | Cluster;

/** Calls to the store, each bounded in time and told to the observer. */
export type Calls = Readonly<{
  /** Longest a call takes; a server that gets it later is told not to run it where that matters. */
  timeoutMs: number;
  /**
   * Runs a script in one command. Rejects with a `HedgerowError`: `store_timeout` when nobody knows whether it ran,
   * `store_unreachable` when it surely did not.
   */
  run(script: Script, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown>;
  /** Sends a plain command for a key; rejects as `run` does. */
  send<Reply>(op: string, key: string, command: (client: RedisClient, key: string) => Promise<Reply>): Promise<Reply>;
}>;

export type CallRules = Readonly<{ client: RedisClient; clock: Clock; observe: Observer; timeoutMs: number }>;

export function calls({ client, clock, observe, timeoutMs }: CallRules): Calls {
  const send: Calls["send"] = async (op, key, command) => {
    const startMs = clock.monoMs();
    let failed = true;
    try {
      const reply = await within(clock, timeoutMs, command(client, key));
      failed = false;
      return reply;
    } catch (error) {
      failed = deadlineTold(error) === null; // a refusal to run late is an answer like any other
      throw storeError(op, error);
    } finally {
      observe({ kind: "store_call", op, ms: clock.monoMs() - startMs, failed });
    }
  };
  return {
    timeoutMs,
    send,
    run: (script, keys, args) =>
      send(script.name, keys[0] ?? "", async () => {
        try {
          return await client.evalsha(script.sha, keys.length, ...keys, ...args);
        } catch (error) {
          // A server that was restarted, failed over or flushed does not know the script; it ran nothing.
          if (!isReply(error, "NOSCRIPT")) throw error;
          return await client.eval(script.source, keys.length, ...keys, ...args);
        }
      }),
  };
}

/** The server's time in ms, where the error says that a script came after its deadline; else null. */
export function deadlineTold(error: unknown): number | null {
  const told = toldBy(error);
  return isReply(told, "DEADLINE") ? Number((told as Error).message.split(" ")[1]) : null;
}

/** The server is one of several and does not hold all the keys of a command; it ran nothing. */
export function isAcrossSlots(error: unknown): boolean {
  return isReply(toldBy(error), "CROSSSLOT");
}

/** The server asked answered, and its answer is no: it is full, read-only, without its replicas, …; it ran nothing. */
export function isRefusal(error: unknown): boolean {
  const told = toldBy(error);
  return isAnswer(told) && !ANOTHERS.some((code) => isReply(told, code));
}

/**
 * The client's own timeout begins when a command is written, this one when it is asked for: one that waits for a
 * pipeline in flight, a redirection or a new master is bounded too.
 */
function within<Reply>(clock: Clock, ms: number, reply: Promise<Reply>): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(ms, () => reject(new Error(TIMED_OUT)));
    void reply.then(resolve, reject).finally(cancel);
  });
}

const TIMED_OUT = "Command timed out";
/** What a node of a cluster says for want of the one that serves the key, which itself may be silent. */
const ANOTHERS = ["MOVED", "ASK", "TRYAGAIN", "CLUSTERDOWN"];
const NEVER_SENT = ["Stream isn't writeable", "Cluster isn't ready", "None of startup nodes"];

/** What the client said, of an error of a call. */
function toldBy(error: unknown): unknown {
  return error instanceof HedgerowError ? error.cause : error;
}

function isAnswer(told: unknown): boolean {
  return told instanceof Error && told.name === "ReplyError";
}

function isReply(error: unknown, code: string): boolean {
  return error instanceof Error && error.message.startsWith(`${code} `);
}

function storeError(op: string, error: unknown): HedgerowError {
  const message = error instanceof Error ? error.message : String(error);
  const surelyNot = isAnswer(error) || NEVER_SENT.some((words) => message.startsWith(words));
  return new HedgerowError(surelyNot ? "store_unreachable" : "store_timeout", `redis: ${op}: ${message}`, error);
}
