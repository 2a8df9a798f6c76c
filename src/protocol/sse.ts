import { FRAME_BYTES_MAX, type Splitter, splitter, textOf, UNCOUNTED } from "./frames.ts";
import type { Frame } from "./protocol.ts";

const LF = 0x0a;
const CR = 0x0d;
const BOM = "\uFEFF";

/**
 * Cuts an event stream (WHATWG HTML, 9.2.6) at its blank lines: a frame is an event, or what lies between two blank
 * lines instead of one. Lines end with LF, CRLF or CR; a CR that ends a chunk waits for the next byte, because an LF
 * there belongs to it.
 *
 * Some upstreams send a JSON error or an HTML page under this content type: that is a frame too, and `bare`. At the end
 * of the stream a tail is a frame if its data is whole by itself (JSON or `[DONE]`), if it is whole lines without an
 * event in them, or if it is bare.
 */
export function sseSplitter(frameBytesMax = FRAME_BYTES_MAX, room = UNCOUNTED): Splitter {
  return splitter({ ends: lineReader(), read, readLast }, frameBytesMax, room);
}

function lineReader(): (chunk: Uint8Array) => readonly number[] {
  let lineIsEmpty = true;
  let afterCr = false;
  return (chunk) => {
    if (chunk.byteLength === 0) return [];
    const ends: number[] = [];
    let at = 0;
    const endLine = (next: number) => {
      if (lineIsEmpty) ends.push(next);
      lineIsEmpty = true;
      at = next;
    };
    if (afterCr) endLine(chunk[0] === LF ? 1 : 0);
    afterCr = false;
    let lf = chunk.indexOf(LF, at);
    let cr = chunk.indexOf(CR, at);
    while (lf !== -1 || cr !== -1) {
      const endsWithLf = cr === -1 || (lf !== -1 && lf < cr);
      const end = endsWithLf ? lf : cr;
      if (end > at) lineIsEmpty = false;
      if (endsWithLf) endLine(end + 1);
      else if (end + 1 < chunk.byteLength) endLine(lf === end + 1 ? end + 2 : end + 1);
      else {
        afterCr = true;
        return ends;
      }
      if (lf !== -1 && lf < at) lf = chunk.indexOf(LF, at);
      if (cr !== -1 && cr < at) cr = chunk.indexOf(CR, at);
    }
    if (at < chunk.byteLength) lineIsEmpty = false;
    return ends;
  };
}

function read(bytes: Uint8Array): Frame {
  let text = textOf(bytes);
  if (text.startsWith(BOM)) text = text.slice(1);
  if (BARE.test(text)) return { kind: "bare", event: "", data: text.trim(), bytes };
  if (LONE_CR.test(text)) text = text.replace(/\r\n?/g, "\n");
  let event = "";
  let data: string | null = null;
  for (let start = 0, end = 0; start < text.length; start = end + 1) {
    end = text.indexOf("\n", start);
    if (end === -1) end = text.length;
    const lineEnd = text[end - 1] === "\r" ? end - 1 : end;
    if (text.startsWith("data:", start)) {
      const value = text.slice(text[start + 5] === " " ? start + 6 : start + 5, lineEnd);
      data = data === null ? value : `${data}\n${value}`;
    } else if (text.startsWith("event:", start)) {
      event = text.slice(text[start + 6] === " " ? start + 7 : start + 6, lineEnd);
    }
  }
  return { kind: "event", event, data: data ?? "", bytes };
}

/** A line end that is a CR alone: nobody sends it, but the standard has it. */
const LONE_CR = /\r(?!\n)/;
/** No line of an event stream begins so: JSON and HTML do. */
const BARE = /^\s*[{[<]/;

function readLast(bytes: Uint8Array): Frame | null {
  const frame = read(bytes);
  if (frame.kind === "bare") return frame;
  const endsWithLine = bytes.at(-1) === LF || bytes.at(-1) === CR;
  const whole = frame.data === "" ? frame.event === "" && endsWithLine : isWhole(frame.data);
  return whole ? frame : null;
}

function isWhole(data: string): boolean {
  if (data === "[DONE]") return true;
  try {
    JSON.parse(data);
    return true;
  } catch {
    return false;
  }
}
