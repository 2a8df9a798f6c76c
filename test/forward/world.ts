import { expect } from "bun:test";
import { background } from "../../src/core/background.ts";
import { byteAccount } from "../../src/core/byte-account.ts";
import type { ProxyEvent, RequestRecord } from "../../src/core/events.ts";
import { lastCall } from "../../src/core/last-call.ts";
import { hedgeBudget } from "../../src/forward/budget.ts";
import type { ContestRules } from "../../src/forward/contest.ts";
import { delays } from "../../src/forward/delay.ts";
import { type ForwardDeps, forward } from "../../src/forward/forward.ts";
import type { Inbound } from "../../src/forward/inbound.ts";
import { answerHeaders } from "../../src/forward/upstream-headers.ts";
import { FRAME_BYTES_MAX } from "../../src/protocol/frames.ts";
import { jsonArraySplitter } from "../../src/protocol/json-array.ts";
import type { Binding, ProtocolName } from "../../src/protocol/protocol.ts";
import { PROTOCOLS } from "../../src/protocol/registry.ts";
import { sseSplitter } from "../../src/protocol/sse.ts";
import { type Breaker, breaker } from "../../src/provider/breaker.ts";
import { cooldowns } from "../../src/provider/cooldown.ts";
import type { Provider } from "../../src/provider/provider.ts";
import { type Standing, upstreamModel } from "../../src/provider/rank.ts";
import { memoryHomes } from "../../src/session/memory-homes.ts";
import { handClock } from "../world/clock.ts";
import { memorySlots } from "./memory-slots.ts";
import type { Act } from "./upstream.ts";

export type Ask = Readonly<{
  session?: string;
  model?: string;
  stream?: boolean;
  protocol?: ProtocolName;
  kind?: Inbound["operation"]["kind"];
  binding?: Binding;
  boundTo?: string;
  /** Of the Responses API: what it goes on from. */
  previous?: string;
  /** Of the Responses API; its default is true. */
  store?: boolean;
  limits?: Inbound["client"]["limits"];
  signal?: AbortSignal;
}>;

export type WorldRules = Partial<ContestRules> & Readonly<{ buffered?: number }>;

