import type { Transform } from "node:stream";
import type { ByteAccount } from "../core/byte-account.ts";
import { decoderOf } from "../core/content-coding.ts";
import { HedgerowError, type OwnError } from "../core/errors.ts";

/** Owns a request's body, decoded, and its share of the process-wide account. */
export type Body = Disposable & Readonly<{ bytes: Uint8Array }>;

export type BodyRead = Readonly<{ kind: "body"; body: Body }> | Readonly<{ kind: "refused"; error: OwnError }>;

export type BodyLimits = Readonly<{
  /** Of the body as it comes, and as it is once decoded. */
  bytesMax: number;
  account: ByteAccount;
}>;

/** When an instance is full, bodies leave it within moments. */
const OVERLOADED_RETRY_MS = 1_000;

/**
 * Reads a request's body to its end, or refuses it as soon as it is known to be too large, encoded in a way that cannot
 * be read, or more than the account has left. Rejects with a `HedgerowError` of code `client_left` where the client
 * leaves before it has sent all.
 */
export async function readBody(request: Request, limits: BodyLimits): Promise<BodyRead> {
  const codec = codecFor(request.headers.get("content-encoding"));
  if (codec === "unknown")
    return refused("unsupported_encoding", "content-encoding: not one of gzip, deflate, br, zstd");
  const length = declaredLength(request.headers.get("content-length"));
  if (length !== null && length > limits.bytesMax) return tooLarge(limits);
  using owned = new DisposableStack();
  const hold = holder(limits, owned);
  const raw = length === null ? await readChunks(request, hold) : await readDeclared(request, length, hold);
  if ("code" in raw) return { kind: "refused", error: raw };
  if (codec === null) return { kind: "body", body: body(raw, owned.move()) };

  using decoded = new DisposableStack();
  const text = await decode(codec(), raw, holder(limits, decoded));
  // The encoded bytes are not needed any more: their share goes back with `owned`.
  return "code" in text ? { kind: "refused", error: text } : { kind: "body", body: body(text, decoded.move()) };
}

/** Takes room for so many more bytes of one body; the reason where there is none. */
type Hold = (bytes: number) => OwnError | null;

function holder({ bytesMax, account }: BodyLimits, owned: DisposableStack): Hold {
  let held = 0;
  return (bytes) => {
    held += bytes;
    if (held > bytesMax) return { code: "body_too_large", message: largerThan(bytesMax) };
    const share = account.take(bytes);
    if (share) owned.use(share);
    return share
      ? null
      : { code: "overloaded", message: "too many request bodies are held at once", retryAfterMs: OVERLOADED_RETRY_MS };
  };
}

/** Without looking at the chunks: a declared length is kept to by the server's parser. */
async function readDeclared(request: Request, length: number, hold: Hold): Promise<Uint8Array | OwnError> {
  return hold(length) ?? sent(request.bytes());
}

async function readChunks(request: Request, hold: Hold): Promise<Uint8Array | OwnError> {
  const chunks: Uint8Array[] = [];
  if (!request.body) return joined(chunks);
  const reader = request.body.getReader();
  for (;;) {
    const read = await sent(reader.read());
    if (read.done) return joined(chunks);
    const error = hold(read.value.byteLength);
    if (error) {
      await sent(reader.cancel());
      return error;
    }
    chunks.push(read.value);
  }
}

/** What a read comes to; it fails only where the client has left. */
async function sent<Value>(reading: Promise<Value>): Promise<Value> {
  try {
    return await reading;
  } catch (error) {
    throw new HedgerowError("client_left", "the client left before it had sent its whole request", error);
  }
}

/** Stops as soon as there is more than the limit: a small body may decode to any size. */
async function decode(codec: Transform, encoded: Uint8Array, hold: Hold): Promise<Uint8Array | OwnError> {
  const chunks: Uint8Array[] = [];
  try {
    codec.end(encoded);
    for await (const chunk of codec as AsyncIterable<Uint8Array>) {
      const error = hold(chunk.byteLength);
      if (error) return error;
      chunks.push(chunk);
    }
  } catch {
    return { code: "unsupported_encoding", message: "the body is not what its content-encoding says" };
  }
  return joined(chunks);
}

function codecFor(header: string | null): (() => Transform) | null | "unknown" {
  const encoding = header?.trim().toLowerCase() ?? "";
  if (encoding === "" || encoding === "identity") return null;
  return decoderOf(encoding) ?? "unknown";
}

/** Null where it is missing or no plain number (two equal headers surface as `3, 3`): then the bytes are counted. */
function declaredLength(header: string | null): number | null {
  return header !== null && /^\d{1,15}$/.test(header) ? Number(header) : null;
}

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const [only] = chunks;
  return chunks.length === 1 && only ? only : Buffer.concat(chunks);
}

function body(bytes: Uint8Array, owned: DisposableStack): Body {
  return { bytes, [Symbol.dispose]: () => owned.dispose() };
}

function tooLarge({ bytesMax }: BodyLimits): BodyRead {
  return refused("body_too_large", largerThan(bytesMax));
}

function refused(code: OwnError["code"], message: string): BodyRead {
  return { kind: "refused", error: { code, message } };
}

function largerThan(bytesMax: number): string {
  return `the body is larger than ${bytesMax} bytes`;
}
