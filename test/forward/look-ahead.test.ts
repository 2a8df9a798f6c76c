import { describe, expect, test } from "bun:test";
import { gzipSync } from "node:zlib";
import { decoderFor } from "../../src/forward/decode.ts";
import { type Look, lookAhead } from "../../src/forward/look-ahead.ts";
import { frameSource, type Source } from "../../src/forward/source.ts";
import { anthropic } from "../../src/protocol/anthropic/anthropic.ts";
import { openaiResponses } from "../../src/protocol/openai-responses/openai-responses.ts";
import type { Protocol } from "../../src/protocol/protocol.ts";
import { sseSplitter } from "../../src/protocol/sse.ts";
import { handClock } from "../world/clock.ts";
import { bodyOf } from "./bodies.ts";
import { closing, errorEvent, opening, ping, said, start, words } from "./upstream.ts";

const MIB = 1024 * 1024;

/** What is found in a stream of these pieces, and what was kept of it. */
async function look(
  pieces: readonly (string | Uint8Array)[],
  how: Readonly<{ gzip?: boolean; roomBytes?: number; protocol?: Protocol; requestBytes?: number }> = {},
) {
  const bytes = pieces.map((piece) => (typeof piece === "string" ? new TextEncoder().encode(piece) : piece));
  const source = frameSource(bodyOf(...bytes), {
    clock: handClock(),
    splitter: sseSplitter(),
    decoder: how.gzip ? decoderFor("gzip") : null,
    signal: new AbortController().signal,
  });
  let started = 0;
  let keptBytes = 0;
  const found = await lookAhead(source, (how.protocol ?? anthropic).events(100), {
    requestBytes: how.requestBytes ?? 100,
    started: () => started++,
    kept(more) {
      keptBytes += more;
      return keptBytes <= (how.roomBytes ?? Number.POSITIVE_INFINITY);
    },
  });
  return { found, started, keptBytes, source };
}
/** The bytes of the next piece. */
async function next(source: Source): Promise<string> {
  const piece = await source.next();
  return piece.kind === "frames" ? Buffer.from(piece.pass).toString() : piece.kind;
}
const head = (found: Look) => ("head" in found ? Buffer.concat(found.head).toString() : null);

