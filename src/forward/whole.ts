import { decoderFor } from "./decode.ts";
import type { Source } from "./source.ts";

/** What was read of a document that is not a stream of events. */
export type Read =
  | Readonly<{ kind: "whole" | "more"; bytes: Uint8Array }>
  | Readonly<{ kind: "broke"; error: unknown }>;

/** Documents up to this size are read to their end before anything of them goes to the client, so that they can be judged. */
const WHOLE_BYTES_MAX = 1024 * 1024;

/** Reads to the end, or until there is more than can be held back (`more`: the rest is still in the source). */
export async function readWhole(source: Source): Promise<Read> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for (;;) {
    const piece = await source.next();
    if (piece.kind === "broke") return piece;
    if (piece.kind === "end")
      return { kind: "whole", bytes: chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks) };
    chunks.push(piece.pass);
    bytes += piece.pass.byteLength;
    if (bytes > WHOLE_BYTES_MAX) return { kind: "more", bytes: Buffer.concat(chunks) };
  }
}

/** The text of a document that came encoded although nobody asked for it; as it is where it cannot be decoded. */
export async function decoded(encoding: string | null, bytes: Uint8Array): Promise<Uint8Array> {
  const decoder = encoding === null ? null : decoderFor(encoding);
  if (!decoder) return bytes;
  try {
    return Buffer.concat(await decoder.push(bytes));
  } catch {
    return bytes; // a corrupt body is judged by its raw bytes: not JSON, so a fault
  } finally {
    decoder.close();
  }
}
