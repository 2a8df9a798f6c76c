import type { Clock } from "../core/clock.ts";
import type { AttemptRecord, Observer, RequestRecord } from "../core/events.ts";
import type { Random } from "../core/random.ts";
import { PROTOCOL_NAMES } from "../protocol/protocol.ts";
import { answer, cutMidStream, errorInside, resetAtOnce, status } from "../simulator/behaviour.ts";
import type { Reply } from "../simulator/dialect.ts";
import { type Behave, type Simulator, startSimulator } from "../simulator/simulator.ts";

/** Starts the proxy on a configuration text; rejects as `serve` would (port taken, …). */
export type StartProxy = (
  config: string,
  observe: Observer,
) => Promise<Readonly<{ url: string; close(): Promise<void> }>>;

export type DemoDoors = Readonly<{
  start: StartProxy;
  print(line: string): void;
  /** A terminal without NO_COLOR. */
  colour: boolean;
  clock: Clock;
  random: Random;
  /** 0 = the system chooses. */
  port: number;
}>;

/** `hedgerow demo`: the real proxy over three simulated providers in this process. Runs until `signal` aborts. */
export async function demo(doors: DemoDoors, signal: AbortSignal): Promise<void> {
  await using held = new AsyncDisposableStack();
  const providers = cast(doors).map(({ name, behave }) => {
    // Nothing is remembered: a demo may run for days.
    const simulator = startSimulator({ behave, clock: doors.clock, keep: 0 });
    held.defer(() => simulator.close());
    return { name, simulator };
  });
  const proxy = await doors.start(demoConfig(providers, doors.port), (event) => {
    if (event.kind === "request_finished") doors.print(decisionLine(event.record, doors.colour));
  });
  held.defer(() => proxy.close());
  for (const line of introduction(proxy.url)) doors.print(line);
  if (!signal.aborted) {
    await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
  }
}

type Player = Readonly<{ name: string; behave: Behave }>;

function cast(doors: DemoDoors): readonly Player[] {
  const between = (leastMs: number, mostMs: number) => Math.round(leastMs + doors.random() * (mostMs - leastMs));
  const paced = (leastMs: number, mostMs: number): Behave => {
    return (request) => answer({ reply: REPLY, firstMs: between(leastMs, mostMs), gapMs: between(30, 90) })(request);
  };
  return [
    { name: "steady", behave: paced(150, 450) },
    { name: "slow-start", behave: paced(2_000, 5_000) },
    { name: "flaky", behave: nowAndThen(paced(150, 450)) },
  ];
}

/** Every other request fails, each time in the next way. */
function nowAndThen(well: Behave): Behave {
  const faults: readonly Behave[] = [
    status(529),
    errorInside(),
    resetAtOnce,
    status(429, { headers: { "retry-after": "2" } }),
    cutMidStream,
  ];
  let turn = 0;
  return (request) => {
    const fault = turn % 2 === 1 ? faults[((turn - 1) / 2) % faults.length] : undefined;
    turn += 1;
    return (fault ?? well)(request);
  };
}

const REPLY: Partial<Reply> = {
  pieces: "A hedgerow is a line of shrubs and trees that marks where one field ends and the next begins.".split(
    /(?<= )/,
  ),
};

/** Hedges come early, so that one is seen within a few requests. */
function demoConfig(providers: readonly Readonly<{ name: string; simulator: Simulator }>[], port: number): string {
  const entries = providers.map(({ name, simulator }) =>
    [
      `  - name: ${name}`,
      `    protocols: [${PROTOCOL_NAMES.join(", ")}]`,
      `    base_url: ${simulator.url}`,
      `    api_key: simulated-key-of-${name}`,
      `    limits: { sessions: 20 }`,
    ].join("\n"),
  );
  return [
    // Whoever presses Ctrl-C does not wait for a slow answer.
    `server: { host: 127.0.0.1, port: ${port}, drain: 2s }`,
    `defaults: { hedge: { after: 900ms, budget: 50% } }`,
    // Each decision is printed in words instead.
    `log: { level: error }`,
    `providers:`,
    ...entries,
    "",
  ].join("\n");
}

function introduction(url: string): readonly string[] {
  const chat = `{"model":"demo","stream":true,"messages":[{"role":"user","content":"What is a hedgerow?"}]}`;
  const message = chat.replace("{", '{"max_tokens":64,');
  // The same words without an id would be the same session, and that one goes home each time.
  const curl = `  curl -N -H "x-hedgerow-session: $RANDOM"`;
  return [
    `Hedgerow demo on ${url}: the proxy as it is, over three simulated providers (steady, slow-start, flaky).`,
    "",
    "A new session with each call, in each of the four protocols (try each several times):",
    "",
    `${curl} ${url}/v1/messages -d '${message}'`,
    `${curl} ${url}/v1/chat/completions -d '${chat}'`,
    `${curl} ${url}/v1/responses -d '{"model":"demo","stream":true,"store":false,"input":"What is a hedgerow?"}'`,
    `${curl} '${url}/v1beta/models/demo:streamGenerateContent?alt=sse' -d '{"contents":[{"parts":[{"text":"What is a hedgerow?"}]}]}'`,
    "",
    "One session, which stays where it was served, and what the answer's headers tell:",
    "",
    `  curl -i -H "x-hedgerow-session: mine" ${url}/v1/messages -d '${message.replace('"stream":true,', "")}'`,
    "",
    `Real clients: ANTHROPIC_BASE_URL=${url}, OPENAI_BASE_URL=${url}/v1, GOOGLE_GEMINI_BASE_URL=${url} (any key).`,
    `Dashboard: ${url}/admin   Metrics: ${url}/metrics   Ctrl-C ends it.`,
    "",
    "Each request's decision:",
  ];
}

/** One request in words: who was tried and how it went, in order, then what the client saw. */
export function decisionLine(record: RequestRecord, colour: boolean): string {
  const tried = record.attempts.map(attemptWords).join(", then ");
  const stream = record.stream ? " stream" : "";
  const words = [
    `${painted(String(record.status), record.status, colour)} ${record.protocol}${stream}`,
    tried || record.error,
    `first content ${milliseconds(record.ttft_ms)}, all ${milliseconds(record.ms)}`,
    `hedge ${record.hedge}`,
    `sticky ${record.sticky}`,
  ];
  return words.join(" · ");
}

function attemptWords(attempt: AttemptRecord): string {
  const kind = attempt.kind === "first" ? "" : ` (${attempt.kind} after ${milliseconds(attempt.at_ms)})`;
  const isFault = attempt.outcome === "failed" || attempt.outcome === "broken";
  const reason = isFault ? `: ${attempt.reason}` : "";
  return `${attempt.provider}${kind} ${attempt.outcome.replace("_", " ")}${reason}`;
}

const milliseconds = (ms: number | null) => (ms === null ? "-" : `${Math.round(ms)} ms`);

function painted(text: string, code: number, colour: boolean): string {
  if (!colour) return text;
  const paint = code < 400 ? 32 : code < 500 ? 33 : 31;
  return `\u001b[${paint}m${text}\u001b[0m`;
}
