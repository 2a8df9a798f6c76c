import { decoderOf } from "../core/content-coding.ts";

/** Decodes a body beside its passing on, so that it can be classified. Owns a codec: `close` it. */
export type Decoder = Readonly<{
  /** The decoded bytes that this chunk completes; rejects on a corrupt body, and when the decoder is closed. */
  push(chunk: Uint8Array): Promise<readonly Uint8Array[]>;
  close(): void;
}>;

/** What one chunk may decode to: a kilobyte of zeros that unfolds to a gigabyte is nobody's answer. */
const DECODED_BYTES_MAX = 16 * 1024 * 1024;

/** A decoder for a `content-encoding`; null where it is one that cannot be read. */
export function decoderFor(encoding: string): Decoder | null {
  const make = decoderOf(encoding);
  if (!make) return null;
  const codec = make();
  let out: Uint8Array[] = [];
  let outBytes = 0;
  let failed: Error | null = null;
  let fail: (error: Error) => void = () => {};
  const over = (error: Error) => {
    failed ??= error;
    fail(failed);
  };
  codec.on("data", (bytes: Uint8Array) => {
    outBytes += bytes.byteLength;
    if (outBytes <= DECODED_BYTES_MAX) return void out.push(bytes);
    over(new Error("a chunk decodes to more than can be meant"));
    codec.destroy();
  });
  // A write to a codec that fails is not called back by every runtime: without this its reader would wait for ever.
  codec.on("error", over);
  return {
    push: (chunk) =>
      new Promise((resolve, reject) => {
        fail = reject;
        if (failed) return reject(failed);
        codec.write(chunk, (error) => {
          if (error) return over(error);
          if (failed) return;
          const done = out;
          out = [];
          outBytes = 0;
          resolve(done);
        });
      }),
    close() {
      codec.destroy();
      over(new Error("the decoder was closed"));
    },
  };
}
