import type { Transform } from "node:stream";
import type { ByteAccount } from "../core/byte-account.ts";
import type { Clock } from "../core/clock.ts";
import { decoderOf } from "../core/content-coding.ts";
import { HedgerowError, type OwnError } from "../core/errors.ts";
import { inTime } from "../core/in-time.ts";
import { idleWatch } from "../forward/idle-watch.ts";

/** Owns a request's body, decoded, and its share of the process-wide account. */
export type Body = Disposable & Readonly<{ bytes: Uint8Array }>;

export type BodyRead = Readonly<{ kind: "body"; body: Body }> | Readonly<{ kind: "refused"; error: OwnError }>;

export type BodyLimits = Readonly<{
  clock: Clock;
  /** Of the body as it comes, and as it is once decoded. */
  bytesMax: number;
  account: ByteAccount;
}>;

/** When an instance is full, bodies leave it within moments. */
const OVERLOADED_RETRY_MS = 1_000;

/** A client that stops in the middle must not hold what it has sent for ever. */
const SILENCE_MS_MAX = 60_000;

/** Nor must one that sends a byte now and then. The largest body by default (32 MiB) needs 56 kB a second. */
const UPLOAD_MS_MAX = 600_000;

/**
 * Up to this many declared bytes are read in one go, which takes the runtime a third less than chunks do; they are a few
 * packets, so `SILENCE_MS_MAX` is all the time they have. Charged once they are here: until then a connection holds no
 * more of them than of its request's head (16 KB), which nobody counts either.
 */
const SMALL_BYTES = 16 * 1024;

/**
 * Reads a request's body to its end, or refuses it as soon as it is known to be too large, encoded in a way that cannot
 * be read, more than the account has left, or too slow. The account is charged for bytes that have come and not for those
 * that are declared: those cost their sender nothing. Rejects with a `HedgerowError` of code `client_left` where the
 * client leaves before it has sent all.
 */
export async function readBody(request: Request, limits: BodyLimits): Promise<BodyRead> {
  const codec = codecFor(request.headers.get("content-encoding"));
  if (codec === "unknown")
    return refused("unsupported_encoding", "content-encoding: not one of gzip, deflate, br, zstd");
  const length = declaredLength(request.headers.get("content-length"));
  if (length !== null && length > limits.bytesMax) return tooLarge(limits);
  using owned = new DisposableStack();
  const hold = holder(limits, owned);
  const { clock } = limits;
  const raw =
    length !== null && length <= SMALL_BYTES
      ? await readSmall(request, clock, hold)
      : await readChunks(request, { clock, bytesMax: length ?? limits.bytesMax }, hold);
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
  const share = owned.use(account.share());
  let held = 0;
  return (bytes) => {
    held += bytes;
    if (held > bytesMax) return { code: "body_too_large", message: largerThan(bytesMax) };
    return share.resize(held)
      ? null
      : { code: "overloaded", message: "too many request bodies are held at once", retryAfterMs: OVERLOADED_RETRY_MS };
  };
}

/** Without looking at the chunks: a declared length is kept to by the server's parser. */
async function readSmall(request: Request, clock: Clock, hold: Hold): Promise<Uint8Array | OwnError> {
  const bytes = await sent(inTime(clock, SILENCE_MS_MAX, request.bytes()));
  return bytes === null ? tooSlow("The body did not arrive", SILENCE_MS_MAX) : (hold(bytes.byteLength) ?? bytes);
}

/** `bytesMax`: as many as are declared, or may come. */
async function readChunks(
  request: Request,
  { clock, bytesMax }: Pick<BodyLimits, "clock" | "bytesMax">,
  hold: Hold,
): Promise<Uint8Array | OwnError> {
  const all = gathering(bytesMax);
  if (!request.body) return all.bytes();
  const reader = request.body.getReader();
  const late: OwnError[] = [];
  const giveUp = (refusal: OwnError) => {
    late.push(refusal);
    // The read that waits ends with it. It fails only where the client has left, as that read does.
    reader.cancel().catch(() => {});
  };
  using silence = idleWatch(clock, SILENCE_MS_MAX, () =>
    giveUp(tooSlow("Nothing more of the body came", SILENCE_MS_MAX)),
  );
  using owned = new DisposableStack();
  owned.defer(clock.after(UPLOAD_MS_MAX, () => giveUp(tooSlow("The body did not arrive", UPLOAD_MS_MAX))));
  for (;;) {
    silence.begin();
    const read = await sent(reader.read());
    silence.end();
    if (late[0]) return late[0];
    if (read.done) return all.bytes();
    const error = hold(read.value.byteLength);
    if (error) {
      await sent(reader.cancel());
      return error;
    }
    all.add(read.value);
  }
}

function tooSlow(what: string, ms: number): OwnError {
  return { code: "invalid_request", message: `${what} within ${ms / 1_000} s.` };
}

/**
 * What comes, in one piece. Kept apart, the chunks of a client that sends single bytes would take a hundred times the
 * memory that is charged for; the room for what is yet to come is never touched, and so takes none.
 */
function gathering(bytesMax: number): Readonly<{ add(chunk: Uint8Array): void; bytes(): Uint8Array }> {
  let room: Uint8Array = new Uint8Array(0);
  let filled = 0;
  return {
    add(chunk) {
      const needed = filled + chunk.byteLength;
      if (filled === 0) {
        room = chunk; // mostly the only one
      } else {
        if (needed > room.byteLength) {
          const wider = new Uint8Array(Math.max(needed, Math.min(2 * room.byteLength, bytesMax)));
          wider.set(room.subarray(0, filled));
          room = wider;
        }
        room.set(chunk, filled);
      }
      filled = needed;
    },
    bytes: () => room.subarray(0, filled),
  };
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
