import type { Transform } from "node:stream";
import zlib from "node:zlib";

const DECODERS: Readonly<Record<string, () => Transform>> = {
  gzip: zlib.createGunzip,
  "x-gzip": zlib.createGunzip,
  deflate: zlib.createInflate,
  br: zlib.createBrotliDecompress,
  zstd: zlib.createZstdDecompress,
};

/** What makes a decoder for a `content-encoding` (RFC 9110, 8.4.1; RFC 8878 for zstd); null where it is none that can be read. */
export function decoderOf(coding: string): (() => Transform) | null {
  const name = coding.trim().toLowerCase();
  return Object.hasOwn(DECODERS, name) ? (DECODERS[name] ?? null) : null;
}
