import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import { byteAccount } from "../../src/core/byte-account.ts";
import { systemClock } from "../../src/core/clock.ts";
import { type BodyRead, readBody } from "../../src/http/body.ts";

/** Reads are made inside a real server, so that what a client does to its connection is what happens. */
const BYTES_MAX = 100_000;
let bufferedBytesMax = 250_000;
const account = byteAccount(() => bufferedBytesMax);
const LIMITS = { clock: systemClock, bytesMax: BYTES_MAX, account };
let reads: { read: Promise<BodyRead>; request: Request }[] = [];
let arrived = Promise.withResolvers<void>();

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  async fetch(request) {
    const read = readBody(request, LIMITS);
    reads.push({ read, request });
    arrived.resolve();
    const result = await read.catch(() => null);
    return new Response(result?.kind ?? "left");
  },
});

beforeEach(() => {
  reads = [];
  arrived = Promise.withResolvers();
  bufferedBytesMax = 250_000;
});
afterEach(() => expect(account.used()).toBe(0));

async function posted(body: Uint8Array | ReadableStream, headers: Record<string, string> = {}): Promise<BodyRead> {
  await (await fetch(server.url, { method: "POST", body, headers })).bytes();
  const read = await reads.at(-1)?.read;
  if (!read) return expect.unreachable("nothing was read");
  return read;
}

/** The bytes, given back at once. */
function bytesOf(read: BodyRead): Uint8Array {
  if (read.kind !== "body") expect.unreachable(read.error.code);
  expect(account.used()).toBe(read.body.bytes.byteLength);
  read.body[Symbol.dispose]();
  return read.body.bytes;
}

function codeOf(read: BodyRead): string {
  return read.kind === "refused" ? read.error.code : "body";
}

const chunked = (...chunks: Uint8Array[]) =>
  new ReadableStream({
    pull(controller) {
      const chunk = chunks.shift();
      if (chunk) controller.enqueue(chunk);
      else controller.close();
    },
  });
const filled = (bytes: number) => Buffer.alloc(bytes, "0123456789");

describe("a body", () => {
  test("of the largest size is read, its length known or not", async () => {
    const whole = filled(BYTES_MAX);
    expect(whole.equals(bytesOf(await posted(whole)))).toBe(true);
    const halves = chunked(whole.subarray(0, 40_000), whole.subarray(40_000));
    expect(whole.equals(bytesOf(await posted(halves)))).toBe(true);
  });

  test("that is empty or missing is empty", async () => {
    expect(bytesOf(await posted(new Uint8Array(0))).byteLength).toBe(0);
    const none = await readBody(new Request("http://x.test", { method: "POST" }), { ...LIMITS, bytesMax: 1 });
    expect(bytesOf(none).byteLength).toBe(0);
  });

  test("one byte larger is refused, its length known or not", async () => {
    expect(codeOf(await posted(filled(BYTES_MAX + 1)))).toBe("body_too_large");
    expect(codeOf(await posted(chunked(filled(60_000), filled(40_001))))).toBe("body_too_large");
  });

  test("without an end is refused at the limit, not read for ever", async () => {
    const endless = new ReadableStream({ pull: (controller) => controller.enqueue(filled(10_000)) });
    const request = new Request("http://x.test", { method: "POST", body: endless });
    expect(codeOf(await readBody(request, LIMITS))).toBe("body_too_large");
  });

  test("that the process has no room for is refused, and the room comes back", async () => {
    bufferedBytesMax = 150_000;
    const held = await posted(filled(90_000));
    for (const more of [filled(90_000), chunked(filled(90_000))]) {
      const read = await posted(more);
      expect(read).toMatchObject({ kind: "refused", error: { code: "overloaded", retryAfterMs: 1_000 } });
    }
    expect(bytesOf(held).byteLength).toBe(90_000);
    expect(bytesOf(await posted(filled(90_000))).byteLength).toBe(90_000);
  });
});

describe("a body whose client leaves half-way", () => {
  test.each([
    ["its length known", 'content-length: 50\r\n\r\n{"model":'],
    ["its length known and large", 'content-length: 50000\r\n\r\n{"model":'],
    ["in chunks", 'transfer-encoding: chunked\r\n\r\n9\r\n{"model":\r\n'],
  ])("rejects, %s", async (_, rest) => {
    const socket = await Bun.connect({
      hostname: "127.0.0.1",
      port: server.port ?? 0,
      socket: { data: () => {} },
    });
    socket.write(`POST / HTTP/1.1\r\nhost: x.test\r\n${rest}`);
    await arrived.promise;
    socket.terminate();
    const error = await reads[0]?.read.catch((error: unknown) => error);
    expect(error).toMatchObject({ name: "HedgerowError", code: "client_left" });
  });
});

describe("an encoded body", () => {
  const text = filled(5_000);
  const zeros = Buffer.alloc(20_000_000);

  test.each([
    ["gzip", gzipSync(text)],
    ["x-gzip", gzipSync(text)],
    [" GZIP ", gzipSync(text)],
    ["deflate", deflateSync(text)],
    ["br", brotliCompressSync(text)],
    ["zstd", zstdCompressSync(text)],
    ["identity", text],
  ])("%j is decoded", async (encoding, body) => {
    expect(text.equals(bytesOf(await posted(body, { "content-encoding": encoding })))).toBe(true);
  });

  test.each([
    ["an encoding nobody knows", "compress", text],
    ["two at once", "gzip, br", gzipSync(text)],
    ["what is not gzip", "gzip", text],
    ["half of it", "gzip", gzipSync(text).subarray(0, 20)],
    ["half of it, brotli", "br", brotliCompressSync(text).subarray(0, 10)],
    ["a property of every object", "constructor", text],
  ])("is refused where it cannot be read: %s", async (_, encoding, body) => {
    expect(codeOf(await posted(body, { "content-encoding": encoding }))).toBe("unsupported_encoding");
  });

  test.each([
    ["gzip", gzipSync(zeros)],
    ["br", brotliCompressSync(zeros)],
    ["zstd", zstdCompressSync(zeros)],
  ])("that swells beyond the limit is refused: %s", async (encoding, bomb) => {
    expect(bomb.byteLength).toBeLessThan(BYTES_MAX);
    expect(codeOf(await posted(bomb, { "content-encoding": encoding }))).toBe("body_too_large");
  });
});
