/**
 * HTTP/1.1 on bytes, both directions, as little as a simulated upstream needs (RFC 9112). A server library would hide
 * what tests look at (raw targets, header order) and forbid what they cause (half answers, odd chunks, resets).
 */
export type WireRequest = Readonly<{
  method: string;
  /** As sent, not decoded: `/v1beta/models/a%2Fb:generateContent?key=…`. */
  target: string;
  /** As sent: order, case and duplicates kept. */
  headers: readonly (readonly [string, string])[];
  /** Without chunk framing. */
  body: Uint8Array;
}>;

/** Bytes of one connection in order. Owns what has arrived and is not read yet. */
export type ByteSource = Readonly<{
  push(bytes: Uint8Array): void;
  /** The peer sends no more. */
  end(): void;
  /** All up to and with `mark`; null at the end. Throws a RangeError beyond `bytesMax`. */
  until(mark: string, bytesMax: number): Promise<Uint8Array | null>;
  /** Exactly `count` bytes; null where the peer ended before. */
  take(count: number): Promise<Uint8Array | null>;
}>;

/** Proxies refuse heads far below this; a simulated upstream must not be the first to. */
const HEAD_BYTES_MAX = 256 * 1024;
/** Twice the proxy's own default bound. */
const BODY_BYTES_MAX = 64 * 1024 * 1024;
const CRLF = "\r\n";

export function byteSource(): ByteSource {
  let buffer: Uint8Array = new Uint8Array(0);
  let ended = false;
  let wake = () => {};
  const more = async (): Promise<boolean> => {
    if (ended) return false;
    await new Promise<void>((resolve) => {
      wake = resolve;
    });
    return true;
  };
  const shift = (count: number) => {
    const taken = buffer.subarray(0, count);
    buffer = buffer.subarray(count);
    return taken;
  };
  return {
    push(bytes) {
      buffer = buffer.length === 0 ? bytes : Buffer.concat([buffer, bytes]);
      wake();
    },
    end() {
      ended = true;
      wake();
    },
    async until(mark, bytesMax) {
      for (;;) {
        const at = Buffer.from(buffer.buffer, buffer.byteOffset, buffer.length).indexOf(mark);
        if (at >= 0) return shift(at + mark.length);
        if (buffer.length > bytesMax) throw new RangeError(`no end of line within ${bytesMax} bytes`);
        if (!(await more())) return null;
      }
    },
    async take(count) {
      const taken = new Uint8Array(count);
      let filled = 0;
      for (;;) {
        const part = shift(Math.min(count - filled, buffer.length));
        taken.set(part, filled);
        filled += part.length;
        if (filled === count) return taken;
        if (!(await more())) return null;
      }
    },
  };
}

/** The next request on the connection; null where the peer left instead. Rejects with a RangeError beyond the bounds. */
export async function readRequest(source: ByteSource): Promise<WireRequest | null> {
  const head = await source.until(CRLF + CRLF, HEAD_BYTES_MAX);
  if (!head) return null;
  const [first = "", ...lines] = Buffer.from(head).toString("latin1").slice(0, -4).split(CRLF);
  const [method = "", target = ""] = first.split(" ");
  const headers = lines.map((line) => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon), line.slice(colon + 1).trim()] as const;
  });
  const chunked = headerOf(headers, "transfer-encoding")?.toLowerCase().endsWith("chunked") ?? false;
  const length = Number(headerOf(headers, "content-length") ?? 0);
  if (length > BODY_BYTES_MAX) throw new RangeError(`a body of more than ${BODY_BYTES_MAX} bytes`);
  const body = chunked ? await readChunks(source) : await source.take(length);
  return body && { method, target, headers, body };
}

async function readChunks(source: ByteSource): Promise<Uint8Array | null> {
  const chunks: Uint8Array[] = [];
  let total = 0;
  for (;;) {
    const line = await source.until(CRLF, HEAD_BYTES_MAX);
    if (!line) return null;
    const size = Number.parseInt(Buffer.from(line).toString("latin1"), 16);
    total += size;
    if (!(total <= BODY_BYTES_MAX)) throw new RangeError("a chunk size that is none, or too large a body");
    if (size === 0) break;
    const chunk = await source.take(size);
    if (!chunk || !(await source.take(2))) return null;
    chunks.push(chunk);
  }
  // Trailers, if any, then the empty line.
  for (;;) {
    const line = await source.until(CRLF, HEAD_BYTES_MAX);
    if (!line) return null;
    if (line.length === 2) return Buffer.concat(chunks);
  }
}

/** The first value under that name, whatever its case. */
export function headerOf(headers: WireRequest["headers"], name: string): string | undefined {
  return headers.find(([known]) => known.toLowerCase() === name)?.[1];
}

export function headBytes(status: number, headers: WireRequest["headers"]): Uint8Array {
  const lines = headers.map(([name, value]) => `${name}: ${value}${CRLF}`).join("");
  return Buffer.from(`HTTP/1.1 ${status} ${REASONS[status] ?? "Status"}${CRLF}${lines}${CRLF}`, "latin1");
}

export function chunkBytes(bytes: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from(bytes.length.toString(16) + CRLF), bytes, Buffer.from(CRLF)]);
}

export const LAST_CHUNK: Uint8Array = Buffer.from(`0${CRLF}${CRLF}`);

const REASONS: Readonly<Record<number, string>> = {
  200: "OK",
  307: "Temporary Redirect",
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  413: "Content Too Large",
  429: "Too Many Requests",
  500: "Internal Server Error",
  503: "Service Unavailable",
  529: "Overloaded",
};
