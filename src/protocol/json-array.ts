import { type Cutter, FRAME_BYTES_MAX, type Splitter, splitter, textOf, UNCOUNTED } from "./frames.ts";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const ARRAY_OPENS = 0x5b;
const ARRAY_CLOSES = 0x5d;
const OBJECT_OPENS = 0x7b;
const OBJECT_CLOSES = 0x7d;
const SPACE = 0x20;

/**
 * Cuts a JSON array that is streamed (Gemini without `alt=sse`) after each of its objects; the comma or bracket before
 * an object goes with it, and the bracket that closes the array is a frame of its own. Text that does not begin with a
 * bracket is one `bare` frame at the end of the stream: an error object, an HTML page.
 */
export function jsonArraySplitter(frameBytesMax = FRAME_BYTES_MAX, room = UNCOUNTED): Splitter {
  return splitter(elementCutter(), frameBytesMax, room);
}

function elementCutter(): Cutter {
  let place: "before" | "array" | "after" | "elsewhere" = "before";
  let depth = 0;
  const strings = stringReader();

  return {
    ends(chunk) {
      const ends: number[] = [];
      // Strings, which are nearly all of it, are stepped over at once; what is left is a few bytes of structure.
      for (let at = strings.resume(chunk); at < chunk.byteLength && (place === "array" || place === "before"); ) {
        const byte = chunk[at++];
        if (byte === undefined || byte <= SPACE) continue;
        if (place === "before") place = byte === ARRAY_OPENS ? "array" : "elsewhere";
        else if (byte === QUOTE) at = strings.skip(chunk, at);
        else if (byte === ARRAY_OPENS || byte === OBJECT_OPENS) depth++;
        else if (byte === ARRAY_CLOSES || byte === OBJECT_CLOSES) {
          depth--;
          if (depth <= 0) ends.push(at);
          if (depth < 0) place = "after";
        }
      }
      return ends;
    },
    read(bytes) {
      const text = textOf(bytes);
      const element = text.search(/[^\s,[]/);
      return text[element] === "]"
        ? { kind: "close", event: "", data: "", bytes }
        : { kind: "element", event: "", data: text.slice(element), bytes };
    },
    readLast(bytes) {
      if (place === "array") return null;
      const data = textOf(bytes).trim();
      return { kind: data === "" ? "event" : "bare", event: "", data, bytes };
    },
  };
}

/** Steps over JSON strings, which may go on in the next chunk. */
function stringReader() {
  let inside = false;
  let escaped = false;

  /** Where the string ends that `from` is inside of, or the chunk's end. */
  const skip = (chunk: Uint8Array, from: number): number => {
    inside = true;
    for (;;) {
      const quote = chunk.indexOf(QUOTE, from);
      const end = quote === -1 ? chunk.byteLength : quote;
      let backslashes = 0;
      while (end - backslashes > from && chunk[end - backslashes - 1] === BACKSLASH) backslashes++;
      escaped = backslashes % 2 === 1;
      if (quote === -1) return end;
      from = end + 1;
      if (escaped) continue;
      inside = false;
      return from;
    }
  };
  return {
    skip,
    /** Where to go on in the next chunk. */
    resume(chunk: Uint8Array): number {
      return inside && chunk.byteLength > 0 ? skip(chunk, escaped ? 1 : 0) : 0;
    },
  };
}
