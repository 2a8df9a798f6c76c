import zlib from "node:zlib";

/** Decodes a body beside its passing on, so that it can be classified. Owns a codec: `close` it. */
export type Decoder = Readonly<{
  /** The decoded bytes that this chunk completes; rejects on a corrupt body. */
  push(chunk: Uint8Array): Promise<readonly Uint8Array[]>;
  close(): void;
}>;

const CODECS: Readonly<Record<string, () => zlib.Gunzip | zlib.Inflate | zlib.BrotliDecompress | zlib.ZstdDecompress>> =
  {
    gzip: () => zlib.createGunzip(),
    "x-gzip": () => zlib.createGunzip(),
    deflate: () => zlib.createInflate(),
    br: () => zlib.createBrotliDecompress(),
    zstd: () => zlib.createZstdDecompress(),
  };

/** A decoder for a `content-encoding`; null where it is one that cannot be read. */
export function decoderFor(encoding: string): Decoder | null {
  const make = CODECS[encoding.trim().toLowerCase()];
  if (!make) return null;
  const codec = make();
  let out: Uint8Array[] = [];
  let failed: Error | null = null;
  codec.on("data", (bytes: Uint8Array) => out.push(bytes));
  codec.on("error", (error: Error) => {
    failed = error;
  });
  return {
    push: (chunk) =>
      new Promise((resolve, reject) => {
        codec.write(chunk, (error) => {
          const done = out;
          out = [];
          if (error ?? failed) reject(error ?? failed);
          else resolve(done);
        });
      }),
    close: () => codec.destroy(),
  };
}
