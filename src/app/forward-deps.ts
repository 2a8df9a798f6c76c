import type { Background } from "../core/background.ts";
import type { ByteAccount } from "../core/byte-account.ts";
import type { Clock } from "../core/clock.ts";
import type { Observer } from "../core/events.ts";
import { sessionHash } from "../core/ids.ts";
import type { LastCall } from "../core/last-call.ts";
import type { Random } from "../core/random.ts";
import { hedgeBudget } from "../forward/budget.ts";
import type { Delays } from "../forward/delay.ts";
import type { ForwardDeps } from "../forward/forward.ts";
import { createSend } from "../forward/send.ts";
import { answerHeaders } from "../forward/upstream-headers.ts";
import { upstreamRequest } from "../forward/upstream-request.ts";
import { FRAME_BYTES_MAX } from "../protocol/frames.ts";
import { jsonArraySplitter } from "../protocol/json-array.ts";
import { sseSplitter } from "../protocol/sse.ts";
import type { Client } from "../provider/provider.ts";
import type { HomeStore } from "../session/home.ts";
import type { Slots } from "../session/slots.ts";
import type { ProviderHealth } from "./health.ts";

/** What forwarding is made of, in a running proxy. */
export function forwardDeps(
  parts: Readonly<{
    clock: Clock;
    random: Random;
    background: Background;
    observe: Observer;
    health: ProviderHealth;
    slots: Slots;
    homes: HomeStore;
    delays: Delays;
    account: ByteAccount;
    lastCall: LastCall;
  }>,
): ForwardDeps {
  const { clock, observe, health, account } = parts;
  const send = createSend({ clock });
  return {
    ...parts,
    cooldowns: health.cooldowns,
    breakerOf: health.breakerOf,
    override: health.override,
    standing: health.standing,
    budget: hedgeBudget(clock),
    attempt: {
      clock,
      send: (target, signal, onConnected) => send(upstreamRequest(target), signal, onConnected),
      splitter: (framing) => {
        const cut = framing === "sse" ? sseSplitter : jsonArraySplitter;
        return cut(FRAME_BYTES_MAX, account.share());
      },
      buffer: account.take,
      unreadable(provider, encoding) {
        const fields = { provider, encoding: encoding.slice(0, 40) };
        observe({ kind: "notice", level: "warn", what: "answer_unreadable", fields });
      },
    },
    passedHeaders: answerHeaders,
    aliasKey,
  };
}

/** An upstream object's id as it is kept: ids of two clients never meet. */
export function aliasKey(client: Client, id: string): string {
  return sessionHash(client.name, id);
}
