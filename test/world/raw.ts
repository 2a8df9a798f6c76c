import { connect } from "node:net";
import type { ProtocolName } from "../../src/protocol/protocol.ts";
import { type Asking, bodyFor, type Heard, pathFor, understand } from "./http.ts";

/** A socket by hand: `fetch` sends no malformed requests, and runs no more than 256 at once. */
export type RawAnswer = Readonly<{
  /** 0 where no answer came. */
  status: number;
  /** Lower case names. */
  headers: ReadonlyMap<string, string>;
  body: string;
  /** The answer's end was told by its framing. */
  clean: boolean;
}>;

/** Silence after which a raw exchange gives up. */
const PATIENCE_MS = 20_000;

/** Writes bytes and reads until the other side closes, or is silent for `patienceMs`. Never rejects. */
export function rawExchange(url: string, bytes: string | Uint8Array, patienceMs = PATIENCE_MS): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    const heard: Uint8Array[] = [];
    const socket = connect(Number(port), hostname, () => socket.write(bytes));
    socket.setTimeout(patienceMs, () => socket.destroy());
    socket.on("data", (part: Uint8Array) => heard.push(part));
    // A reset is as good an end as a close: what counts is what was heard before, and `close` follows.
    socket.on("error", () => {});
    socket.on("close", () => resolve(Buffer.concat(heard).toString("latin1")));
  });
}

/** A request on a connection of its own, closed after the answer. */
export async function rawAsk(
  url: string,
  protocol: ProtocolName,
  asking: Asking = {},
): Promise<RawAnswer & Understood> {
  const body = bodyFor(protocol, asking);
  const session = asking.session === undefined ? "" : `x-hedgerow-session: ${asking.session}\r\n`;
  const head =
    `POST ${pathFor(protocol, asking)} HTTP/1.1\r\nhost: ${new URL(url).host}\r\nconnection: close\r\n` +
    `content-type: application/json\r\n${session}content-length: ${Buffer.byteLength(body)}\r\n\r\n`;
  const answer = parseAnswer(await rawExchange(url, head + body));
  return { ...answer, ...understand(answer.body, protocol) };
}

type Understood = Pick<Heard, "said" | "terminal" | "error">;

/** The first answer in what was heard. */
export function parseAnswer(heard: string): RawAnswer {
  const [head, rest] = splitOnce(heard, "\r\n\r\n");
  const [first = "", ...lines] = head.split("\r\n");
  const headers = new Map(
    lines.map((line) => {
      const [name, value] = splitOnce(line, ":");
      return [name.toLowerCase(), value.trim()] as const;
    }),
  );
  const chunked = headers.get("transfer-encoding") === "chunked";
  const { body, clean } = chunked
    ? dechunked(rest)
    : { body: rest, clean: rest.length === Number(headers.get("content-length") ?? -1) };
  return {
    status: Number(/^HTTP\/1\.1 (\d{3})/.exec(first)?.[1] ?? 0),
    headers,
    body: Buffer.from(body, "latin1").toString("utf8"),
    clean,
  };
}

function dechunked(framed: string): Readonly<{ body: string; clean: boolean }> {
  let body = "";
  let rest = framed;
  for (;;) {
    const [line, after] = splitOnce(rest, "\r\n");
    const size = Number.parseInt(line, 16);
    if (size === 0) return { body, clean: true };
    if (!(size > 0)) return { body, clean: false };
    body += after.slice(0, size);
    rest = after.slice(size + 2);
  }
}

function splitOnce(text: string, mark: string): readonly [string, string] {
  const at = text.indexOf(mark);
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + mark.length)];
}
