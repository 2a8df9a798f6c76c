/**
 * What a relayed event costs: cutting alone, and cutting and watching as after content. Run it with
 * `bun test/bench/sse.bench.ts`; the aim is 2 µs for a small event.
 */
import { anthropicEvents } from "../../src/protocol/anthropic/events.ts";
import type { Splitter } from "../../src/protocol/frames.ts";
import { geminiEvents } from "../../src/protocol/gemini/events.ts";
import { jsonArraySplitter } from "../../src/protocol/json-array.ts";
import { chatEvents } from "../../src/protocol/openai-chat/events.ts";
import { responsesEvents } from "../../src/protocol/openai-responses/events.ts";
import type { EventReader } from "../../src/protocol/protocol.ts";
import { sseSplitter } from "../../src/protocol/sse.ts";
import { text } from "../protocol/corpus/anthropic.ts";
import { hello } from "../protocol/corpus/gemini.ts";
import { hello as chatHello } from "../protocol/corpus/openai-chat.ts";
import { text as responsesText } from "../protocol/corpus/openai-responses.ts";
import { named, plain, plainCrlf } from "../protocol/corpus/row.ts";

type Load = Readonly<{
  name: string;
  event: string;
  splitter: () => Splitter;
  events: (requestBytes: number) => EventReader;
}>;

const EVENTS = 20_000;
const ROUNDS = 25;

const loads: readonly Load[] = [
  { name: "anthropic", event: named(text("Hello there")), splitter: sseSplitter, events: anthropicEvents },
  {
    name: "anthropic, not ASCII",
    event: named(text("Grüße, 世界 🦔")),
    splitter: sseSplitter,
    events: anthropicEvents,
  },
  { name: "openai-chat", event: plain(chatHello), splitter: sseSplitter, events: chatEvents },
  {
    name: "openai-responses",
    event: named({ ...responsesText("Hello"), sequence_number: 7 }),
    splitter: sseSplitter,
    events: responsesEvents,
  },
  { name: "gemini", event: plainCrlf(hello), splitter: sseSplitter, events: geminiEvents },
  {
    name: "gemini, array",
    event: `,\r\n${JSON.stringify(hello, null, 2)}`,
    splitter: jsonArraySplitter,
    events: geminiEvents,
  },
];

/** Best of a few rounds, in µs an event. */
function timed(chunks: readonly Uint8Array[], load: Load, watching: boolean): number {
  let bestMs = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round++) {
    const splitter = load.splitter();
    const reader = load.events(1_000);
    splitter.push(Buffer.from(load.splitter === jsonArraySplitter ? "[{}" : "data: {}\n\n"));
    const fromMs = performance.now();
    for (const chunk of chunks) {
      const frames = splitter.push(chunk);
      if (watching) for (const frame of frames) reader.watch(frame);
    }
    bestMs = Math.min(bestMs, performance.now() - fromMs);
  }
  return (bestMs * 1_000) / EVENTS;
}

function chunked(bytes: Uint8Array, size: number): readonly Uint8Array[] {
  return Array.from({ length: Math.ceil(bytes.byteLength / size) }, (_, at) => bytes.slice(at * size, (at + 1) * size));
}

console.log(
  "µs an event".padEnd(24),
  ["bytes", "cut", "cut+watch", "cut+watch, 16 KiB"].map((t) => t.padStart(18)).join(""),
);
for (const load of loads) {
  const event = Buffer.from(load.event);
  const single = Array.from({ length: EVENTS }, () => Uint8Array.from(event));
  const together = chunked(Buffer.from(load.event.repeat(EVENTS)), 16 * 1024);
  const times = [timed(single, load, false), timed(single, load, true), timed(together, load, true)];
  const cells = [String(event.byteLength), ...times.map((us) => us.toFixed(2))];
  console.log(load.name.padEnd(24), cells.map((cell) => cell.padStart(18)).join(""));
}