/** The forwarder over real slots in memory, on a clock moved by hand, with upstreams that do as they are told. */
export function forwardWorld(providers: readonly Provider[], rules: WorldRules = {}) {
  const clock = handClock();
  const events: ProxyEvent[] = [];
  const broken: unknown[] = [];
  const observe = (event: ProxyEvent) => void events.push(event);
  const jobs = background((what, error) => broken.push(what, error));
  const homes = memoryHomes({ nowMs: clock.monoMs });
  const drain = lastCall();
  const idle = rules.idle ?? "yield";
  const { slots, store } = memorySlots({
    clock,
    background: jobs,
    observe,
    waitMax: 256,
    idle: () => idle,
    forgetHome: homes.forget,
  });
  const cooling = cooldowns(clock);
  const breakers = new Map<string, Breaker>();
  const breakerOf = (name: string) => {
    const found =
      breakers.get(name) ??
      breaker(clock, (state, reason) => observe({ kind: "breaker", provider: name, state, reason }));
    breakers.set(name, found);
    return found;
  };
  const scripts = new Map<string, Act[]>();
  const asked: string[] = [];
  const budget = hedgeBudget(clock);
  const learned = delays(clock);
  const account = byteAccount(() => rules.buffered ?? Number.POSITIVE_INFINITY);
  let bodies = 0;

  const deps: ForwardDeps = {
    clock,
    observe,
    background: jobs,
    slots,
    homes,
    random: () => 0.5,
    cooldowns: cooling,
    breakerOf,
    budget,
    delays: learned,
    lastCall: drain,
    override: () => null,
    standing(provider, model): Standing {
      const own = breakerOf(provider.name);
      if (own.state() === "open") return { kind: "open", backInMs: own.opensInMs(), limited: false };
      const choice = cooling.peek(provider, upstreamModel(provider, model));
      return choice.kind === "key" ? { kind: "up" } : { ...choice, kind: "cooling" };
    },
    passedHeaders: answerHeaders,
    aliasKey: (client, id) => `${client.name}/${id}`,
    attempt: {
      clock,
      send(target, signal, connected) {
        const { name } = target.provider;
        asked.push(target.key === null ? name : `${name}:${target.key.reveal()}`);
        const act = scripts.get(name)?.shift();
        if (!act) throw new Error(`nobody told ${name} what to do`);
        return act({ target, signal, connected, clock });
      },
      splitter: (framing) => (framing === "sse" ? sseSplitter : jsonArraySplitter)(FRAME_BYTES_MAX, account.share()),
      buffer: account.take,
      unreadable: (provider, encoding) =>
        observe({ kind: "notice", level: "warn", what: "answer_unreadable", fields: { provider, encoding } }),
    },
  };
  const plan = {
    providers,
    sessionTtlMs: 300_000,
    rules: {
      attemptsMax: 4,
      hedgeAtOnceMax: 2,
      hedgeAttemptsMax: 3,
      hedgeShare: 0.1,
      totalMs: 600_000,
      waitMs: 0,
      ...rules,
      idle,
    },
  };
  let requests = 0;

  function inbound(ask: Ask): Inbound {
    const protocol = PROTOCOLS[ask.protocol ?? "anthropic"];
    const { stream = true, kind = "generate", model = "claude" } = ask;
    const text = JSON.stringify({
      model,
      stream,
      max_tokens: 9,
      messages: [{ role: "user", content: "hi" }],
      input: "hi",
      store: ask.store,
      previous_response_id: ask.previous,
    });
    const body = new TextEncoder().encode(text);
    const byPath = protocol.name === "gemini";
    const operation = {
      protocol: protocol.name,
      kind,
      pathModel: byPath ? model : null,
      pathStream: byPath && stream,
    };
    const facts = protocol.read(operation, body);
    if ("code" in facts) throw new Error(facts.message);
    bodies++;
    let held = true;
    return {
      requestId: `request-${++requests}`,
      client: { name: "ann", groups: ["default"], limits: ask.limits ?? { sessions: 0, requests: 0, rpm: 0 } },
      protocol,
      operation,
      facts: { ...facts, binding: ask.binding ?? "free" },
      session: ask.session ?? "session",
      sessionSource: "x-hedgerow-session",
      boundTo: ask.boundTo ?? null,
      pathname: "/v1/messages",
      search: "",
      headers: new Headers(),
      body,
      bodyBytes: body.byteLength,
      signal: ask.signal ?? new AbortController().signal,
      arrivedMs: clock.monoMs(),
      arrivedWallMs: clock.wallMs(),
      bodyDone() {
        if (held) bodies--;
        held = false;
      },
      beforeEnd() {},
    };
  }
  return {
    clock,
    slots,
    store,
    homes,
    events,
    asked,
    drain: drain.say,
    breaker: (name: string) => breakerOf(name),
    cooling,
    delays: learned,
    budget,
    buffered: account.used,
    /** Request bodies kept in case somebody else must be asked. */
    bodies: () => bodies,
    /** What a provider does with its next requests, in order. */
    script: (name: string, ...acts: Act[]) => scripts.set(name, [...(scripts.get(name) ?? []), ...acts]),
    ask: (ask: Ask = {}): Promise<Response> => forward(deps, plan, inbound(ask)),
    /** Asks, with as much time as it takes, and hears the answer to its end. */
    async hear(ask: Ask = {}) {
      const heard = forward(deps, plan, inbound(ask)).then(async (response) => ({
        status: response.status,
        headers: response.headers,
        text: await response.text().catch((error: unknown) => `reset: ${String(error)}`),
      }));
      const pending = Symbol("pending");
      const over = async () => (await Promise.race([heard, Promise.resolve(pending)])) !== pending;
      for (let turn = 0; turn < 2_000 && !(await over()); turn++) await clock.advance(100);
      return heard;
    },
    records: (): readonly RequestRecord[] =>
      events.flatMap((event) => (event.kind === "request_finished" ? [event.record] : [])),
    told: <Kind extends ProxyEvent["kind"]>(kind: Kind) =>
      events.filter((event): event is Extract<ProxyEvent, { kind: Kind }> => event.kind === kind),
    count: async (name: string) => (await store.count([`provider:${name}`]))[0],
    /** Nothing may be left: no lease, no waiter, no timer, no body, nothing under way. */
    async over() {
      await clock.advance(0);
      const buffered = account.used();
      const left = { leases: slots.leases(), waiting: slots.waiting(), bodies, buffered, inFlight: budget.inFlight() };
      await slots.close(1_000);
      await jobs.drained();
      const none = { leases: 0, waiting: 0, bodies: 0, buffered: 0, inFlight: { requests: 0, hedges: 0 } };
      expect({ ...left, sleepers: clock.sleepers(), broken }).toEqual({ ...none, sleepers: 0, broken: [] });
    },
  };
}

export type ForwardWorld = ReturnType<typeof forwardWorld>;