describe("looking ahead", () => {
  test("keeps everything up to the content; what came with it is read next", async () => {
    const { found, started, source } = await look([start, opening, words("a") + words("b"), words("c")]);
    expect([found.kind, head(found)]).toEqual(["content", start + opening + words("a")]);
    expect(started).toBe(1);
    expect([await next(source), await next(source)]).toEqual([words("b"), words("c")]);
  });

  test("finds the same however the bytes are cut", async () => {
    const whole = Buffer.from(said("hello"));
    for (const step of [1, 7, 64, 1_000]) {
      const pieces = Array.from({ length: Math.ceil(whole.length / step) }, (_, at) =>
        whole.subarray(at * step, (at + 1) * step),
      );
      const { found } = await look(pieces);
      expect(found.kind).toBe("content");
      expect(head(found)?.startsWith(start + opening + words("hello"))).toBe(true);
    }
  });

  test("does not keep signs of life that repeat", async () => {
    const { found, keptBytes } = await look([
      start,
      ...Array.from({ length: 500 }, () => ping),
      ": still here\n\n",
      words("a"),
    ]);
    expect(head(found)).toBe(start + ping + words("a"));
    expect(keptBytes).toBe(start.length + ping.length);
  });

  test("keeps every byte of an encoded body, for none can be left out", async () => {
    const pieces = gzipSync(start + ping + ping + words("a") + closing);
    const { found } = await look([pieces.subarray(0, 20), pieces.subarray(20)], { gzip: true });
    expect(found.kind).toBe("content");
    expect("head" in found && Buffer.concat(found.head).equals(pieces)).toBe(true);
  });

  test("commits what goes on for 64 events or 1 MiB without content", async () => {
    const { found } = await look([start, ...Array.from({ length: 100 }, () => opening)]);
    expect([found.kind, head(found)]).toEqual(["content", start + opening.repeat(63)]);
    const half = opening.replace('"text":""', `"text":"","x":"${"y".repeat(MIB / 2)}"`);
    const large = await look([start, half, half, opening]);
    expect([large.found.kind, head(large.found)]).toEqual(["content", start + half]);
  });

  test("does not look beyond those 64 events or that MiB, even where what follows came with them", async () => {
    const failure = errorEvent("overloaded_error");
    const big = opening.replace('"text":""', `"text":"","x":"${"y".repeat(MIB)}"`);
    for (const [seen, unseen] of [
      [start + opening.repeat(63), opening.repeat(17) + failure],
      [start, big + failure],
    ] as const) {
      const { found, source } = await look([seen + unseen]);
      expect([found.kind, head(found)]).toEqual(["content", seen]);
      expect(await next(source)).toBe(unseen);
    }
    const inTime = [start, ...Array.from({ length: 62 }, () => opening), failure];
    for (const stream of [[inTime.join("")], inTime]) expect((await look(stream)).found.kind).toBe("error");
  });

  test("commits to nothing that was cut off within its 64th event", async () => {
    const cut = [start, ...Array.from({ length: 63 }, () => opening)].join("").trimEnd();
    expect((await look([cut])).found).toEqual({ kind: "truncated", error: null, empty: false });
  });

  test("commits to one event as soon as more of it has come than may be kept, and passes it on as it comes", async () => {
    const parts = Array.from({ length: 5 }, () => "y".repeat(MIB / 4));
    const { found, source } = await look([start, 'data: {"x":"', ...parts, '"}\n\n', words("a")]);
    // The fourth of the parts went beyond it.
    expect([found.kind, head(found)]).toEqual(["content", `${start}data: {"x":"${parts.slice(0, 4).join("")}`]);
    expect(source.amid()).toBe(true);
    expect([await next(source), await next(source)]).toEqual(["y".repeat(MIB / 4), '"}\n\n']);
    expect([source.amid(), await next(source)]).toEqual([false, words("a")]);
  });

  test("counts an unfinished event with those before it", async () => {
    const half = opening.replace('"text":""', `"text":"","x":"${"y".repeat(MIB / 2)}"`);
    const { found, source } = await look([start, half, ": ", "y".repeat(MIB / 2), words("a")]);
    expect([found.kind, head(found)]).toEqual(["content", `${start}${half}: ${"y".repeat(MIB / 2)}`]);
    expect(await next(source)).toBe(words("a"));
  });

  test("counts no unknown events", async () => {
    const odd = 'event: new\ndata: {"type":"new"}\n\n';
    const { found } = await look([start, ...Array.from({ length: 100 }, () => odd), words("a")]);
    expect(head(found)).toBe(start + odd.repeat(100) + words("a"));
  });

  test("counts no echo of the request, up to 64 MiB", async () => {
    const created = (bytes: number) => {
      const response = { id: "resp_1", status: "in_progress", instructions: "x".repeat(bytes), output: [] };
      return `event: response.created\ndata: ${JSON.stringify({ type: "response.created", response })}\n\n`;
    };
    const delta = `event: response.output_text.delta\ndata: {"type":"response.output_text.delta","delta":"a"}\n\n`;
    const responses = async (...pieces: string[]) =>
      (await look(pieces, { protocol: openaiResponses, requestBytes: 7 * MIB })).found;
    const large = await responses(created(2 * MIB), created(2 * MIB), delta);
    expect([large.kind, head(large)?.endsWith(delta)]).toEqual(["content", true]);
    const echo = created(7 * MIB);
    const inParts = Array.from({ length: 8 }, (_, at) => echo.slice(at * MIB, (at + 1) * MIB));
    expect(head(await responses(...inParts, delta))).toBe(echo + delta);
    const larger = await responses(created(8 * MIB), delta);
    expect([larger.kind, head(larger)]).toEqual(["content", ""]);
    const endless = await responses(...Array.from({ length: 10 }, () => created(7 * MIB)), delta);
    expect([endless.kind, head(endless)?.endsWith(delta)]).toEqual(["content", false]);
  });

  test("commits where no memory is left for it", async () => {
    const { found } = await look([start, opening, words("a")], { roomBytes: start.length });
    expect([found.kind, head(found)]).toEqual(["content", start + opening]);
  });

  test("finds an error, a refusal and an answer without content", async () => {
    expect((await look([start, errorEvent("overloaded_error")])).found).toMatchObject({
      kind: "error",
      facts: { type: "overloaded_error" },
    });
    expect((await look([start, closing])).found.kind).toBe("held");
    expect((await look([start, closing.replace("end_turn", "refusal")])).found.kind).toBe("definitive");
  });

  test("takes an end before content for a truncation, and no byte at all for an empty body", async () => {
    expect((await look([start, opening])).found).toEqual({ kind: "truncated", error: null, empty: false });
    expect((await look([])).found).toEqual({ kind: "truncated", error: null, empty: true });
  });

  test("takes a last event without its separator for content only if the answer is whole with it", async () => {
    expect((await look([start + words("a").trimEnd()])).found).toEqual({
      kind: "truncated",
      error: null,
      empty: false,
    });
    const whole = start + words("a") + closing.trimEnd();
    const { found } = await look([whole]);
    expect(found.kind).toBe("content");
  });

  test("reads an error that is no event at all", async () => {
    const bare = '{"type":"error","error":{"type":"overloaded_error","message":"m"}}';
    expect((await look([bare])).found).toMatchObject({ kind: "error", facts: { type: "overloaded_error" } });
  });
});
